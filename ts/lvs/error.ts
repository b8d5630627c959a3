/** Why a rule was refused. The CLI maps each code to ipvsadm's message, the API to a status. */
export type LvsErrorCode =
  | 'SERVICE_EXISTS'
  | 'NO_SUCH_SERVICE'
  | 'SERVICE_NOT_DEFINED'
  | 'DESTINATION_EXISTS'
  | 'NO_SUCH_DESTINATION'
  | 'NO_SUCH_MARK_RULE'
  | 'SCHEDULER_NOT_FOUND'
  | 'INVALID'
  | 'OUT_OF_RANGE'
  | 'TABLE_FULL';

/** A refused rule: expected, and without any change of state. */
export class LvsError extends Error {
  override readonly name = 'LvsError';
  readonly code: LvsErrorCode;

  constructor(code: LvsErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}

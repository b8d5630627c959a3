import type { Protocol, Timeouts } from './operation.ts';

/** The timeouts of a director that was never told others, as LVS has them. */
export const DEFAULT_TIMEOUTS: Timeouts = { tcpS: 900, tcpFinS: 120, udpS: 300 };

/**
 * How long a connection of each state lives without a packet, in seconds, where `--set` does not
 * say so. The states are TCP's, those of UDP and of a template (NONE until ASSURED), in the order
 * of the data plane's numbers.
 *
 * Source: Linux ip_vs_proto_tcp, ip_vs_proto_udp.
 */
const STATE_TIMEOUTS_S = {
  NONE: 2,
  ESTABLISHED: DEFAULT_TIMEOUTS.tcpS,
  SYN_SENT: 120,
  SYN_RECV: 60,
  FIN_WAIT: DEFAULT_TIMEOUTS.tcpFinS,
  TIME_WAIT: 120,
  CLOSE: 10,
  CLOSE_WAIT: 60,
  LAST_ACK: 30,
  LISTEN: 120,
  SYNACK: 120,
  UDP: DEFAULT_TIMEOUTS.udpS,
  // Of a template, which lives as long as its service says.
  ASSURED: 0,
  UDP_UNANSWERED: DEFAULT_TIMEOUTS.udpS,
} as const;

/** The state of a connection, by LVS's name. */
export type ConnectionState = keyof typeof STATE_TIMEOUTS_S;

/** Every state, in the order of the data plane's numbers. */
export const CONNECTION_STATES = Object.keys(STATE_TIMEOUTS_S) as readonly ConnectionState[];

/** The timeout of a state in seconds. */
export function stateTimeoutS(state: ConnectionState, { tcpS, tcpFinS, udpS }: Timeouts): number {
  if (state === 'ESTABLISHED') return tcpS;
  if (state === 'FIN_WAIT') return tcpFinS;
  return isUdp(state) ? udpS : STATE_TIMEOUTS_S[state];
}

function isUdp(state: ConnectionState): boolean {
  return state === 'UDP' || state === 'UDP_UNANSWERED';
}

/** The state as a listing names it. */
export function stateName(state: ConnectionState): string {
  return isUdp(state) ? 'UDP' : state;
}

/** The timeout of every state in seconds, in the order of CONNECTION_STATES. */
export function stateTimeoutsS(timeouts: Timeouts): readonly number[] {
  return CONNECTION_STATES.map((state) => stateTimeoutS(state, timeouts));
}

const ACTIVE: readonly ConnectionState[] = ['ESTABLISHED', 'SYN_SENT', 'SYN_RECV', 'SYNACK'];

/** Whether connections in the state count as active; all others count as inactive. */
export function isActive(state: ConnectionState): boolean {
  return ACTIVE.includes(state);
}

/** One connection as a listing shows it. */
export interface ConnectionView {
  /** `ip` of the template of a firewall mark, whose virtual address is the mark. */
  readonly protocol: Protocol | 'ip';
  /** LVS's name of the state, such as ESTABLISHED; UDP for UDP. */
  readonly state: string;
  readonly expiresS: number;
  readonly clientAddress: string;
  readonly clientPort: number;
  readonly virtualAddress: string;
  readonly virtualPort: number;
  readonly destinationAddress: string;
  readonly destinationPort: number;
}

import type { Operation } from '../lvs/operation.ts';
import { type Change, carryOut, change, complain, type Session } from './commands.ts';
import { parseCommandLine, type Request } from './ipvsadm.ts';
import { status, UsageError } from './messages.ts';

/**
 * -R: every line of stdin is a command line. A line that cannot be read ends it, one that the
 * director refuses does not, and the last line's status is the whole's. Rules are sent many at a
 * time; what prints waits for those before it, so that all happens in the order of the lines.
 */

/** A line is read up to here; no rule is nearly as long. */
const maxLineLength = 65536;

/** As many operations are sent at once: the director does nothing else meanwhile. */
const maxBatch = 1000;

/** Carries out the rules of stdin; under `atomic` all of them or none. Returns the exit status. */
export async function restore(
  request: { readonly atomic: boolean; readonly start: boolean },
  session: Session,
): Promise<number> {
  const batch: Operation[] = [];
  let last: number = status.done;
  // The director carries one batch out while the next one is read.
  let sent = Promise.resolve();
  const send = async () => {
    await sent;
    const next: Change = { operations: batch.splice(0), ...request };
    if (next.operations.length === 0) return;
    sent = change(next, session).then((outcome) => {
      last = outcome;
    });
    sent.catch(() => undefined); // it is told where it is waited for
  };
  const finish = async () => {
    await send();
    await sent;
  };
  const take = async (asked: LineRequest) => {
    if (asked.kind === 'change') {
      batch.push(asked.operation);
      return batch.length >= maxBatch && !request.atomic ? send() : undefined;
    }
    if (request.atomic) throw new UsageError('xlvs: only rules can be restored with --atomic');
    await finish();
    last = await carryOut(asked, session);
  };
  try {
    for await (const line of readLines(session.stdin)) {
      const asked = await parseLine(line, session);
      await take(asked);
      if (asked.kind === 'print') break;
    }
    await finish();
    return last;
  } catch (error) {
    if (!request.atomic && error instanceof UsageError) await finish();
    return complain(error, session);
  }
}

type LineRequest = Exclude<Request, { kind: 'restore' }>;

async function parseLine({ words, cut }: Line, session: Session): Promise<LineRequest> {
  const asked = await parseCommandLine(words, session.names, 'rule file');
  if (cut) throw new UsageError(`xlvs: expected lines of at most ${maxLineLength} bytes`);
  return asked as LineRequest; // a rule file has no -R
}

interface Line {
  readonly words: readonly string[];
  /** Whether the line went on. */
  readonly cut: boolean;
}

/** The lines that have words. A line is told once it is too long, without its end. */
async function* readLines(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Line> {
  let text = '';
  let told = false; // the line, because it was too long
  for await (const chunk of chunks) {
    for (const [i, piece] of Buffer.from(chunk).toString('latin1').split('\n').entries()) {
      if (i > 0 && !told) yield* lineOf(text, false);
      if (i > 0) [text, told] = ['', false];
      if (told) continue;
      text += piece;
      told = text.length > maxLineLength;
      if (told) yield* lineOf(text.slice(0, maxLineLength), true);
    }
  }
  if (!told) yield* lineOf(text, false);
}

function* lineOf(text: string, cut: boolean): Generator<Line> {
  const words = wordsOf(text);
  if (words.length > 0) yield { words, cut };
}

/** The words of a line; "ipvsadm" says nothing, wherever it stands. */
export function wordsOf(text: string): readonly string[] {
  return text
    .split(/[ \t\r\n]+/)
    .filter((word) => word !== '' && word !== 'ipvsadm')
    .map((word) => (word.includes('\0') ? word.slice(0, word.indexOf('\0')) : word));
}

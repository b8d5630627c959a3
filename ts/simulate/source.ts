import { createReadStream } from 'node:fs';
import { type Event, InputError, parseEvent } from './event.ts';

/** Events in order, in batches: a batch is read while it is played. */
export type Source = AsyncIterable<Iterable<Event>>;

/** The events of a file, one a line; - is stdin. `nowUs` is the clock of who plays them. */
export async function* eventsOf(path: string, nowUs: () => number): Source {
  let number = 0;
  function* eventsIn(lines: readonly string[]): Generator<Event> {
    for (const line of lines) {
      number += 1;
      if (line.trim() === '') continue;
      yield eventAt(line, `${path}:${number}`, nowUs());
    }
  }
  const stream = path === '-' ? process.stdin : createReadStream(path);
  for await (const lines of linesOf(stream)) yield eventsIn(lines);
}

function eventAt(line: string, place: string, nowUs: number): Event {
  try {
    const event = parseEvent(line);
    if ((event.atUs ?? nowUs) >= nowUs) return event;
    throw new InputError(`expected ${nowUs / 1e6} or later for t, received ${event.given.t}`);
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    throw new InputError(`${place}: ${error.message}`);
  }
}

/** The lines of a stream, as many at once as came. */
export async function* linesOf(stream: NodeJS.ReadableStream): AsyncGenerator<string[]> {
  let rest = '';
  stream.setEncoding('utf8');
  for await (const chunk of stream) {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop()!;
    yield lines;
  }
  if (rest !== '') yield [rest];
}

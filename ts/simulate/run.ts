// Hot: runs per event.
import { type Event, echo } from './event.ts';
import { type Outcome, play } from './play.ts';
import type { Simulation } from './simulation.ts';
import type { Source } from './source.ts';

/** Where output goes; it waits when nobody reads. */
export type Write = (text: string) => Promise<void>;

/** What is told of a run. */
export interface Report {
  /** The members with which an event is told; undefined if it is not. */
  note(event: Event, outcome: Outcome): Added | Promise<Added>;
  /** What there is to be said at the end. */
  end(): string;
}

/** What is added to an event. */
export type Added = object | undefined;

/** Tells every event, with its outcome added. */
export const EVERY_EVENT: Report = {
  note: (_event, outcome) => outcome,
  end: () => '',
};

/** Characters that are written at once. */
const BATCH = 65_536;

/** Plays the events of a source. What came before a mistake in the source is told, too. */
export async function run(
  simulation: Simulation,
  source: Source,
  report: Report,
  write: Write,
): Promise<void> {
  let text = '';
  const flush = async (): Promise<void> => {
    await write(text);
    text = '';
  };
  const tell = async (events: Iterable<Event>): Promise<void> => {
    for (const event of events) {
      // Waiting for what is there already would double the time that an event takes.
      const played = play(simulation, event);
      const noted = report.note(event, played instanceof Promise ? await played : played);
      const added = noted instanceof Promise ? await noted : noted;
      if (added !== undefined) text += `${echo(event, added)}\n`;
      if (text.length > BATCH) await flush();
    }
  };
  try {
    for await (const events of source) await tell(events);
    text += report.end();
  } finally {
    await flush();
  }
}

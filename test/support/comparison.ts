import type { History } from './replay.ts';

/** What is to happen to us as it did to the kernel. */
export type Player = (history: History) => { happen(event: string): string };

/** Decisions of one scheduler's that were compared, and those of them that differ. */
interface Row {
  decisions: number;
  differences: number;
}

/** One history that differs. */
export interface Difference {
  readonly name: string;
  /** The first event that differs, and what happens to us instead. */
  readonly theirs: string;
  readonly ours: string;
}

/** What came of comparing our choices with recorded ones. */
export class Comparison {
  /** By scheduler. */
  readonly rows = new Map<string, Row>();
  readonly differences: Difference[] = [];

  readonly #play: Player;

  constructor(play: Player) {
    this.#play = play;
  }

  /** Lets a history happen to us. */
  compare(history: History): void {
    const replay = this.#play(history);
    let { scheduler } = history;
    let first: Difference | undefined;
    for (const theirs of history.events) {
      const ours = replay.happen(theirs);
      const [what, word = '', letters = ''] = theirs.split(' ');
      if (what === 'scheduler') scheduler = word;
      if (what !== 'choose') continue;
      this.#count(scheduler, letters, ours.split(' ')[2]!);
      if (ours !== theirs) first ??= { name: history.name, theirs, ours };
    }
    if (first !== undefined) this.differences.push(first);
  }

  /** A line a scheduler. */
  get table(): string {
    const line = (cells: readonly (string | number)[]) =>
      cells.map((cell) => String(cell).padStart(12)).join('');
    const rows = [...this.rows].sort(([a], [b]) => (a < b ? -1 : 1));
    return [
      line(['scheduler', 'decisions', 'differences']),
      ...rows.map(([name, row]) => line([name, row.decisions, row.differences])),
    ].join('\n');
  }

  #count(scheduler: string, theirs: string, ours: string): void {
    const row = this.rows.get(scheduler) ?? { decisions: 0, differences: 0 };
    row.decisions += theirs.length;
    for (let i = 0; i < theirs.length; i++) if (theirs[i] !== ours[i]) row.differences += 1;
    this.rows.set(scheduler, row);
  }
}

import type { Cancel, Clock } from '../../ts/net/clock.ts';

interface Due {
  atMs: number;
  readonly everyMs: number | undefined;
  readonly run: () => void;
}

/** A clock that stands still until a test advances it. */
export class FakeClock implements Clock {
  #now = 0;
  readonly #due = new Set<Due>();

  now(): number {
    return this.#now;
  }

  after(ms: number, run: () => void): Cancel {
    return this.#add({ atMs: this.#now + ms, everyMs: undefined, run });
  }

  every(ms: number, run: () => void): Cancel {
    return this.#add({ atMs: this.#now + ms, everyMs: ms, run });
  }

  /** Lets time pass, and runs what becomes due, in order. */
  advance(ms: number): void {
    const end = this.#now + ms;
    for (let next = this.#next(end); next !== undefined; next = this.#next(end)) {
      this.#now = next.atMs;
      if (next.everyMs === undefined) this.#due.delete(next);
      else next.atMs += next.everyMs;
      next.run();
    }
    this.#now = end;
  }

  #next(end: number): Due | undefined {
    const [first] = [...this.#due].sort((a, b) => a.atMs - b.atMs);
    return first !== undefined && first.atMs <= end ? first : undefined;
  }

  #add(due: Due): Cancel {
    this.#due.add(due);
    return () => this.#due.delete(due);
  }
}

import assert from 'node:assert/strict';
import { LvsError } from './error.ts';

/** The indices 0 to size-1 of one kind of thing, each free or taken. */
export class IndexPool {
  readonly #taken: Uint8Array;
  readonly #what: string;
  #lowest = 0; // no index below is free
  #end = 0;

  constructor(size: number, what: string) {
    this.#taken = new Uint8Array(size);
    this.#what = what;
  }

  /** From here on every index is free. */
  get end(): number {
    return this.#end;
  }

  /** Takes the lowest free index, or the given one. Throws LvsError TABLE_FULL. */
  take(given?: number): number {
    const index = given ?? this.#taken.indexOf(0, this.#lowest);
    if (index < 0 || index >= this.#taken.length) {
      const received = given ?? 'one more';
      const size = this.#taken.length;
      throw new LvsError(
        'TABLE_FULL',
        `expected up to ${size} ${this.#what}, received ${received}`,
      );
    }
    assert(this.#taken[index] === 0, `index ${index} of the ${this.#what} is taken`);
    this.#taken[index] = 1;
    if (given === undefined) this.#lowest = index + 1;
    this.#end = Math.max(this.#end, index + 1);
    return index;
  }

  /** Makes an index free again. */
  release(index: number): void {
    this.#taken[index] = 0;
    this.#lowest = Math.min(this.#lowest, index);
    while (this.#end > 0 && this.#taken[this.#end - 1] === 0) this.#end -= 1;
  }
}

/**
 * Memory in blocks of powers of two, by the buddy system: a block is halved until it is as small
 * as wanted, and a free one unites with the other half of what it was halved from.
 *
 * Source: Knuth, The Art of Computer Programming, volume 1, section 2.5.
 */
export class Buddies {
  readonly size: number;
  /** Units that no block has. */
  free: number;
  /** The beginnings of the free blocks, by the binary logarithm of their size. */
  readonly #free: Set<number>[];

  /** `size` units, all of them free. */
  constructor(size: number) {
    this.size = size;
    this.free = size;
    const orders = Math.floor(Math.log2(Math.max(size, 1))) + 1;
    this.#free = Array.from({ length: orders }, () => new Set<number>());
    let at = 0;
    for (let order = orders - 1; order >= 0; order--) {
      if (size - at < 2 ** order) continue;
      this.#free[order]!.add(at);
      at += 2 ** order;
    }
  }

  /** Takes a block of 2 ** order units, and returns where it begins; undefined if there is none. */
  take(order: number): number | undefined {
    for (let from = order; from < this.#free.length; from++) {
      const [at] = this.#free[from]!;
      if (at === undefined) continue;
      this.#free[from]!.delete(at);
      this.free -= 2 ** order;
      for (let half = from - 1; half >= order; half--) this.#free[half]!.add(at + 2 ** half);
      return at;
    }
    return undefined;
  }

  /** Takes this very block; false where not all of it is free. */
  claim(at: number, order: number): boolean {
    for (let from = order; from < this.#free.length; from++) {
      const whole = at - (at % 2 ** from);
      if (!this.#free[from]!.delete(whole)) continue;
      this.free -= 2 ** order;
      for (let half = from - 1; half >= order; half--) {
        // Of two halves, the one that the block is not in stays free.
        const inner = at - (at % 2 ** half);
        this.#free[half]!.add(inner ^ (2 ** half));
      }
      return true;
    }
    return false;
  }

  /** Gives a block back. */
  give(at: number, order: number): void {
    this.free += 2 ** order;
    this.#unite(at, order);
  }

  #unite(at: number, order: number): void {
    const buddy = at ^ (2 ** order);
    if (order + 1 < this.#free.length && this.#free[order]!.delete(buddy)) {
      this.#unite(Math.min(at, buddy), order + 1);
    } else {
      this.#free[order]!.add(at);
    }
  }
}

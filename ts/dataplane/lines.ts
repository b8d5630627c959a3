import { Limits, TicketLine } from '../native/abi.gen.ts';
import { Buddies } from './buddies.ts';

/** How long lines that were given back stay as they are: a CPU may be about to read them. */
const REST_MS = 100;

/** Lines that hold so many numbers, from one on. */
export interface Block {
  readonly line: number;
  readonly size: number;
}

/** The memory of rings and tables: struct ticket_line, given out in blocks of powers of two. */
export class Lines {
  /** All of it, as numbers of 32 bits. */
  readonly numbers: Uint32Array<ArrayBuffer>;
  readonly #free: Buddies;
  readonly #now: () => number;
  readonly #resting: { readonly block: Block; readonly untilMs: number }[] = [];

  constructor(lines: ArrayBuffer, now: () => number) {
    this.numbers = new Uint32Array(lines);
    this.#free = new Buddies(lines.byteLength / TicketLine.size);
    this.#now = now;
  }

  /** How much is free, 0 to 1. */
  get free(): number {
    return this.#free.free / this.#free.size;
  }

  /** A block for so many numbers; undefined where there is no room. */
  take(size: number): Block | undefined {
    while (this.#resting.length > 0 && this.#resting[0]!.untilMs <= this.#now()) {
      const { block } = this.#resting.shift()!;
      this.#free.give(block.line, order(block.size));
    }
    const line = this.#free.take(order(size));
    return line === undefined ? undefined : { line, size };
  }

  /** Takes this very block; false where not all of it is free. */
  claim({ line, size }: Block): boolean {
    return this.#free.claim(line, order(size));
  }

  /** Gives a block back that nobody will begin to read any more. */
  give(block: Block): void {
    this.#resting.push({ block, untilMs: this.#now() + REST_MS });
  }
}

/** The binary logarithm of the lines of so many numbers. */
function order(size: number): number {
  return Math.ceil(Math.log2(Math.ceil(size / Limits.TICKETS_PER_LINE)));
}

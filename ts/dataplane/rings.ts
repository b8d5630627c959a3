// Hot: heads are read and marks are written per connection. Do not allocate there.
import { MARK_LENGTH, type Mark, NO_TICKET, type Ring } from '../lvs/ring.ts';
import { Limits, Schedule, ScheduleMark, TicketLine } from '../native/abi.gen.ts';
import { Buddies } from './buddies.ts';

/** Words of a struct schedule, and which of them are what. */
const WORDS = Schedule.size / 4;
const RING_LINE = Schedule.ringLineAt / 4;
const RING_MASK = Schedule.ringMaskAt / 4;
const REUSABLE = Schedule.reusableAt / 4;
const MARK = Schedule.markAt / 4;
const MARKS = Schedule.marks.at / 4;
const MARK_WORDS = ScheduleMark.size / 4;
const EDITION = ScheduleMark.editionAt / 4;
/** The place, and behind it the cursor. */
const PLACE = ScheduleMark.placeAt / 4;
const HEAD = Schedule.windowAt / 4;
const LIMIT = HEAD + 1;

/** How long lines that were given back stay as they are: a CPU may be about to read a ticket. */
const REST_MS = 100;

/** Lines that make a ring: from one on, a power of two of tickets. */
interface Block {
  readonly line: number;
  readonly size: number;
}

/**
 * The rings of all services, in the data plane's memory: `schedules` holds a struct schedule for
 * every service, `lines` the struct ticket_line of which blocks make the rings. Rings that are
 * there already stay as they are until they are released.
 */
export class Rings {
  readonly #words: Int32Array;
  readonly #doubles: BigUint64Array;
  readonly #tickets: Uint32Array;
  readonly #lines: Buddies;
  readonly #now: () => number;
  readonly #resting: { readonly block: Block; readonly untilMs: number }[] = [];
  readonly #rings: (ServiceRing | undefined)[] = [];

  constructor(schedules: ArrayBuffer, lines: ArrayBuffer, now: () => number) {
    this.#words = new Int32Array(schedules);
    this.#doubles = new BigUint64Array(schedules);
    this.#tickets = new Uint32Array(lines);
    this.#lines = new Buddies(lines.byteLength / TicketLine.size);
    this.#now = now;
    for (let index = 0; index < this.#words.length / WORDS; index++) {
      if (this.#words[index * WORDS + RING_MASK] !== 0) this.#claim(this.#ring(index));
    }
  }

  /** The ring of the service that has the index. */
  ring(index: number): Ring {
    return this.#ring(index);
  }

  #ring(index: number): ServiceRing {
    this.#rings[index] ??= new ServiceRing({
      words: this.#words.subarray(index * WORDS, (index + 1) * WORDS),
      doubles: this.#doubles.subarray((index * WORDS) / 2, ((index + 1) * WORDS) / 2),
      tickets: this.#tickets,
      take: (size) => this.#take(size),
      give: (block) => this.#give(block),
      isPlenty: () => this.#lines.free > this.#lines.size / 2,
    });
    return this.#rings[index];
  }

  #claim(ring: ServiceRing): void {
    const { line, size } = ring.block;
    if (!this.#lines.claim(line, order(size))) ring.lose();
  }

  #take(size: number): number | undefined {
    while (this.#resting.length > 0 && this.#resting[0]!.untilMs <= this.#now()) {
      const { block } = this.#resting.shift()!;
      this.#lines.give(block.line, order(block.size));
    }
    return this.#lines.take(order(size));
  }

  #give(block: Block): void {
    this.#resting.push({ block, untilMs: this.#now() + REST_MS });
  }
}

/** What a ring is made of: its struct schedule as words of two sizes, and the lines of all. */
interface Memory {
  readonly words: Int32Array;
  readonly doubles: BigUint64Array;
  readonly tickets: Uint32Array;
  /** The first line of a block for so many tickets, undefined where there is none. */
  take(size: number): number | undefined;
  give(block: Block): void;
  isPlenty(): boolean;
}

class ServiceRing implements Ring {
  readonly tickets: Uint32Array;
  readonly #memory: Memory;
  readonly #words: Int32Array;

  constructor(memory: Memory) {
    this.tickets = memory.tickets;
    this.#memory = memory;
    this.#words = memory.words;
  }

  get first(): number {
    return this.#words[RING_LINE]! * Limits.TICKETS_PER_LINE;
  }

  get size(): number {
    const mask = this.#words[RING_MASK]!;
    return mask === 0 ? 0 : mask + 1;
  }

  get block(): Block {
    return { line: this.#words[RING_LINE]!, size: this.size };
  }

  get isMemoryPlenty(): boolean {
    return this.#memory.isPlenty();
  }

  get head(): number {
    return Atomics.load(this.#words, HEAD);
  }

  get limit(): number {
    return this.#words[LIMIT]!;
  }

  freeze(): number {
    this.#setLimit((head) => head);
    return this.limit;
  }

  publish(limit: number): void {
    this.#setLimit((head) => (((limit - head) | 0) < 0 ? head : limit));
  }

  setReusable(count: number): void {
    this.#words[REUSABLE] = count;
  }

  resize(size: number): boolean {
    const line = this.#memory.take(size);
    if (line === undefined) return false;
    const before = this.block;
    const { tickets, first, limit } = this;
    const newFirst = line * Limits.TICKETS_PER_LINE;
    // The places before the limit, and so every place that somebody may read.
    for (let place = limit - size; place < limit; place++) {
      const ticket = before.size === 0 ? NO_TICKET : tickets[first + (place & (before.size - 1))]!;
      tickets[newFirst + (place & (size - 1))] = ticket;
    }
    this.#point(line, size - 1);
    if (before.size > 0) this.#memory.give(before);
    return true;
  }

  // Of two marks the one that does not hold is written, and holds then: a kill leaves one whole.
  writeMark(edition: number, from: Mark, at: number): void {
    const words = this.#words;
    const next = 1 - words[MARK]!;
    const mark = MARKS + next * MARK_WORDS;
    words[mark + EDITION] = edition;
    for (let i = 0; i < MARK_LENGTH; i++) words[mark + PLACE + i] = from[at + i]!;
    Atomics.store(words, MARK, next);
  }

  readMark(edition: number): Mark | undefined {
    const words = this.#words;
    const mark = MARKS + words[MARK]! * MARK_WORDS;
    if (words[mark + EDITION] !== edition) return undefined;
    return words.slice(mark + PLACE, mark + PLACE + MARK_LENGTH);
  }

  release(): void {
    const { block } = this;
    this.lose();
    if (block.size > 0) this.#memory.give(block);
  }

  /** Forgets the ring without giving its lines back. */
  lose(): void {
    this.freeze();
    this.setReusable(0);
    this.#words[MARKS + EDITION] = 0;
    this.#words[MARKS + MARK_WORDS + EDITION] = 0;
    this.#point(0, 0);
  }

  /** Both words as one: nobody sees the lines of one ring with the mask of another. */
  #point(line: number, mask: number): void {
    Atomics.store(this.#memory.doubles, RING_LINE / 2, (BigInt(mask) << 32n) | BigInt(line));
  }

  /** The head moves meanwhile, in the same word. */
  #setLimit(limitFor: (head: number) => number): void {
    const { doubles } = this.#memory;
    for (;;) {
      const window = Atomics.load(doubles, HEAD / 2);
      const head = Number(BigInt.asIntN(32, window));
      const limit = BigInt(limitFor(head) >>> 0);
      const wanted = (limit << 32n) | BigInt(head >>> 0);
      if (Atomics.compareExchange(doubles, HEAD / 2, window, wanted) === window) return;
    }
  }
}

/** The binary logarithm of the lines of so many tickets. */
function order(size: number): number {
  return Math.log2(size / Limits.TICKETS_PER_LINE);
}

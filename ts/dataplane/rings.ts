// Hot: heads are read and marks are written per connection. Do not allocate there.
import { MARK_LENGTH, type Mark, NO_TICKET, type Ring, type Table } from '../lvs/ring.ts';
import { Limits, Refill, Schedule, ScheduleMark } from '../native/abi.gen.ts';
import { type Block, Lines } from './lines.ts';
import { ServiceTable } from './tables.ts';

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
const REFILL = Schedule.refillAt / 4;
const GENERATION = Schedule.generationAt / 4;

/**
 * The rings and tables of all services, in the data plane's memory: `schedules` holds a struct
 * schedule for every service, `lines` what they are made of. Those that are there already stay as
 * they are until they are released.
 */
export class Rings {
  readonly #words: Int32Array;
  readonly #doubles: BigUint64Array;
  readonly #lines: Lines;
  readonly #rings: (ServiceRing | undefined)[] = [];

  constructor(schedules: ArrayBuffer, lines: ArrayBuffer, now: () => number) {
    this.#words = new Int32Array(schedules);
    this.#doubles = new BigUint64Array(schedules);
    this.#lines = new Lines(lines, now);
    for (let index = 0; index < this.#words.length / WORDS; index++) {
      const words = this.#wordsOf(index);
      if (words[RING_MASK] !== 0 || words[GENERATION] !== 0) this.#ring(index).claim();
    }
  }

  /** The ring of the service that has the index. */
  ring(index: number): Ring {
    return this.#ring(index);
  }

  #ring(index: number): ServiceRing {
    this.#rings[index] ??= new ServiceRing({
      words: this.#wordsOf(index),
      doubles: this.#doubles.subarray((index * WORDS) / 2, ((index + 1) * WORDS) / 2),
      lines: this.#lines,
    });
    return this.#rings[index];
  }

  #wordsOf(index: number): Int32Array {
    return this.#words.subarray(index * WORDS, (index + 1) * WORDS);
  }
}

/** What a ring is made of: its struct schedule as words of two sizes, and the lines of all. */
interface Memory {
  readonly words: Int32Array;
  readonly doubles: BigUint64Array;
  readonly lines: Lines;
}

class ServiceRing implements Ring {
  readonly tickets: Uint32Array;
  readonly #words: Int32Array;
  readonly #doubles: BigUint64Array;
  readonly #lines: Lines;
  readonly #table: ServiceTable;

  constructor({ words, doubles, lines }: Memory) {
    this.tickets = lines.numbers;
    this.#words = words;
    this.#doubles = doubles;
    this.#lines = lines;
    this.#table = new ServiceTable(words, lines);
  }

  /** Takes the lines that a director before has given it; those that are not free are lost. */
  claim(): void {
    if (this.size > 0 && !this.#lines.claim(this.#block)) this.#lose();
    if (!this.#table.blocks.every((block) => this.#lines.claim(block))) this.#table.lose();
  }

  get first(): number {
    return this.#words[RING_LINE]! * Limits.TICKETS_PER_LINE;
  }

  get size(): number {
    const mask = this.#words[RING_MASK]!;
    return mask === 0 ? 0 : mask + 1;
  }

  get #block(): Block {
    return { line: this.#words[RING_LINE]!, size: this.size };
  }

  get freeMemory(): number {
    return this.#lines.free;
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

  askAt(place: number | undefined): void {
    const refill = place === undefined ? 0 : (place << 2) | Refill.AT;
    Atomics.store(this.#words, REFILL, refill);
  }

  get isAsked(): boolean {
    return this.#words[REFILL] === Refill.WANTED;
  }

  setReusable(count: number): void {
    this.#words[REUSABLE] = count;
  }

  resize(size: number): boolean {
    const line = this.#lines.take(size)?.line;
    if (line === undefined) return false;
    const before = this.#block;
    const { tickets, first, limit } = this;
    const newFirst = line * Limits.TICKETS_PER_LINE;
    // The places before the limit, and so every place that somebody may read.
    for (let place = limit - size; place < limit; place++) {
      const ticket = before.size === 0 ? NO_TICKET : tickets[first + (place & (before.size - 1))]!;
      tickets[newFirst + (place & (size - 1))] = ticket;
    }
    this.#point(line, size - 1);
    if (before.size > 0) this.#lines.give(before);
    return true;
  }

  setTable(table: Table | undefined): boolean {
    const isSet = this.#table.set(table);
    if (table !== undefined) this.#giveUp();
    return isSet;
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
    this.#giveUp();
    this.#table.set(undefined);
  }

  #giveUp(): void {
    const block = this.#block;
    this.#lose();
    if (block.size > 0) this.#lines.give(block);
  }

  /** Forgets the ring without giving its lines back. */
  #lose(): void {
    this.freeze();
    this.askAt(undefined);
    this.setReusable(0);
    this.#words[MARKS + EDITION] = 0;
    this.#words[MARKS + MARK_WORDS + EDITION] = 0;
    this.#point(0, 0);
  }

  /** Both words as one: nobody sees the lines of one ring with the mask of another. */
  #point(line: number, mask: number): void {
    Atomics.store(this.#doubles, RING_LINE / 2, (BigInt(mask) << 32n) | BigInt(line));
  }

  /** The head moves meanwhile, in the same word. */
  #setLimit(limitFor: (head: number) => number): void {
    const doubles = this.#doubles;
    for (;;) {
      const window = Atomics.load(doubles, HEAD / 2);
      const head = Number(BigInt.asIntN(32, window));
      const limit = BigInt(limitFor(head) >>> 0);
      const wanted = (limit << 32n) | BigInt(head >>> 0);
      if (Atomics.compareExchange(doubles, HEAD / 2, window, wanted) === window) return;
    }
  }
}

import type { Table } from '../lvs/ring.ts';
import type { Hashing } from '../lvs/scheduler.ts';
import { Limits, Schedule, Table as Struct, TableKind } from '../native/abi.gen.ts';
import type { Block, Lines } from './lines.ts';

/** Words of a struct schedule, and of a struct table in it. */
const GENERATION = Schedule.generationAt / 4;
const TABLES = Schedule.tables.at / 4;
const WORDS = Struct.size / 4;
const SLOTS = Struct.slotsAt / 4;
const MEMBERS = Struct.membersAt / 4;
const KIND = Struct.kindAt / 4;
const SLOTS_LINE = Struct.slotsLineAt / 4;
const MEMBERS_LINE = Struct.membersLineAt / 4;

/** Members whose places are one byte, and two. */
const NARROW = 2 ** 8;
const WIDE = 2 ** 16;

/**
 * The table of one service in the data plane's memory. Of two struct table the one that does
 * not hold is written; raising the generation makes it hold, so that a kill leaves one whole.
 */
export class ServiceTable {
  /** The service's struct schedule. */
  readonly #words: Int32Array;
  readonly #lines: Lines;

  constructor(words: Int32Array, lines: Lines) {
    this.#words = words;
    this.#lines = lines;
  }

  /** What the present table takes up; nothing where there is none. */
  get blocks(): readonly Block[] {
    const words = this.#words;
    const at = this.#at(words[GENERATION]!);
    const [slots, members] = [words[at + SLOTS]! >>> 0, words[at + MEMBERS]! >>> 0];
    if (slots === 0) return [];
    return [
      { line: words[at + SLOTS_LINE]!, size: packed(slots, members) },
      { line: words[at + MEMBERS_LINE]!, size: members },
    ];
  }

  /** As `Ring.setTable`, but for the ring. */
  set(table: Table | undefined): boolean {
    const before = this.blocks;
    const blocks = table && this.#place(table);
    if (blocks === undefined && before.length === 0) return table === undefined;
    const at = this.#at(this.#words[GENERATION]! + 1);
    this.#words.fill(0, at, at + WORDS);
    if (table !== undefined && blocks !== undefined) this.#write(at, table, blocks);
    Atomics.add(this.#words, GENERATION, 1);
    for (const block of before) this.#lines.give(block);
    return table === undefined || blocks !== undefined;
  }

  /** Forgets the table without giving its lines back. */
  lose(): void {
    const at = this.#at(this.#words[GENERATION]! + 1);
    this.#words.fill(0, at, at + WORDS);
    Atomics.add(this.#words, GENERATION, 1);
  }

  #at(generation: number): number {
    return TABLES + (generation & 1) * WORDS;
  }

  /** Slots and members in lines of their own; undefined where there is no room. */
  #place({ slots, members }: Table): readonly [Block, Block] | undefined {
    if (members.length > WIDE) return undefined;
    const slotsBlock = this.#lines.take(packed(slots.length, members.length));
    const membersBlock = this.#lines.take(members.length);
    if (slotsBlock === undefined || membersBlock === undefined) {
      for (const block of [slotsBlock, membersBlock]) if (block) this.#lines.give(block);
      return undefined;
    }
    const { buffer, byteOffset } = this.#line(slotsBlock);
    const Places = members.length > NARROW ? Uint16Array : Uint8Array;
    new Places(buffer, byteOffset, slots.length).set(slots);
    this.#line(membersBlock).set(members);
    return [slotsBlock, membersBlock];
  }

  #line({ line, size }: Block): Uint32Array<ArrayBuffer> {
    const first = line * Limits.TICKETS_PER_LINE;
    return this.#lines.numbers.subarray(first, first + size);
  }

  #write(at: number, table: Table, [slots, members]: readonly [Block, Block]): void {
    const { hashing, isReserve } = table;
    const isWide = table.members.length > NARROW;
    this.#words[at + SLOTS] = table.slots.length;
    this.#words[at + MEMBERS] = table.members.length;
    this.#words[at + SLOTS_LINE] = slots.line;
    this.#words[at + MEMBERS_LINE] = members.line;
    this.#words[at + KIND] =
      kindOf(hashing) | (isWide ? TableKind.WIDE : 0) | (isReserve ? TableKind.RESERVE : 0);
  }
}

/** Numbers that hold the places of so many slots. */
function packed(slots: number, members: number): number {
  return Math.ceil(slots / (members > NARROW ? 2 : 4));
}

function kindOf({ hash, end, hasPort, fallsBack }: Hashing): number {
  let kind = hash === 'siphash' ? TableKind.SIPHASH : 0;
  if (end === 'virtual') kind |= TableKind.VIRTUAL;
  if (hasPort) kind |= TableKind.PORT;
  return fallsBack ? kind | TableKind.FALLBACK : kind;
}

import { CURSOR_LENGTH, type Hashing } from './scheduler.ts';

/**
 * A service's ring of tickets in the data plane's memory, or its table instead. Places are 32-bit
 * numbers that go on for ever, and run over:
 *
 *   ... used | head ... published ... limit | free ...        ticket of a place: place & (size - 1)
 *
 * The data plane takes the ticket at the head, on every CPU, as long as that is not the limit.
 * Only the director moves the limit.
 */
export interface Ring {
  /** The memory of all rings; a ticket is the index of a destination. */
  readonly tickets: Uint32Array;
  /** Where in that memory this ring begins, and its tickets: a power of two, or 0 for no ring. */
  readonly first: number;
  readonly size: number;

  /** How much of the memory of all rings is free, 0 to 1. */
  readonly freeMemory: number;

  /** The place of the next ticket that will be used. Signed, as are all places. */
  readonly head: number;
  /** The place behind the last ticket that may be used. */
  readonly limit: number;

  /** Makes the head the limit: nothing is taken from now on. Returns it. */
  freeze(): number;

  /** Lets tickets be taken up to the new limit; up to the head, where that is ahead by now. */
  publish(limit: number): void;

  /**
   * Has the director asked for more tickets, once, by the connection that finds this place at the
   * head; undefined: by none.
   */
  askAt(place: number | undefined): void;

  /** Whether it was asked. */
  readonly isAsked: boolean;

  /** So many places before the limit may be used again and again when the director is dead. */
  setReusable(count: number): void;

  /**
   * Gives the ring so many places, all of them filled with the tickets that it had, or with
   * NO_TICKET; false, and nothing is changed, where there is no room. To get smaller, a ring has
   * to be frozen; connections go on to take tickets while it grows.
   */
  resize(size: number): boolean;

  /**
   * Makes connections look their destination up in a table from now on, in place of the ring;
   * undefined: they no longer do. False, and they ask the slow path, where there is no room.
   */
  setTable(table: Table | undefined): boolean;

  /** Leaves a mark, from from[at] on, to a successor under the same edition of the rules. Hot. */
  writeMark(edition: number, from: Mark, at: number): void;

  /** The mark that a director left there under the edition, if it did. */
  readMark(edition: number): Mark | undefined;

  /** Gives all memory back. */
  release(): void;
}

/** What a scheduler of that kind has to say of every flow there is. */
export interface Table {
  readonly hashing: Hashing;
  /** By slot the place of a member. */
  readonly slots: Uint32Array;
  /** By place the index of a destination. */
  readonly members: readonly number[];
  /** Whether it is for the time when the director is dead alone. */
  readonly isReserve: boolean;
}

/**
 * Where a scheduler is in its round: a place, and the cursor before the ticket of that place was
 * drawn.
 */
export type Mark = ArrayLike<number>;

/** Numbers in a mark. */
export const MARK_LENGTH = 1 + CURSOR_LENGTH;

/** Stands where no ticket was ever drawn. */
export const NO_TICKET = 0xffff_ffff;

/**
 * Places right behind the head that keep their tickets: a CPU may have taken one and not have
 * read it yet.
 */
export function guardedPlaces(size: number): number {
  return Math.min(GUARDED_PLACES, size / 2);
}

const GUARDED_PLACES = 64;

import type { Destination } from './destination.ts';

/** The first packet of a connection, as far as a scheduler may look at it. */
export interface Flow {
  readonly clientAddress: Uint8Array;
  readonly clientPort: number;
}

/** A scheduler's view of its service: the destinations, newest first, as LVS keeps them. */
export interface Pool {
  readonly destinations: readonly Destination[];
}

/**
 * Where a scheduler is in its round: CURSOR_LENGTH numbers of 32 bits. It means something only
 * together with the pool from which it was taken.
 */
export type Cursor = ArrayLike<number>;

/** Numbers in a cursor; those that a scheduler does not need are 0. */
export const CURSOR_LENGTH = 3;

/**
 * Chooses a destination for a new connection. One scheduler belongs to one service and keeps
 * that service's cursor; a connection that exists is never scheduled again.
 *
 * Its kind says what a choice depends on, and by that how it can be made ahead: see tickets.ts.
 */
export type Scheduler = SequenceScheduler | CountsScheduler;

interface AnyScheduler {
  readonly name: string;

  /** Called after one destination was added, removed or edited, with the pool as it is now. */
  update(pool: Pool): void;

  /** The destination for a new connection; undefined when none is accepting. Hot. */
  schedule(pool: Pool): Destination | undefined;
}

/** A scheduler whose choices depend on the rules and on the choices before. */
export interface SequenceScheduler extends AnyScheduler {
  readonly kind: 'sequence';

  /** Writes the cursor to into[at] and on. Hot. */
  save(into: Int32Array, at: number): void;

  /** Goes on from a cursor that was saved when the pool was as it is now. */
  load(pool: Pool, from: Cursor, at: number): void;

  /** The number of choices after which everything repeats. */
  round(pool: Pool): number;
}

/** A scheduler whose choices depend on the connections that destinations have at the moment. */
export interface CountsScheduler extends AnyScheduler {
  readonly kind: 'counts';

  /** Reads the connections of every destination, for the choices that follow. O(destinations). */
  survey(pool: Pool): void;

  /**
   * As schedule, at the moment of the last survey, with every destination drawn since then
   * having one active connection more. Hot.
   */
  draw(): Destination | undefined;
}

/** A new scheduler's cursor, or a given scheduler's. */
export function cursorOf(scheduler: Scheduler): Int32Array {
  const cursor = new Int32Array(CURSOR_LENGTH);
  if (scheduler.kind === 'sequence') scheduler.save(cursor, 0);
  return cursor;
}

/** Whether a destination may be given a new connection. */
export function accepting(destination: Destination): boolean {
  return destination.weight > 0;
}

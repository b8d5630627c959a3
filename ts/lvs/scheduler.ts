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
 * Where a scheduler is in its round, as numbers that JSON can carry. It means something only
 * together with the pool from which it was taken.
 */
export type Cursor = readonly number[];

/**
 * Chooses a destination for a new connection. One scheduler belongs to one service and keeps
 * that service's cursor; a connection that exists is never scheduled again.
 */
export interface Scheduler {
  readonly name: string;

  /** Called after one destination was added, removed or edited, with the pool as it is now. */
  update(pool: Pool): void;

  /** The destination for a new connection; undefined when none is accepting. Hot. */
  schedule(pool: Pool): Destination | undefined;

  /** The present cursor; absent from schedulers that keep none. */
  cursor?(): Cursor;

  /** Goes on from a cursor that was taken when the pool was as it is now. */
  restore?(pool: Pool, cursor: Cursor): void;
}

/** Whether a destination may be given a new connection. */
export function accepting(destination: Destination): boolean {
  return destination.weight > 0;
}

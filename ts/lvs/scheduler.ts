import type { Random } from '../net/random.ts';
import type { Destination } from './destination.ts';
import type { SchedulerFlag } from './operation.ts';
import type { Settings } from './settings.ts';

/** The first packet of a connection, as far as a scheduler may look at it. */
export interface Flow {
  /** Addresses: 4 or 16 bytes, valid during the call. */
  readonly clientAddress: Uint8Array;
  readonly clientPort: number;
  readonly virtualAddress: Uint8Array;
}

/** A scheduler's view of its service: the destinations, newest first, as LVS keeps them. */
export interface Pool {
  readonly destinations: readonly Destination[];
  /**
   * Whether choices are made ahead: then who carries one out sees himself whether the
   * destination is overloaded at that moment.
   */
  readonly isAhead?: boolean;
  /** What the service's rule asks of its scheduler. */
  readonly flags?: readonly SchedulerFlag[];
}

/** Time and chance, as a scheduler is given them: real ones, or a simulation's. */
export interface Outside {
  /** Milliseconds, as Clock.now. */
  readonly now: () => number;
  readonly random: Random;
  /** The user's own schedulers, by name. */
  readonly schedulers?: Makers;
}

/** What a scheduler may ask beside its pool. */
export interface Surroundings extends Outside {
  /** As they are at the moment. */
  readonly settings: Settings;
}

/** Makes a new scheduler, for one service. */
export type MakeScheduler = (surroundings: Surroundings) => Scheduler;

/** What makes schedulers, by their names. */
export type Makers = ReadonlyMap<string, MakeScheduler>;

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
export type Scheduler = SequenceScheduler | CountsScheduler | TableScheduler | FlowScheduler;

interface AnyScheduler {
  readonly name: string;

  /** What is wrong with the one that has this name, in whose place it chooses. */
  readonly complaint?: string;

  /** Who is to choose from now on, since this one has failed. */
  readonly successor?: CountsScheduler | undefined;

  /** Called after one destination was added, removed or edited, with the pool as it is now. */
  update(pool: Pool): void;

  /** The destination for a new connection; undefined when none is accepting. Hot. */
  schedule(pool: Pool, flow: Flow): Destination | undefined;
}

/** A scheduler whose choices depend on the rules and on the choices before. */
export interface SequenceScheduler extends AnyScheduler {
  readonly kind: 'sequence';

  /** It does not look at the flow. */
  schedule(pool: Pool): Destination | undefined;

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

  /** It does not look at the flow. */
  schedule(pool: Pool): Destination | undefined;

  /** Reads the connections of every destination, for draws that follow at once. O(destinations). */
  survey(pool: Pool): void;

  /**
   * As schedule, at the moment of the last survey, with every destination drawn since then
   * having one active connection more. Hot.
   */
  draw(): Destination | undefined;
}

/** A scheduler whose choices depend on the rules and on the flow: a hash of it, and a table. */
export interface TableScheduler extends AnyScheduler {
  readonly kind: 'table';

  /** How a flow finds its slot. */
  hashing(pool: Pool): Hashing;

  /** By slot a destination's place in the pool; empty where nobody has a slot. */
  slots(pool: Pool): Uint32Array;
}

/** A scheduler whose choices depend on whatever it remembers: it is asked for every connection. */
export interface FlowScheduler extends AnyScheduler {
  readonly kind: 'flow';

  /** Who chooses in the time when the director, and so its scheduler, is dead. */
  readonly substitute: CountsScheduler;
}

/**
 * How a flow finds its slot among so many:
 *
 *   key    address + client's port, or + 0
 *   first  hash of the key
 *   next   by offset, that is first, first + 1, … all modulo the slots: the offset is added to
 *          a multiplicative hash, but to the key of a SipHash
 */
export interface Hashing {
  readonly hash: 'multiplicative' | 'siphash';
  /** Whose address is hashed; one of IPv6 as its four words, combined by exclusive or. */
  readonly end: 'client' | 'virtual';
  readonly hasPort: boolean;
  /** Whether the next slots are tried when the first one's destination is not accepting. */
  readonly fallsBack: boolean;
}

/** A new scheduler's cursor, or a given scheduler's. */
export function cursorOf(scheduler: Scheduler): Int32Array {
  const cursor = new Int32Array(CURSOR_LENGTH);
  if (scheduler.kind === 'sequence') scheduler.save(cursor, 0);
  return cursor;
}

/** Whether a destination may be given a new connection. */
export function accepting(destination: Destination, { isAhead }: Pool): boolean {
  return destination.weight > 0 && (isAhead || !destination.isOverloaded);
}

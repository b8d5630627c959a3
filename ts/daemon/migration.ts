import type { PastConnection, PastDataPlane } from '../dataplane/past.ts';
import type { Counters } from '../lvs/dataplane.ts';

/**
 * From the data plane of an earlier version into one of another layout. The rules come from the
 * journal, next hops are looked up anew; what only the memory knows is moved here:
 *
 *   before the program is replaced    counters, connections: its packets find them at once
 *   after it                          connections again: those that were made meanwhile
 */

/** Where connections go on. */
export interface ConnectionTarget {
  /** Whether a rule has the index, or a removed destination that is still held. */
  hasDestination(index: number): boolean;
  /** False where the connection is there already, or there is no room. */
  enter(connection: PastConnection): boolean;
}

/** Enters every connection that is not there yet; returns how many. */
export function moveConnections(
  past: Pick<PastDataPlane, 'connections'>,
  { hasDestination, enter }: ConnectionTarget,
): number {
  let moved = 0;
  for (const connection of past.connections()) {
    if (hasDestination(connection.destination) && enter(connection)) moved++;
  }
  return moved;
}

/** Adds what was counted for every destination that there is. To be done once. */
export function moveCounters(
  past: Pick<PastDataPlane, 'counters'>,
  destinations: Iterable<number>,
  add: (index: number, counters: Counters) => void,
): void {
  for (const index of destinations) add(index, past.counters(index));
}

import { liveConnections, type TableMemory } from '../dataplane/connections.ts';
import { CONNECTION_STATES, isActive } from '../lvs/connection.ts';
import { Connection, Destination, SlotPhase } from '../native/abi.gen.ts';

/** Memory that XDP goes on to write while it is looked at. */
export interface CountedMemory extends TableMemory {
  /** struct destination x destinations. */
  readonly destinations: ArrayBuffer;
}

const STRIDE = Destination.size / 4;
const ACTIVE = Destination.activeAt / 4;
const INACTIVE = Destination.inactiveAt / 4;
const LOOKS = 8;

/**
 * Makes the counts of every destination those of the connections that there are. A daemon that
 * was killed between the two may have left them apart. Packets keep changing both, so a
 * difference counts only when a second look finds the same one. Returns how many were put right.
 */
export function recount(memory: CountedMemory): number {
  const counts = new Int32Array(memory.destinations);
  let corrected = 0;
  let before = differences(memory, counts);
  for (let look = 0; look < LOOKS && before.size > 0; look++) {
    const now = differences(memory, counts);
    for (const [at, difference] of now) {
      if (before.get(at) !== difference) continue;
      Atomics.add(counts, at, difference);
      now.delete(at);
      corrected++;
    }
    before = now;
  }
  return corrected;
}

/** Place of a count -> what it lacks. */
function differences(memory: CountedMemory, counts: Int32Array): Map<number, number> {
  const found = new Int32Array(counts.length);
  const view = new DataView(memory.connections);
  for (const at of liveConnections(memory)) {
    const state = Connection.state(view, at) & SlotPhase.STATE;
    const active = isActive(CONNECTION_STATES[state] ?? 'NONE');
    const place = Connection.destination(view, at) * STRIDE + (active ? ACTIVE : INACTIVE);
    if (place < found.length) found[place]!++;
  }
  const different = new Map<number, number>();
  for (let at = 0; at < counts.length; at += STRIDE) {
    for (const place of [at + ACTIVE, at + INACTIVE]) {
      const difference = found[place]! - Atomics.load(counts, place);
      if (difference !== 0) different.set(place, difference);
    }
  }
  return different;
}

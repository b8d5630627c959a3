import { expect, test } from 'vitest';
import { recount } from '../../ts/daemon/recount.ts';
import { Connection, ConnectionState, Destination, SlotPhase } from '../../ts/native/abi.gen.ts';

/** A table with connections of one destination each, and the counts that were left of them. */
function memory(connections: { of: number; state: number }[], left: [number, number][]) {
  const table = new ArrayBuffer(Connection.size * 7);
  const buckets = new Uint8Array(8);
  for (const [slot, { of, state }] of connections.entries()) {
    Connection.setDestination(new DataView(table), slot * Connection.size, of);
    Connection.setState(new DataView(table), slot * Connection.size, state);
    buckets[slot] = 0x80;
  }
  const destinations = new ArrayBuffer(Destination.size * left.length);
  for (const [index, [active, inactive]] of left.entries()) {
    Destination.setActive(new DataView(destinations), index * Destination.size, active);
    Destination.setInactive(new DataView(destinations), index * Destination.size, inactive);
  }
  return { buckets: buckets.buffer, connections: table, destinations };
}

function counts(destinations: ArrayBuffer): [number, number][] {
  const view = new DataView(destinations);
  return Array.from({ length: destinations.byteLength / Destination.size }, (_, index) => [
    Destination.active(view, index * Destination.size),
    Destination.inactive(view, index * Destination.size),
  ]);
}

const established = SlotPhase.LIVE | ConnectionState.ESTABLISHED;
const closing = SlotPhase.LIVE | ConnectionState.FIN_WAIT;

test('counts become those of the live connections', () => {
  const wrong = memory(
    [
      { of: 0, state: established },
      { of: 2, state: closing },
      { of: 2, state: established },
      { of: 2, state: ConnectionState.ESTABLISHED }, // a slot that was freed
    ],
    [
      [0, 0],
      [4, 5],
      [1, 1],
    ],
  );
  expect(recount(wrong)).toBe(3);
  expect(counts(wrong.destinations)).toEqual([
    [1, 0],
    [0, 0],
    [1, 1],
  ]);
});

test('right counts are left alone', () => {
  const right = memory([{ of: 0, state: closing }], [[0, 1]]);
  expect(recount(right)).toBe(0);
  expect(counts(right.destinations)).toEqual([[0, 1]]);
});

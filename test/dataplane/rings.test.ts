import { expect, test } from 'vitest';
import { Rings } from '../../ts/dataplane/rings.ts';
import { NO_TICKET, type Table } from '../../ts/lvs/ring.ts';
import { Schedule, TicketLine } from '../../ts/native/abi.gen.ts';
import { flow } from '../support/rules.ts';
import { TableReader } from '../support/table_reader.ts';
import { TicketTaker } from '../support/ticket_taker.ts';

/** Rings of four services in 16 lines: 256 tickets. */
function memory(count = 16) {
  const schedules = new ArrayBuffer(4 * Schedule.size);
  const lines = new ArrayBuffer(count * TicketLine.size);
  const time = { ms: 0 };
  const open = () => new Rings(schedules, lines, () => time.ms);
  const reader = new TableReader(schedules, lines);
  const lookUp = (service: number) => reader.lookUp(service, flow(), () => true);
  return { open, rings: open(), taker: new TicketTaker(schedules, lines), lookUp, time };
}

/** As of sh, all slots the last member's. */
function table(members: readonly number[], slots = 256): Table {
  return {
    hashing: { hash: 'multiplicative', end: 'client', hasPort: false, fallsBack: false },
    slots: new Uint32Array(slots).fill(members.length - 1),
    members,
    isReserve: false,
  };
}

test('a ring begins without places, and then without tickets', () => {
  const { rings, taker } = memory();
  const ring = rings.ring(2);
  expect([ring.size, ring.head, ring.limit]).toEqual([0, 0, 0]);
  expect(ring.resize(64)).toBe(true);
  expect(taker.take(2)).toBeUndefined();
  expect(new Set(ring.tickets.subarray(ring.first, ring.first + 64))).toEqual(new Set([NO_TICKET]));
});

test('published tickets are taken in order, and frozen ones are not', () => {
  const { rings, taker } = memory();
  const ring = rings.ring(1);
  ring.resize(64);
  ring.tickets.set([7, 8, 9], ring.first);
  ring.publish(3);
  expect([taker.take(1), taker.take(1)]).toEqual([7, 8]);
  expect(ring.freeze()).toBe(2);
  expect(taker.take(1)).toBeUndefined();
});

test('the limit does not fall behind the head', () => {
  const { rings, taker } = memory();
  const ring = rings.ring(0);
  ring.resize(64);
  ring.publish(5);
  for (let i = 0; i < 4; i++) taker.take(0);
  ring.publish(2);
  expect([ring.head, ring.limit]).toEqual([4, 4]);
});

test('a ring keeps its tickets when it grows, and when it gets smaller', () => {
  const { rings, taker } = memory();
  const ring = rings.ring(0);
  ring.resize(64);
  ring.publish(100);
  for (let place = 0; place < 100; place++) {
    ring.tickets[ring.first + (place & (ring.size - 1))] = place;
  }
  const places = Array.from({ length: 64 }, (_, i) => 36 + i);
  const read = () => places.map((place) => taker.read(0, place));
  expect(ring.resize(128)).toBe(true);
  expect(read()).toEqual(places);
  ring.freeze();
  expect(ring.resize(64)).toBe(true);
  expect(taker.read(0, 0)).not.toBe(NO_TICKET);
});

test('lines that were given back rest before another ring gets them', () => {
  const { rings, time } = memory();
  rings.ring(0).resize(256);
  rings.ring(0).release();
  expect(rings.ring(1).resize(256)).toBe(false);
  time.ms = 100;
  expect(rings.ring(1).resize(256)).toBe(true);
});

test('where there is no room a ring stays as it is', () => {
  const { rings } = memory();
  const ring = rings.ring(0);
  ring.resize(128);
  expect(rings.ring(1).resize(128)).toBe(true);
  const { first } = ring;
  expect(ring.resize(256)).toBe(false);
  expect([ring.first, ring.size]).toEqual([first, 128]);
});

test('the last whole mark is found again under its edition', () => {
  const { rings, open } = memory();
  const ring = rings.ring(3);
  ring.writeMark(8, [5, 1, 2, 3], 0);
  ring.writeMark(9, [0, 0, -6, -1, 4, 5], 2);
  const found = open().ring(3);
  expect(Array.from(found.readMark(9)!)).toEqual([-6, -1, 4, 5]);
  expect(found.readMark(8)).toBeUndefined();
  ring.release();
  expect(found.readMark(9)).toBeUndefined();
});

test('the rings of a director that is gone are nobody else’s until they are released', () => {
  const { rings, open } = memory();
  rings.ring(0).resize(64);
  rings.ring(1).resize(128);
  const { first } = rings.ring(1);
  const next = open();
  expect([next.ring(1).first, next.ring(1).size]).toEqual([first, 128]);
  expect(next.ring(2).resize(128)).toBe(false);
  expect(next.ring(2).resize(64)).toBe(true);
});

test('a table takes the place of a ring, and another table that of the first', () => {
  const { rings, taker, lookUp, time } = memory();
  const ring = rings.ring(1);
  ring.resize(64);
  ring.publish(64);
  expect(lookUp(1)).toBeUndefined();
  expect(ring.setTable(table([7, 9]))).toBe(true);
  expect([ring.size, taker.take(1), lookUp(1)]).toEqual([0, undefined, 9]);
  expect(ring.setTable(table([9, 7]))).toBe(true);
  expect(lookUp(1)).toBe(7);
  ring.setTable(undefined);
  expect(lookUp(1)).toBeUndefined();
  time.ms = 100;
  expect(rings.ring(2).resize(256)).toBe(true);
});

test('a table may have more members than a byte counts', () => {
  const { rings, lookUp } = memory(64);
  const members = Array.from({ length: 300 }, (_, place) => 1_000 + place);
  expect(rings.ring(0).setTable(table(members))).toBe(true);
  expect(lookUp(0)).toBe(1_299);
});

test('where there is no room for a table, none is left', () => {
  const { rings, lookUp, time } = memory();
  rings.ring(0).resize(128);
  expect(rings.ring(1).setTable(table([5], 384))).toBe(false);
  expect(lookUp(1)).toBeUndefined();
  time.ms = 100;
  expect(rings.ring(1).setTable(table([5], 256))).toBe(true);
  expect(rings.ring(1).setTable(table([6], 512))).toBe(false);
  expect(lookUp(1)).toBeUndefined();
  time.ms = 200;
  expect(rings.ring(2).resize(128)).toBe(true);
});

test('the table of a director that is gone serves on, and is nobody else’s', () => {
  const { rings, open, lookUp } = memory();
  rings.ring(3).setTable(table([3, 4]));
  const next = open();
  expect(lookUp(3)).toBe(4);
  expect(next.ring(2).resize(256)).toBe(false);
  expect(next.ring(2).resize(128)).toBe(true);
  expect(lookUp(3)).toBe(4);
});

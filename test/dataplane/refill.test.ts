import { expect, test } from 'vitest';
import { scheduledAhead } from '../../ts/daemon/summary.ts';
import { Refill } from '../../ts/dataplane/refill.ts';
import { Director } from '../../ts/lvs/director.ts';
import type { Service } from '../../ts/lvs/service.ts';
import { FakeClock } from '../support/fake_clock.ts';
import { MemoryDataplane } from '../support/memory_dataplane.ts';
import { destination, rule, service } from '../support/rules.ts';

/** A director with one service of some destinations, and connections that come to it in time. */
function scheduled(scheduler: string, destinations = 4) {
  const dataplane = new MemoryDataplane({ services: 4, destinations: 64 }, 16_384);
  const director = new Director(dataplane);
  director.apply(rule.add(service(), scheduler));
  for (let x = 1; x <= destinations; x++) director.apply(rule.addDestination(destination(x)));
  const clock = new FakeClock();
  const refill = new Refill(director, clock);
  const [of] = director.services;
  const tickets = of!.tickets!;
  let raised = 0;

  const connect = (): number | undefined => {
    let index = dataplane.taker.take(0);
    if (index === undefined) {
      raised += 1;
      refill.wake(0);
      index = dataplane.choose(of!);
    }
    if (index !== undefined) dataplane.open(index);
    return index;
  };
  /** Some connections a millisecond for so long; returns how many of them were raised. */
  const flow = (perMs: number, ms: number): number => {
    const before = raised;
    let due = 0;
    for (let i = 0; i < ms; i++) {
      for (due += perMs; due >= 1; due -= 1) connect();
      clock.advance(1);
    }
    return raised - before;
  };
  return { dataplane, director, clock, refill, tickets, flow, ring: dataplane.ring(0) };
}

test('a sequence grows until it lasts, and gets smaller again when it is quiet', () => {
  const { flow, ring, clock } = scheduled('rr');
  expect(ring.size).toBe(64);
  flow(500, 200);
  expect(flow(500, 1_000)).toBe(0);
  expect(ring.size).toBe(32_768);
  clock.advance(30_000);
  expect(ring.size).toBe(8_192);
});

test('where memory is short, it gets small', () => {
  const { dataplane, flow, ring, clock } = scheduled('rr');
  flow(500, 200);
  dataplane.ring(1).resize(131_072);
  dataplane.ring(2).resize(65_536);
  clock.advance(30_000);
  expect(ring.size).toBe(64);
});

test('in a burst after a rest only those connections are raised that ask for more', () => {
  const { flow, clock } = scheduled('wrr');
  flow(10, 200);
  clock.advance(30_000);
  expect(flow(1_000, 100)).toBeLessThan(5);
});

test('the largest ring is refilled in time for a million connections a second', () => {
  const { flow, ring } = scheduled('wrr');
  flow(1_000, 200);
  expect(flow(1_000, 500)).toBe(0);
  expect(ring.size).toBe(65_536);
});

test('connections that come slowly find a ticket each', () => {
  const { flow, clock } = scheduled('rr');
  flow(0.02, 2_000);
  clock.advance(2_000);
  expect(flow(0.02, 10_000)).toBe(0);
});

test('counts are read for each connection as long as few come', () => {
  const { flow, tickets } = scheduled('wlc');
  expect(flow(1, 2_000)).toBe(2_000);
  expect(tickets.ahead).toBe(0);
  expect(tickets.ageMs).toBeUndefined();
});

test('when many come, counts are read ahead, and the status tells how old they get', () => {
  const { director, flow, tickets, ring } = scheduled('wlc');
  expect(flow(20, 1_000)).toBeLessThan(20 * 80);
  expect(tickets.ahead).toBeGreaterThan(20);
  expect(tickets.ahead).toBeLessThanOrEqual(80);
  expect(ring.size).toBe(128);
  const [{ spec }] = director.services as [Service];
  expect(scheduledAhead(director)).toEqual([{ ...spec, tickets: tickets.ahead, ageMs: 1 }]);

  flow(0.5, 500);
  expect(scheduledAhead(director)).toEqual([]);
  expect(tickets.ahead).toBe(0);
  expect(flow(0.5, 500)).toBe(250);
});

test('tickets drawn by counts spread over the destinations as connections would', () => {
  const { dataplane, flow } = scheduled('lc', 8);
  flow(100, 500);
  const counts = Array.from({ length: 8 }, (_, index) => dataplane.activeConnections(index));
  expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(2);
});

test.each(['rr', 'lc'])('a dead director leaves a reserve of %s behind', (scheduler) => {
  const { dataplane, director } = scheduled(scheduler);
  const used = Array.from({ length: 64 }, (_, n) => dataplane.taker.reuse(0, n)!);
  const shares = [0, 1, 2, 3].map((index) => used.filter((one) => one === index).length);
  expect(shares).toEqual([16, 16, 16, 16]);
  director.apply(rule.deleteDestination(destination(1)));
  expect(dataplane.taker.reuse(0, 0)).not.toBe(0);
  director.apply(rule.flush);
  expect(dataplane.taker.reuse(0, 0)).toBeUndefined();
});

test('an exact service has a reserve, and no ticket ahead', () => {
  const { dataplane, director, tickets, flow } = scheduled('rr');
  director.apply(rule.edit(service(), 'rr', true));
  expect(tickets.ahead).toBe(0);
  expect(flow(10, 100)).toBe(1_000);
  expect(tickets.ahead).toBe(0);
  expect(dataplane.taker.reuse(0, 0)).toBeDefined();
});

test('where there is no memory every connection is decided by itself, until there is some', () => {
  const dataplane = new MemoryDataplane({ services: 4, destinations: 64 }, 4);
  const director = new Director(dataplane);
  for (const port of [1, 2]) {
    const of = service({ port });
    director.applyAll([rule.add(of), rule.addDestination(destination(1), of)]);
  }
  const [first, second] = director.services;
  expect(first!.tickets!.areAwaited).toBe(true);
  expect(second!.tickets!.areAwaited).toBe(false);
  expect(dataplane.choose(second!)).toBe(1);
  director.apply(rule.delete(service({ port: 1 })));
  second!.tickets!.refill(1);
  expect(second!.tickets!.ahead).toBe(32);
});

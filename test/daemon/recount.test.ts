import { expect, test } from 'vitest';
import { Recount } from '../../ts/daemon/recount.ts';
import type { Miscount, Recounted } from '../../ts/native/addon.ts';
import { FakeClock } from '../support/fake_clock.ts';

const QUIET: Recounted = { miscounts: [], unsettled: 0, templates: 0, cpuMs: 1 };

/** A destination that counts so many active connections too many. */
function tooMany(active: number, destination = 7): Miscount {
  return {
    destination,
    counted: { active: 5 + active, inactive: 1, persistent: 2 },
    held: { active: 5, inactive: 1, persistent: 2 },
  };
}

const found = (...miscounts: Miscount[]): Recounted => ({ ...QUIET, miscounts });

/** A recount whose looks find these, one after the other, and nothing after them. */
function looking(looks: readonly Recounted[], correct = (_: Miscount) => true) {
  const clock = new FakeClock();
  const left = [...looks];
  const corrected: Miscount[] = [];
  const warnings: string[] = [];
  const recount = new Recount({
    look: async () => left.shift() ?? QUIET,
    correct: (miscount) => correct(miscount) && corrected.push(miscount) > 0,
    nameOf: (destination) => `number ${destination}`,
    clock,
    warn: (message) => warnings.push(message),
  });
  const advance = async (ms: number) => {
    clock.advance(ms);
    for (let i = 0; i < 10; i++) await undefined;
  };
  const settle = async (most: number) => {
    const settled = recount.settle(most);
    for (let i = 0; i < most; i++) await advance(100);
    return settled;
  };
  return { recount, corrected, warnings, left, advance, settle };
}

test('a difference that two looks find is put right, told and counted', async () => {
  const { recount, corrected, warnings, settle } = looking([found(tooMany(2)), found(tooMany(2))]);
  const { destination: _, ...counts } = tooMany(2);
  expect(await settle(5)).toEqual({
    miscounts: [{ destination: 'number 7', ...counts }],
    unsettled: 0,
  });
  expect(corrected).toEqual([tooMany(2)]);
  expect(recount.corrected).toBe(1);
  expect(warnings).toEqual([
    'counts of number 7 put right: counted 7 active, 1 inactive, 2 persistent; ' +
      'there are 5 active, 1 inactive, 2 persistent',
  ]);
});

test('a difference that changes or goes is a connection on its way', async () => {
  const { corrected, left, settle } = looking([found(tooMany(1)), found(tooMany(-1)), QUIET]);
  expect(await settle(5)).toEqual({ miscounts: [], unsettled: 0 });
  expect(corrected).toEqual([]);
  expect(left).toEqual([]);
});

test('a look that can say nothing of a destination forgets no suspicion', async () => {
  const busy = { ...QUIET, unsettled: 1 };
  const { corrected, settle } = looking([found(tooMany(1)), busy, found(tooMany(1))]);
  await settle(5);
  expect(corrected).toEqual([tooMany(1)]);
});

test('of destinations that are never at rest nothing is said', async () => {
  const busy = { ...QUIET, unsettled: 3 };
  const { settle, left } = looking(Array(9).fill(busy));
  expect(await settle(4)).toEqual({ miscounts: [], unsettled: 3 });
  expect(left).toHaveLength(5);
});

test('counts that moved since they were read are left for the next look', async () => {
  let refusals = 1;
  const moved = () => refusals-- <= 0;
  const { corrected, settle } = looking(Array(3).fill(found(tooMany(1))), moved);
  await settle(5);
  expect(corrected).toEqual([tooMany(1)]);
});

test('looks go on unasked until it is stopped, soon after one that leaves doubts', async () => {
  const looks = [QUIET, found(tooMany(4)), found(tooMany(4)), QUIET, QUIET];
  const { recount, corrected, advance, left } = looking(looks);
  await advance(10_000);
  await advance(9_999);
  expect(left).toHaveLength(4);
  await advance(1);
  expect(corrected).toEqual([]);
  await advance(199);
  expect(corrected).toEqual([]);
  await advance(1);
  expect(corrected).toEqual([tooMany(4)]);
  recount.stop();
  await advance(20_000);
  expect(left).toHaveLength(2);
});

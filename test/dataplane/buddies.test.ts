import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Buddies } from '../../ts/dataplane/buddies.ts';

const size = fc.integer({ min: 1, max: 200 });
const steps = fc.array(fc.record({ order: fc.nat(7), give: fc.boolean(), which: fc.nat() }));

test('no unit is in two blocks, and all of them are one again in the end', () => {
  fc.assert(
    fc.property(size, steps, (size, steps) => {
      const buddies = new Buddies(size);
      const owners: (object | undefined)[] = Array(size).fill(undefined);
      const held: { at: number; order: number }[] = [];
      for (const { order, give, which } of steps) {
        if (give) {
          const [block] = held.splice(which % (held.length || 1), 1);
          if (block === undefined) continue;
          owners.fill(undefined, block.at, block.at + 2 ** block.order);
          buddies.give(block.at, block.order);
        } else {
          const at = buddies.take(order);
          if (at === undefined) continue;
          const units = owners.slice(at, at + 2 ** order);
          expect(units).toEqual(Array(2 ** order).fill(undefined));
          expect(at % 2 ** order).toBe(0);
          const block = { at, order };
          owners.fill(block, at, at + 2 ** order);
          held.push(block);
        }
        expect(buddies.free).toBe(owners.filter((owner) => owner === undefined).length);
      }
      for (const { at, order } of held) buddies.give(at, order);
      const whole = Math.floor(Math.log2(size));
      expect(buddies.take(whole)).toBe(0);
    }),
  );
});

test('as long as there is enough in one piece, a block can be had', () => {
  const buddies = new Buddies(64);
  const blocks = Array.from({ length: 64 }, () => buddies.take(0)!);
  expect(new Set(blocks).size).toBe(64);
  expect(buddies.take(0)).toBeUndefined();
  for (const at of blocks.filter((at) => at >= 32)) buddies.give(at, 0);
  expect(buddies.take(5)).toBe(32);
});

test('a block that was taken once can be claimed again, by itself', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(4), { minLength: 1, maxLength: 20 }), (orders) => {
      const before = new Buddies(100);
      const blocks = orders
        .map((order) => ({ order, at: before.take(order) }))
        .filter((block): block is { order: number; at: number } => block.at !== undefined);
      const after = new Buddies(100);
      for (const { at, order } of blocks) {
        expect(after.claim(at, order)).toBe(true);
        expect(after.claim(at, order)).toBe(false);
      }
      for (let order = 6; order >= 0; order--) expect(after.take(order)).toBe(before.take(order));
    }),
  );
});

test('nothing outside the memory can be claimed', () => {
  const buddies = new Buddies(100);
  expect(buddies.claim(96, 3)).toBe(false);
  expect(buddies.claim(128, 0)).toBe(false);
  expect(buddies.claim(0, 9)).toBe(false);
});

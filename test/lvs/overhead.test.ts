import fc from 'fast-check';
import { expect, test } from 'vitest';
import { lighter, overhead } from '../../ts/lvs/schedulers/overhead.ts';
import { surroundings } from '../support/surroundings.ts';

test('an active connection weighs as much as 256 inactive ones', () => {
  expect(overhead(surroundings())(2, 1, 1)).toBe(2 * 256 + 1);
});

test('or, where that is set, it counts with them once more', () => {
  expect(overhead(surroundings({ overhead: 257 }))(2, 1, 1)).toBe(2 * 256 + 3);
});

test('loads for weights compare as the exact products do', () => {
  const load = fc.oneof(fc.nat(10), fc.nat(2 ** 40));
  const weight = fc.oneof(fc.nat(10), fc.integer({ min: 2 ** 30, max: 2 ** 31 - 1 }));
  fc.assert(
    fc.property(load, weight, load, weight, (a, weightA, b, weightB) => {
      const exact = BigInt(a) * BigInt(weightB) < BigInt(b) * BigInt(weightA);
      expect(lighter(a, weightA, b, weightB)).toBe(exact);
    }),
  );
});

test('a difference that rounding hides is found', () => {
  expect(lighter(2 ** 40, 2 ** 31 - 1, 2 ** 40 + 1, 2 ** 31 - 1)).toBe(true);
  expect(lighter(2 ** 40, 2 ** 31 - 1, 2 ** 40, 2 ** 31 - 1)).toBe(false);
});

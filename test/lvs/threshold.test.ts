import { expect, test } from 'vitest';
import { editRelieves, overloads, relieves } from '../../ts/lvs/threshold.ts';

const thresholds = (upperThreshold: number, lowerThreshold = 0) => ({
  upperThreshold,
  lowerThreshold,
});

test('the connection that reaches the upper threshold overloads', () => {
  expect([3, 4, 5].map((count) => overloads(count, thresholds(4)))).toEqual([false, true, true]);
});

test('without an upper threshold nothing does', () => {
  expect([overloads(1_000_000, {}), overloads(1_000_000, thresholds(0))]).toEqual([false, false]);
});

test('fewer than the lower threshold relieve, or else fewer than three quarters', () => {
  const left = [4, 3, 2, 1];
  expect(left.map((count) => relieves(count, thresholds(5, 2)))).toEqual([
    false,
    false,
    false,
    true,
  ]);
  expect(left.map((count) => relieves(count, thresholds(5)))).toEqual([false, true, true, true]);
  expect(relieves(2 ** 31, {})).toBe(true);
});

test('a higher upper threshold relieves at once, or none; a new lower one does not', () => {
  expect(editRelieves(thresholds(4), thresholds(5))).toBe(true);
  expect(editRelieves(thresholds(4), {})).toBe(true);
  expect(editRelieves(thresholds(4, 1), thresholds(4, 4))).toBe(false);
  expect(editRelieves(thresholds(4), thresholds(3))).toBe(false);
});

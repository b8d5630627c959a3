import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { compared, summary, worst } from '../../bench/benchmark.ts';
import { estimateMedian, median, pairedDifferences } from '../../bench/statistics.ts';

const figures = fc.array(fc.double({ min: -1e6, max: 1e6, noNaN: true }), { minLength: 1 });

describe('statistics', () => {
  test('of an even number of values the median is the upper one in the middle', () => {
    expect(median([3, 1, 2])).toBe(2);
    expect(median([4, 1, 3, 2])).toBe(3);
  });

  test('the interval holds the median, and lies among the values', () => {
    fc.assert(
      fc.property(figures, (values) => {
        const { value, low, high } = estimateMedian(values);
        expect(value).toBe(median(values));
        expect(low).toBeLessThanOrEqual(value);
        expect(high).toBeGreaterThanOrEqual(value);
        expect(values).toContain(low);
        expect(values).toContain(high);
      }),
      { numRuns: 20 },
    );
  });

  test('the interval of more values is narrower', () => {
    const spread = (count: number) => {
      const { low, high } = estimateMedian(Array.from({ length: count }, (_, i) => i / count));
      return high - low;
    };
    expect(spread(400)).toBeLessThan(spread(25));
  });

  test('the same values give the same interval', () => {
    const values = [5, 1, 4, 2, 8, 9, 3];
    expect(estimateMedian(values)).toEqual(estimateMedian(values));
  });

  test('differences are taken within the pairs', () => {
    const pairs = [
      [12, 10],
      [95, 90],
    ] as const;
    expect(pairedDifferences(pairs)).toEqual([2, 5]);
  });

  test('a round that was disturbed moves the summary little, and makes the worst', () => {
    const rounds = [compared(10, 5), compared(11, 5), compared(900, 6)];
    expect(summary('x.y', 'ns', rounds)).toMatchObject({ value: 11, baseline: 5, ratio: 2.2 });
    expect(worst('x.y', '', rounds)).toMatchObject({ value: 900, baseline: 6, rounds: 3 });
  });
});

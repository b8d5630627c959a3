import { describe, expect, test } from 'vitest';
import {
  type CookieState,
  decideCookies,
  decideRelief,
  type Load,
  NO_COOKIES,
  type Relief,
} from '../../ts/lvs/defence.ts';

const TABLE = 1_000_000; // limit: 62,500 half-open connections
const quiet: Load = { nowS: 0, halfOpen: 0, answered: 0, proven: 0, fill: 0.1 };

/** The state after each second of a story. */
function live(story: readonly Partial<Load>[], before: CookieState = NO_COOKIES): boolean[] {
  let state = before;
  return story.map((second, nowS) => {
    state = decideCookies(state, { ...quiet, nowS, ...second }, TABLE);
    return state.on;
  });
}

const on: CookieState = { on: true, calmSinceS: undefined };

describe('SYN cookies', () => {
  test('begin with too many half-open connections', () => {
    expect(live([{ halfOpen: 62_499 }, { halfOpen: 62_500 }])).toEqual([false, true]);
  });

  test('begin in a table that is nearly full, whatever fills it', () => {
    expect(live([{ fill: 0.79 }, { fill: 0.8 }])).toEqual([false, true]);
  });

  test('begin earlier where the table is small', () => {
    expect(decideCookies(NO_COOKIES, { ...quiet, halfOpen: 100 }, 1600).on).toBe(true);
  });

  test('stay while SYNs come that nobody proves, though no half-open connection is left', () => {
    const flood = Array.from({ length: 100 }, () => ({ answered: 600, proven: 0 }));
    expect(live(flood, on)).toEqual(flood.map(() => true));
  });

  test('end ten seconds after the last reason', () => {
    const calm = Array.from({ length: 11 }, () => ({ answered: 50_000, proven: 50_000 }));
    expect(live(calm, on)).toEqual([...Array(10).fill(true), false]);
  });

  test('begin the ten seconds again when the attack does', () => {
    const story = Array.from({ length: 25 }, (_, i) => ({ answered: i === 9 ? 2000 : 0 }));
    expect(live(story, on)).toEqual(story.map((_, i) => i < 20));
  });

  test('do not waver between half the limit and the limit', () => {
    expect(live(Array(30).fill({ halfOpen: 40_000 }))).toEqual(Array(30).fill(false));
    expect(live(Array(30).fill({ halfOpen: 40_000 }), on)).toEqual(Array(30).fill(true));
  });
});

test.each<[Relief, number, Relief]>([
  ['none', 0.69, 'none'],
  ['none', 0.7, 'half-open'],
  ['half-open', 0.66, 'half-open'],
  ['half-open', 0.64, 'none'],
  ['half-open', 0.79, 'half-open'],
  ['half-open', 0.8, 'one-sided'],
  ['one-sided', 0.76, 'one-sided'],
  ['one-sided', 0.74, 'half-open'],
  ['one-sided', 0.66, 'half-open'],
  ['one-sided', 0.64, 'none'],
])('with drop_entry, after %s and with %f of the slots taken: %s', (before, fill, after) => {
  expect([1, 2].map((dropEntry) => decideRelief(before, fill, dropEntry))).toEqual([after, after]);
});

test.each<[Relief, number, Relief]>([
  ['none', 0.79, 'none'],
  ['none', 0.8, 'half-open'],
  ['half-open', 1, 'half-open'],
  ['half-open', 0.76, 'half-open'],
  ['half-open', 0.74, 'none'],
])('without it, after %s and with %f of the slots taken: %s', (before, fill, after) => {
  expect(decideRelief(before, fill, 0)).toBe(after);
});

test('with drop_entry 3 relief is given always', () => {
  expect(decideRelief('none', 0, 3)).toBe('one-sided');
});

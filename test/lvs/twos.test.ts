import { expect, test } from 'vitest';
import { twos } from '../../ts/lvs/schedulers/twos.ts';
import { FAR, oddity, pool, pools } from '../support/odds.ts';
import { surroundings } from '../support/surroundings.ts';

test.for(Object.entries(pools))('twos chooses as often as LVS would of %s', ([, given]) => {
  expect(oddity(given)).toBeLessThan(FAR);
});

test('the same seed gives the same choices', () => {
  const its = pool([
    [3, 0],
    [2, 1],
    [1, 0],
  ]);
  const choices = (seed: number) => {
    const scheduler = twos(surroundings({}, seed));
    return Array.from({ length: 50 }, () => scheduler.schedule(its)!.index).join('');
  };
  expect(choices(1)).toBe(choices(1));
  expect(choices(1)).not.toBe(choices(2));
});

test('twos draws from what it has drawn before', () => {
  const scheduler = twos(surroundings());
  scheduler.survey(
    pool([
      [100, 0],
      [100, 0],
      [100, 0],
    ]),
  );
  const drawn = [0, 0, 0];
  for (let i = 0; i < 3_000; i++) drawn[scheduler.draw()!.index]! += 1;
  for (const share of drawn) expect(Math.abs(share - 1_000)).toBeLessThan(10);
});

test('twos gives nothing to who is quiesced', () => {
  const scheduler = twos(surroundings());
  expect(
    scheduler.schedule(
      pool([
        [0, 0],
        [2, 0],
        [0, 0],
      ]),
    )?.index,
  ).toBe(1);
  expect(scheduler.schedule(pool([[0, 0]]))).toBeUndefined();
});

import { afterAll, expect, test } from 'vitest';
import { PLANTED, PlantedCopy } from '../support/planted.ts';

const copy = new PlantedCopy();
afterAll(() => copy.remove());

test('without a mistake, schedulers conform', () => {
  expect(copy.conforms('rr') && copy.conforms('twos')).toBe(true);
});

test.for(PLANTED)('$scheduler does not conform with $to for $from in $file', (planted) => {
  expect(copy.isFound(planted)).toBe(true);
});

import { expect, test } from 'vitest';
import { soak } from '../../bench/soak.ts';

/** The hour of `npm run soak`, in short; bench/soak.ts draws it. */
const MINUTES = 0.3;

test('under mixed load nothing is lost, counts are right, and memory is flat', {
  timeout: 900_000,
}, async () => {
  const findings = await soak({
    minutes: MINUTES,
    progress: () => {},
    signal: new AbortController().signal,
  });
  expect(findings.filter(({ level }) => level !== 'ok')).toEqual([]);
});

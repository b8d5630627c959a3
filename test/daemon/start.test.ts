import { expect, test } from 'vitest';
import { absoluteWords } from '../../ts/daemon/start.ts';

test('a command line means the same files in another folder', () => {
  const words = '--scheduler a.mjs --interface eth0 --config=../x=y.yaml --pid-file /run/pid'.split(
    ' ',
  );
  const [here, above] = [process.cwd(), process.cwd().replace(/\/[^/]*$/, '')];
  expect(absoluteWords(words).join(' ')).toBe(
    `--scheduler ${here}/a.mjs --interface eth0 --config=${above}/x=y.yaml --pid-file /run/pid`,
  );
});

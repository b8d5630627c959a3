import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { s204 } from '../../ts/lab/topologies.ts';
import { serviceLines } from '../support/forwarding.ts';
import { lab, type TestLab } from '../support/netns.ts';

/** USER_HZ of every Linux that Node runs on. */
const TICKS_PER_SECOND = 100;
/** Everything that is done now and then is done within one. */
const WINDOW_S = 10;
/** The compiler's threads need some time until they have nothing left to do. */
const WINDOWS = 12;

let net: TestLab;
beforeAll(async () => {
  net = await lab(s204);
  const service = {
    vip: '172.16.253.63',
    realServers: ['192.168.166.129', '192.168.166.131'],
  } as const;
  await net.rules(...serviceLines({ method: '-m' }, service));
});
afterAll(() => net?.dispose());

test('an idle director takes less than 0.5 % of a core', async () => {
  const [pid] = await net.pids('director');
  let least = 1;
  for (let i = 0; i < WINDOWS && least >= 0.005; i++) {
    const before = ranS(pid!);
    await sleep(WINDOW_S * 1000);
    least = Math.min(least, (ranS(pid!) - before) / WINDOW_S);
  }
  // What others do on the machine makes the same work dearer, and windows differ in it.
  expect(least).toBeLessThan(0.005);
});

/** What the process has run, in the kernel and outside, all threads together. */
function ranS(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /, '')
    .split(' ');
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND; // utime, stime
}

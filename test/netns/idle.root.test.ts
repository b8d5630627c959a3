import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { s204 } from '../../ts/lab/topologies.ts';
import { serviceLines } from '../support/forwarding.ts';
import { lab, type TestLab } from '../support/netns.ts';

/** USER_HZ of every Linux that Node runs on. */
const TICKS_PER_SECOND = 100;
/** Until the compiler's threads have nothing left to do. */
const SETTLE_S = 20;
const MEASURE_S = 30;

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
  await sleep(SETTLE_S * 1000);
  const before = cpuTicks(pid!);
  await sleep(MEASURE_S * 1000);
  const share = (cpuTicks(pid!) - before) / (MEASURE_S * TICKS_PER_SECOND);
  expect(share).toBeLessThan(0.005);
});

/** What the process has run, in the kernel and outside, all threads together. */
function cpuTicks(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /, '')
    .split(' ');
  return Number(fields[11]) + Number(fields[12]); // utime, stime
}

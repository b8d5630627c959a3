import { afterAll, beforeAll, expect, test } from 'vitest';
import { s204 } from '../../ts/lab/topologies.ts';
import { Destination } from '../../ts/native/abi.gen.ts';
import { attachedMap } from '../support/attached_map.ts';
import { serviceLines } from '../support/forwarding.ts';
import { lab, type TestLab } from '../support/netns.ts';

/*
 *   client ─────────── director ───────────┬── rs1 192.168.166.129
 *   172.16.253.36   VIP 172.16.253.63      └── rs2 192.168.166.131
 *
 * Connections come and go all the time while their counts are compared with them.
 */
const service = {
  vip: '172.16.253.63',
  realServers: ['192.168.166.129', '192.168.166.131'],
} as const;
/** The check goes on for as long as somebody's connections are always on their way. */
const PATIENCE = { timeout: 90_000, interval: 1000 };
const url = `http://${service.vip}/`;

let net: TestLab;
let load: Awaited<ReturnType<TestLab['curlLoop']>>;
beforeAll(async () => {
  net = await lab(s204);
  // Or the client would run out of ports.
  await net.must('client', ['sysctl', '-qw', 'net.ipv4.tcp_tw_reuse=1']);
  await net.rules(...serviceLines({ method: '-m' }, service));
  load = await net.curlLoop(4, url);
});
afterAll(async () => {
  await load?.stop();
  await net?.dispose();
});

const checkCounts = () => net.director('bin/xlvs', 'doctor --counts');
const corrected = async () => {
  const { stdout } = await net.director('bin/xlvs', 'stats --all --json');
  return JSON.parse(stdout).counts_corrected as number;
};

test('counts are those of the connections under load', async () => {
  for (let i = 0; i < 5; i++) {
    const { status, stdout } = await checkCounts();
    expect({ status, stdout }).toEqual({ status: 0, stdout: expect.not.stringMatching(/held/) });
  }
  expect(await corrected()).toBe(0);
});

test('counts that are wrong are found under load, told and put right', async () => {
  const [index, counts] = await usedDestination();
  Atomics.add(counts, index, 5n + (3n << 32n));
  const { status, stdout } = await checkCounts();
  const [, ...numbers] = /counted (\d+) active, (\d+) .* holds (\d+), (\d+)/.exec(stdout) ?? [];
  const [countedActive, countedInactive, active, inactive] = numbers.map(Number);
  expect({ status, stdout }).toEqual({
    status: 1,
    stdout: expect.stringMatching(/^problem +tcp 172\.16\.253\.63:80 -> 192\.168\.166\.\d+:80 /),
  });
  expect([countedActive! - active!, countedInactive! - inactive!]).toEqual([5, 3]);
  expect((await checkCounts()).stdout).not.toContain('holds');
  expect(await corrected()).toBe(1);
});

test('counts that are wrong are put right though nobody asks', async () => {
  const [index, counts] = await usedDestination();
  const before = await corrected();
  Atomics.sub(counts, index, 1n << 32n);
  await expect.poll(corrected, PATIENCE).toBe(before + 1);
  expect((await checkCounts()).status).toBe(0);
});

test('counts are right, or put right, after kill -9 and adoption', async () => {
  for (let i = 0; i < 2; i++) {
    await net.killAll('director');
    const [index, counts] = await usedDestination();
    Atomics.add(counts, index, 1n);
    expect((await net.director('bin/xlvs', 'daemon')).status).toBe(0);
    await expect.poll(corrected, PATIENCE).toBe(1);
    expect((await checkCounts()).stdout).not.toContain('holds');
  }
});

test('counts are zero when everything is over', async () => {
  expect((await load.stop()).errors).toEqual([]);
  const { stdout } = await checkCounts();
  expect(stdout).toBe('ok       counts are those of the connections\n');
});

/** The place of a destination's counts in the memory of all, where connections are counted. */
async function usedDestination(): Promise<[number, BigUint64Array]> {
  const counts = new BigUint64Array(await attachedMap(net, 'destinations'));
  const place = (index: number) => (index * Destination.size + Destination.activeAt) / 8;
  const used = [0, 1, 2, 3].find((index) => counts[place(index)] !== 0n)!;
  return [place(used), counts];
}

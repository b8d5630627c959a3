import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { s204 } from '../../ts/lab/topologies.ts';
import { lab, type TestLab } from '../support/netns.ts';

/*
 *   client ─────────── director ─────────── rs1 192.168.166.129
 *   172.16.253.36   VIP 172.16.253.63
 *
 * rs1 answers no ARP for a while. Its link stays, so that no news tell the director.
 */
const VIP = '172.16.253.63';
const RS1 = '192.168.166.129';

let net: TestLab;
beforeAll(async () => {
  net = await lab(s204);
  await net.rules(`-A -u ${VIP}:7 -s rr`, `-a -u ${VIP}:7 -r ${RS1}:7 -m`);
});
afterAll(() => net?.dispose());

test('a real server that nobody could find is found again once it answers', async () => {
  expect(await net.echo(VIP, 1)).not.toContain(null);
  await net.must('rs1', ['ip', 'link', 'set', 'eth0', 'arp', 'off']);
  await net.must('director', ['ip', 'neigh', 'flush', 'all']);
  await net.echo(VIP, 1, 1);
  await sleep(4000);
  expect(await net.echo(VIP, 1, 1)).toContain(null);

  await net.must('rs1', ['ip', 'link', 'set', 'eth0', 'arp', 'on']);
  await expect.poll(() => net.echo(VIP, 1, 1), { timeout: 60_000 }).not.toContain(null);
  expect(await net.echo(VIP, 3)).not.toContain(null);
});

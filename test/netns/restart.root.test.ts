import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { contentDigest } from '../../ts/lab/content.ts';
import { outcome } from '../../ts/lab/process.ts';
import { s204 } from '../../ts/lab/topologies.ts';
import { serviceLines } from '../support/forwarding.ts';
import { lab, type TestLab } from '../support/netns.ts';

/*
 *   client ─────────── director ───────────┬── rs1 192.168.166.129
 *   172.16.253.36   VIP 172.16.253.63      └── rs2 192.168.166.131
 *
 * The daemon is started by the first `ip netns exec … ipvsadm`, and killed with kill -9.
 */
const service = {
  vip: '172.16.253.63',
  realServers: ['192.168.166.129', '192.168.166.131'],
} as const;
const service6 = {
  vip: '[2001:db8:204:1::63]',
  realServers: ['[2001:db8:204:2::129]', '[2001:db8:204:2::131]'],
} as const;

const url = `http://${service.vip}/`;

const SIZE = 25_000_000;
const KILLS = 3;
const SPEED = 1_000_000; // bytes a second: the download outlasts the restart, however slow

describe('a daemon that was killed', () => {
  let net: TestLab;
  beforeAll(async () => {
    net = await lab(s204);
  });
  afterAll(() => net?.dispose());

  test('leaves its connections going, and the next start finds everything again', async () => {
    await net.rules(
      ...serviceLines({ method: '-m' }, service),
      ...serviceLines({ method: '-m' }, service6, { scheduler: 'wrr', weights: [3, 1] }),
      ...serviceLines({ method: '-m' }, service, { kind: '-u', port: 7 }),
    );
    const programs = await programIds(net);
    const rules = (await net.adm('-S -n')).stdout;

    // It goes on over the kill and beyond the next start.
    const download = net.slowDownload(`http://${service.vip}/size/${SIZE}`, SPEED);
    await sleep(1000);
    const listing = (await net.adm('-L -n')).stdout;
    await net.killAll('director');
    await sleep(1000);

    const { status, stdout, stderr } = await net.director('bin/xlvs', 'daemon');
    expect(status, stderr).toBe(0);
    const said = stdout + stderr;
    expect(said).toMatch(new RegExp(`adopted\\b.*\\bprogram ${programs[0]}\\b`));
    expect(said).toMatch(/\b1 connections?\b/);
    expect(said).toMatch(/\b9 rules\b/); // three services, six destinations

    expect(await programIds(net)).toEqual(programs);
    expect((await net.adm('-L -n')).stdout).toBe(listing);
    expect((await net.adm('-S -n')).stdout).toBe(rules);
    expect(await download).toBe(contentDigest(SIZE));
  });

  test('keeps its place in the schedule, and schedules new connections again', async () => {
    const { answers, errors } = await net.curlMany(100, 4, url);
    expect(errors).toEqual([]);
    expect(answers).toEqual({ 'Web from RS1': 50, 'Web from RS2': 50 });
  });

  test('is missed by no packet and no new connection, neither dead nor coming back', async () => {
    for (let i = 0; i < KILLS; i++) {
      const requests = net.curlLoop(8, url);
      const pingPong = net.start('client', 'udp_client', '--address', service.vip, '--ping-pong');
      const echoes = outcome(pingPong);
      await killUnderLoad(net);
      expect((await net.director('bin/xlvs', 'daemon')).status).toBe(0);
      await sleep(300);
      pingPong.stdin?.end();
      expect(JSON.parse((await echoes).stdout)).toMatchObject({ lost: 0 });
      expect(await requests.stop()).toMatchObject({ errors: [], slow: 0 });
    }
  });

  test('is known to be dead before its sockets are closed', async () => {
    const parallel = 32;
    await net.rules(...serviceLines({ method: '-m' }, service, { scheduler: 'rr -b exact' }));
    const requests = net.curlLoop(parallel, url);
    await killUnderLoad(net);
    const { errors, slow } = await requests.stop();
    expect(errors).toEqual([]);
    // What it had in its hands is lost with it; all of them would run into the open sockets.
    expect(slow).toBeLessThan(parallel / 4);
  });
});

/** The load goes on before and after, until a lost SYN would have come again. */
async function killUnderLoad(net: TestLab): Promise<void> {
  await net.curlMany(10, 1, url);
  await net.killAll('director');
  await sleep(1500);
}

/** The ids of the XDP programs on the director's interfaces. */
async function programIds(net: TestLab): Promise<number[]> {
  const links = JSON.parse(
    await net.must('director', ['ip', '-j', 'link', 'show', 'type', 'veth']),
  );
  return links.map((link: { xdp?: { prog?: { id: number } } }) => link.xdp?.prog?.id);
}

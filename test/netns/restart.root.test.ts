import { setTimeout as sleep, setImmediate as soon } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { outcome } from '../../ts/lab/process.ts';
import { s204 } from '../../ts/lab/topologies.ts';
import { Settings, Verdict, VerdictCounters } from '../../ts/native/abi.gen.ts';
import { attachedMap } from '../support/attached_map.ts';
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

/** linux/futex.h */
const FUTEX_OWNER_DIED = 0x4000_0000;

const KILLS = 3;

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
    const download = await net.slowDownload(url);
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
    expect(await download.end()).toBe(true);
  });

  test('keeps its place in the schedule, and schedules new connections again', async () => {
    const { answers, errors } = await net.curlMany(100, 4, url);
    expect(errors).toEqual([]);
    expect(answers).toEqual({ 'Web from RS1': 50, 'Web from RS2': 50 });
  });

  test('is missed by no packet and no new connection, neither dead nor coming back', async () => {
    for (let i = 0; i < KILLS; i++) {
      const requests = await net.curlLoop(8, url);
      const pingPong = net.start('client', 'udp_client', '--address', service.vip, '--ping-pong');
      const echoes = outcome(pingPong);
      await killUnderLoad(net);
      expect((await net.director('bin/xlvs', 'daemon')).status).toBe(0);
      await sleep(300);
      pingPong.stdin?.end();
      expect(JSON.parse((await echoes).stdout)).toMatchObject({ lost: 0 });
      expect(await requests.stop()).toMatchObject({ errors: [], resent: 0 });
    }
  });

  test('is known to be dead before its sockets are closed', async () => {
    await net.rules(...serviceLines({ method: '-m' }, service, { scheduler: 'rr -b exact' }));
    const settings = new DataView(await attachedMap(net, 'settings'));
    const verdicts = await attachedMap(net, 'verdicts');
    const requests = await net.curlLoop(32, url);
    await net.curlMany(10, 1, url);
    expect(raised(verdicts)).toBeGreaterThan(10n);
    await net.killAll('director');
    while (!(Settings.keeper(settings, 0) & FUTEX_OWNER_DIED)) await soon();
    // What it had in its hands is lost with it, but nothing more runs into the open sockets.
    const before = raised(verdicts);
    await net.curlMany(10, 1, url);
    expect((await requests.stop()).errors).toEqual([]);
    expect(raised(verdicts)).toBe(before);
  });
});

/** New connections that a daemon was to decide on, all CPUs together. */
function raised(verdicts: ArrayBuffer): bigint {
  const counts = new BigUint64Array(verdicts);
  const at = VerdictCounters.packets.at / 8 + Verdict.RAISED_NEW;
  let sum = 0n;
  for (let i = at; i < counts.length; i += VerdictCounters.size / 8) sum += counts[i]!;
  return sum;
}

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

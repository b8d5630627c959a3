import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { contentDigest } from '../../ts/lab/content.ts';
import { projectRoot } from '../../ts/lab/process.ts';
import { s204 } from '../../ts/lab/topologies.ts';
import { serviceLines } from '../support/forwarding.ts';
import { lab, type TestLab } from '../support/netns.ts';

/*
 *   client ── SYNs of 10.0.0.0/8 ── director ── NAT ──┬── rs1
 *          ── a download, requests                    └── rs2
 */
const VIP = '172.16.253.63';
const REAL_SERVERS = ['192.168.166.129', '192.168.166.131'] as const;
const URL = `http://${VIP}/`;
const SENDER = join(projectRoot(), 'build/bench/sender');
const RATE = 50_000;
/** Of a download that lasts about as long as a flood. */
const SLOW_BYTES_PER_S = 2 ** 20;
const SLOW_S = 8;

describe('under a flood of SYNs', () => {
  let net: TestLab;
  beforeEach(async () => {
    net = await lab(s204);
  });
  afterEach(() => net?.dispose());

  async function begin(options: string, settings: string): Promise<void> {
    const { stderr } = await net.director('bin/xlvs', `daemon ${options}`);
    expect(stderr).toBe('');
    await net.rules(...serviceLines({ method: '-m' }, { vip: VIP, realServers: REAL_SERVERS }));
    await net.director('bin/xlvs', `set ${settings}`);
    // Both are known to the director's neighbours then.
    await net.curlMany(4, 1, URL);
  }

  /** SYNs of as many addresses, which no real client has. */
  async function flood(seconds: number): Promise<unknown> {
    const link = await net.must('director', ['cat', '/sys/class/net/eth0/address']);
    const words = {
      interface: 'eth0',
      gateway: link.trim(),
      to: VIP,
      port: 80,
      protocol: 'tcp',
      new_every: 1,
      rate: RATE,
      seconds,
    };
    return net.must('client', [SENDER, ...Object.entries(words).map((word) => word.join('='))]);
  }

  async function verdict(name: string): Promise<number> {
    const { stdout } = await net.director('bin/xlvs', 'stats');
    return Number(new RegExp(`${name} +(\\d+)`).exec(stdout)?.[1] ?? 0);
  }

  const slowDownload = () =>
    net.slowDownload(`${URL}size/${SLOW_BYTES_PER_S * SLOW_S}`, SLOW_BYTES_PER_S);

  test('cookies begin by themselves: a download goes on, new clients are answered', async () => {
    await begin('', 'syn_cookies=auto');
    const download = slowDownload();
    const flooded = flood(SLOW_S);
    await sleep(3000);
    const { answers, errors } = await net.curlMany(100, 4, URL);
    expect({ answers, errors }).toEqual({
      answers: { 'Web from RS1': 50, 'Web from RS2': 50 },
      errors: [],
    });
    expect(await download).toBe(contentDigest(SLOW_BYTES_PER_S * SLOW_S));
    await flooded;
    expect(await verdict('answered_cookie')).toBeGreaterThan(RATE);
    expect(await verdict('forwarded_cookie')).toBeGreaterThanOrEqual(100);
    expect(await verdict('dropped_table_full')).toBe(0);
  });

  test('a full table keeps what is established, and takes new clients again', async () => {
    await begin('--connections 1024', 'syn_cookies=off drop_entry=0');
    const download = slowDownload();
    await sleep(500);
    await flood(3);
    expect(await verdict('dropped_table_full')).toBeGreaterThan(RATE);
    await sleep(5000);
    const { errors } = await net.curlMany(100, 4, URL);
    expect(errors).toEqual([]);
    expect(await download).toBe(contentDigest(SLOW_BYTES_PER_S * SLOW_S));
  });
});

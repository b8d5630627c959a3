import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { outcome, projectRoot } from '../../ts/lab/process.ts';
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
/** No flood lasts so long. */
const LONGEST_S = 600;
const PATIENCE = { timeout: 60_000 };

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

  /** SYNs of as many addresses, which no real client has, until told to end. */
  async function flood(): Promise<{ end(): Promise<unknown> }> {
    const link = await net.must('director', ['cat', '/sys/class/net/eth0/address']);
    const words = {
      interface: 'eth0',
      gateway: link.trim(),
      to: VIP,
      port: 80,
      protocol: 'tcp',
      new_every: 1,
      rate: RATE,
      seconds: LONGEST_S,
    };
    const argv = [SENDER, ...Object.entries(words).map((word) => word.join('='))];
    const child = spawn('ip', ['netns', 'exec', net.namespace('client'), ...argv]);
    const ended = outcome(child);
    return {
      end() {
        child.kill();
        return ended;
      },
    };
  }

  async function verdict(name: string): Promise<number> {
    const { stdout } = await net.director('bin/xlvs', 'stats');
    return Number(new RegExp(`${name} +(\\d+)`).exec(stdout)?.[1] ?? 0);
  }

  test('cookies begin by themselves: a download goes on, new clients are answered', async () => {
    await begin('', 'syn_cookies=auto');
    const download = await net.slowDownload(URL);
    const flooding = await flood();
    await expect.poll(() => verdict('answered_cookie'), PATIENCE).toBeGreaterThan(RATE);
    const { answers, errors } = await net.curlMany(100, 4, URL);
    expect({ answers, errors }).toEqual({
      answers: { 'Web from RS1': 50, 'Web from RS2': 50 },
      errors: [],
    });
    expect(await download.end()).toBe(true);
    await flooding.end();
    expect(await verdict('forwarded_cookie')).toBeGreaterThanOrEqual(100);
    expect(await verdict('dropped_table_full')).toBe(0);
  });

  test('a full table keeps what is established, and takes new clients again', async () => {
    await begin('--connections 1024', 'syn_cookies=off drop_entry=0');
    const download = await net.slowDownload(URL);
    const flooding = await flood();
    await expect.poll(() => verdict('dropped_table_full'), PATIENCE).toBeGreaterThan(RATE);
    await flooding.end();
    // Their SYNs are sent again until half-open connections have made room.
    const { errors } = await net.curlMany(100, 4, URL);
    expect(errors).toEqual([]);
    expect(await download.end()).toBe(true);
  });
});

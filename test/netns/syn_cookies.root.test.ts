import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { contentDigest } from '../../ts/lab/content.ts';
import { s204 } from '../../ts/lab/topologies.ts';
import { serviceLines } from '../support/forwarding.ts';
import { lab, type TestLab } from '../support/netns.ts';

/*
 *   client ─────────── director ───────────┬── rs1
 *                      VIP, NAT,           └── rs2
 *                      SYN cookies always
 */
const MEBIBYTE = 2 ** 20;
const FAMILIES = {
  ipv4: {
    vip: '172.16.253.63',
    realServers: ['192.168.166.129', '192.168.166.131'],
    segments: [
      [600, 536],
      [1299, 536],
      [1300, 1300],
      [1440, 1440],
      [1460, 1460],
    ],
  },
  ipv6: {
    vip: '[2001:db8:204:1::63]',
    realServers: ['[2001:db8:204:2::129]', '[2001:db8:204:2::131]'],
    segments: [
      [1219, 1220],
      [1419, 1220],
      [1420, 1420],
      [1440, 1440],
    ],
  },
} as const;

/** Sysctls of TCP that one side has off. */
const OPTIONS = ['a change', 'tcp_timestamps', 'tcp_sack', 'tcp_window_scaling'];

describe.each(Object.entries(FAMILIES))('SYN cookies, %s', (_, numbers) => {
  let net: TestLab;
  const url = `http://${numbers.vip}/`;
  beforeAll(async () => {
    net = await lab(s204);
    await net.rules(...serviceLines({ method: '-m' }, numbers));
    await net.director('bin/xlvs', 'set syn_cookies=on');
  });
  afterAll(() => net?.dispose());

  /** So many SYNs were answered by a cookie. */
  async function answered(): Promise<number> {
    const { stdout } = await net.director('bin/xlvs', 'stats');
    return Number(/answered_cookie +(\d+)/.exec(stdout)?.[1] ?? 0);
  }

  /** What the real servers tell of their connections, once there is one. */
  async function whenEstablished(): Promise<string> {
    const ss = ['ss', '-Htin', 'state', 'established'];
    for (;;) {
      const shown = await Promise.all(['rs1', 'rs2'].map((role) => net.must(role, ss)));
      if (shown.join('') !== '') return shown.join('');
    }
  }

  async function without(option: string, role: string, run: () => Promise<void>) {
    if (option === 'a change') return run();
    const set = (value: number) => net.must(role, ['sysctl', '-qw', `net.ipv4.${option}=${value}`]);
    await set(0);
    try {
      await run();
    } finally {
      await set(1);
    }
  }

  test('a refusal of the real server reaches the client', async () => {
    const [realServer] = numbers.realServers;
    await net.rules(
      `-A -t ${numbers.vip}:99 -s rr`,
      `-a -t ${numbers.vip}:99 -r ${realServer}:99 -m`,
    );
    const { errors } = await net.curlMany(3, 1, `http://${numbers.vip}:99/`);
    expect(errors).toMatchObject(Array(3).fill({ code: 'ECONNRESET' }));
    await net.rules(...serviceLines({ method: '-m' }, numbers));
  });

  test.each<readonly [number, number]>(numbers.segments)(
    'an MSS of %i is %i to the real server',
    async (mss, kept) => {
      const address = numbers.vip.replace(/[[\]]/g, '');
      const family = address.includes(':') ? '-6' : '-4';
      const route = `route replace ${address} dev eth0 advmss ${mss}`;
      await net.must('client', ['ip', family, ...route.split(' ')]);
      const open = `exec 3<>/dev/tcp/${address}/80; read`;
      const bash = ['netns', 'exec', net.namespace('client'), 'bash', '-c', open];
      const held = spawn('ip', bash, { stdio: ['pipe', 'ignore', 'inherit'] });
      const shown = await whenEstablished();
      held.stdin.end();
      await once(held, 'close');
      await net.must('client', ['ip', family, 'route', 'delete', address, 'dev', 'eth0']);
      // ss shows what the timestamps leave of it.
      expect(/\bmss:(\d+)/.exec(shown)?.[1]).toBe(String(kept - 12));
    },
  );

  test('a service that decides on each connection itself has cookies too', async () => {
    const [service, ...destinations] = serviceLines({ method: '-m' }, numbers);
    await net.rules(`${service} -b exact`, ...destinations);
    const before = await answered();
    const { answers, errors } = await net.curlMany(50, 4, url);
    expect({ answers, errors }).toEqual({
      answers: { 'Web from RS1': 25, 'Web from RS2': 25 },
      errors: [],
    });
    expect((await answered()) - before).toBeGreaterThanOrEqual(50);
  });

  for (const role of ['client', 'rs1', 'rs2']) {
    test.each(OPTIONS)(`a ${role} without %s downloads what is there`, async (option) => {
      await without(option, role, async () => {
        const before = await answered();
        const { answers, errors } = await net.curlMany(100, 8, url);
        expect({ answers, errors }).toEqual({
          answers: { 'Web from RS1': 50, 'Web from RS2': 50 },
          errors: [],
        });
        expect((await answered()) - before).toBeGreaterThanOrEqual(100);
        for (let i = 0; i < 2; i++) {
          const { sha256 } = await net.download(`${url}size/${MEBIBYTE}`);
          expect(sha256).toBe(contentDigest(MEBIBYTE));
        }
      });
    });
  }
});

import { statSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { outcome } from '../../ts/lab/process.ts';
import { s204 } from '../../ts/lab/topologies.ts';
import { serviceLines } from '../support/forwarding.ts';
import { lab, type TestLab } from '../support/netns.ts';

/*
 *   client ─────────── director ───────────┬── rs1 192.168.166.129
 *   172.16.253.36   VIP 172.16.253.63      └── rs2 192.168.166.131
 */
const service = {
  vip: '172.16.253.63',
  realServers: ['192.168.166.129', '192.168.166.131'],
} as const;
const url = `http://${service.vip}/`;

const REPLACEMENTS = 3;

let net: TestLab;
beforeAll(async () => {
  net = await lab(s204);
  await net.rules(
    ...serviceLines({ method: '-m' }, service),
    ...serviceLines({ method: '-m' }, service, { kind: '-u', port: 7 }),
  );
});
afterAll(() => net?.dispose());

const replace = (words = '') => net.director('bin/xlvs', `daemon --replace ${words}`);
const status = async () => (await net.director('bin/xlvs', 'status')).stdout;
const pid = async () => Number(/^pid (\d+)/.exec(await status())?.[1]);

/** A replacement whose successor ends when it is its turn; the director's complaint. */
async function replaceByOneThatFails(): Promise<string> {
  const script = "process.send({prepared: true}); process.once('message', () => process.exit(3))";
  const body = JSON.stringify({ program: [process.execPath, '-e', script], words: [] });
  const socket = `/run/xlvs/netns-${statSync(`/run/netns/${net.namespace('director')}`).ino}`;
  const curl = ['curl', '-sS', '--unix-socket', socket, '--json', body, 'http://xlvs/replace'];
  return JSON.parse(await net.must('director', curl)).message;
}

describe('xlvs daemon --replace', () => {
  test.for([
    'that was started',
    'that has resumed',
    'that is a successor',
    'that is a successor and has resumed',
  ])('a director %s resumes where its successor ends in the middle', async (which) => {
    if (which === 'that is a successor') expect((await replace()).status).toBe(0);
    const before = await pid();
    const requests = await net.curlLoop(4, url);
    expect(await replaceByOneThatFails()).toMatch(/^the director ended \(3\)/);
    expect(await pid()).toBe(before);
    expect((await net.curlMany(20, 4, url)).errors).toEqual([]);
    expect((await requests.stop()).errors).toEqual([]);
  });

  test('loses no packet, refuses no connection, and forgets nothing', async () => {
    await net.director('bin/xlvs', 'set conn_reuse_mode=3 syn_cookies=off');
    const settings = (await net.director('bin/xlvs', 'get')).stdout;
    expect(settings).toMatch(/^conn_reuse_mode = 3$.*^syn_cookies = off$/ms);
    const rules = (await net.adm('-S -n')).stdout;
    const download = await net.slowDownload(url);
    const requests = await net.curlLoop(4, url);
    const pingPong = net.start('client', 'udp_client', '--address', service.vip, '--ping-pong');
    const echoes = outcome(pingPong);
    await sleep(500);

    const pids = [await pid()];
    for (let i = 0; i < REPLACEMENTS; i++) {
      const { status, stdout, stderr } = await replace();
      expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
      expect(stdout).toMatch(/adopted program \d+ on .*; found \d+ connections?, 6 rules/);
      pids.push(await pid());
      await sleep(200);
    }

    expect(new Set(pids).size).toBe(REPLACEMENTS + 1);
    expect(await net.pids('director')).toEqual([pids.at(-1)]);
    pingPong.stdin?.end();
    const { sent, lost } = JSON.parse((await echoes).stdout);
    expect(lost).toBe(0);
    expect(sent).toBeGreaterThan(100);
    const { answers, errors, resent } = await requests.stop();
    expect({ errors, resent }).toEqual({ errors: [], resent: 0 });
    expect(Object.keys(answers)).toHaveLength(2);
    expect(await download.end()).toBe(true);
    expect((await net.adm('-S -n')).stdout).toBe(rules);
    expect((await net.director('bin/xlvs', 'get')).stdout).toBe(settings);
  });

  test('a setting that is refused is told in one line', async () => {
    const set = async (words: string) => (await net.director('bin/xlvs', `set ${words}`)).stderr;
    expect(await set('conn_reuse_mode=4')).toMatch(/^xlvs: .*expected 0 to 3, received "4"\n$/);
    expect(await set('colour=red')).toMatch(/^xlvs: expected one of .*, received colour\n$/);
  });

  test('that fails leaves the director at work', async () => {
    const before = await pid();
    const requests = await net.curlLoop(4, url);
    const { status, stderr } = await replace('--config /nowhere.yaml');
    expect(status).toBe(1);
    expect(stderr).toMatch(/^xlvs: expected a readable configuration file: .*\n$/);
    const named = await replace('--interface eth77');
    expect(named.status).toBe(1);
    expect(named.stderr).toMatch(/no interface eth77/);
    expect(await pid()).toBe(before);
    expect((await requests.stop()).errors).toEqual([]);
  });

  test('lets a client wait that comes meanwhile', async () => {
    let replaced = false;
    const replacing = replace().finally(() => {
      replaced = true;
    });
    const statuses: number[] = [];
    while (!replaced) statuses.push((await net.adm('-L -n')).status);
    expect((await replacing).status).toBe(0);
    expect(new Set(statuses)).toEqual(new Set([0]));
  });

  test('is a plain start where no director runs', async () => {
    await net.killAll('director');
    const { status, stdout } = await replace();
    expect(status).toBe(0);
    expect(stdout).toMatch(/adopted program \d+/);
    const { errors } = await net.curlMany(20, 4, url);
    expect(errors).toEqual([]);
  });
});

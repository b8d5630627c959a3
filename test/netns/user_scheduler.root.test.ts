import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { readlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { s204 } from '../../ts/lab/topologies.ts';
import { serviceLines } from '../support/forwarding.ts';
import { lab, type TestLab } from '../support/netns.ts';

/*
 *   client ─────────── director ───────────┬── rs1 192.168.166.129, weight 1: the canary
 *   172.16.253.36   VIP 172.16.253.63      └── rs2 192.168.166.131, weight 2
 */
const service = {
  vip: '172.16.253.63',
  realServers: ['192.168.166.129', '192.168.166.131'],
} as const;
const rules = { scheduler: 'canary', weights: [1, 2] };
const share = { 'Web from RS1': 10, 'Web from RS2': 90 };

const choose = `(all, turn) =>
  all.find(({ weight }) => (weight === 1) === (turn % 10 === 0)) ?? all[0]`;
const files = mkdtempSync(join(tmpdir(), 'xlvs-user-'));

function file(name: string, how: string): string {
  const path = join(files, name);
  const scheduler = `{ name: 'canary', kind: 'sequence', choose: ${how} }`;
  writeFileSync(path, `export const scheduler = ${scheduler};\n`);
  return path;
}

describe('a scheduler of the user', () => {
  let net: TestLab;
  beforeAll(async () => {
    net = await lab(s204);
  });
  afterAll(async () => {
    await net?.dispose();
    rmSync(files, { recursive: true });
  });

  const daemon = (words: string) => net.director('bin/xlvs', `daemon ${words}`);
  const status = async () => (await net.director('bin/xlvs', 'status')).stdout;
  const failure = async () => /^scheduler .*/m.exec(await status())?.[0];
  const served = async () => {
    const { answers, errors } = await net.curlMany(100, 8, `http://${service.vip}/`);
    expect(errors).toEqual([]);
    return answers;
  };

  test('gives each real server the share that it chooses', async () => {
    const { status, stderr } = await daemon(`--scheduler ${file('good.mjs', choose)}`);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    await net.rules(...serviceLines({ method: '-m' }, service, rules));
    expect(await served()).toEqual(share);
    expect(await failure()).toBeUndefined();
    expect((await net.adm('-S -n')).stdout).toContain('-s canary');
  });

  test('goes on with its turn in a director that takes over', async () => {
    expect((await daemon('--replace')).status).toBe(0);
    expect(await served()).toEqual(share);
  });

  test.each(['loops', 'throws'])('that %s is relieved by wlc, and told of once', async (what) => {
    const how = what === 'loops' ? '() => { for (;;); }' : "() => { throw new Error('no'); }";
    const { status } = await daemon(`--replace --scheduler ${file(`${what}.mjs`, how)}`);
    expect(status).toBe(0);
    expect(Object.keys(await served())).toHaveLength(2);
    const complaint = what === 'loops' ? 'took longer than 100 ms' : 'threw Error: no';
    const line = `scheduler canary of tcp ${service.vip}:80 ${complaint}: wlc chooses in its place`;
    expect(await failure()).toBe(line);
    await sleep(2_500);
    const logged = (await log()).split('\n').filter((each) => each.includes(`"msg":"${line}"`));
    expect(logged).toHaveLength(1);
  });

  test('that cannot be loaded leaves the director at work', async () => {
    const { status, stderr } = await daemon('--replace --scheduler /nonexistent/x.mjs');
    expect(status).toBe(1);
    expect(stderr).toMatch(/^xlvs: .*: \/nonexistent\/x\.mjs: expected a module: ENOENT.*\n$/);
    expect(Object.keys(await served())).toHaveLength(2);
  });

  test('that the next director lacks is named, and wlc chooses; nothing is lost', async () => {
    const saved = (await net.adm('-S -n')).stdout;
    await net.killAll('director');
    const refused = await daemon('--scheduler /nonexistent/x.mjs');
    expect(refused.status).toBe(1);
    expect(refused.stderr).toMatch(/^xlvs: \/nonexistent\/x\.mjs: expected a module: ENOENT.*\n$/);
    const { status, stdout } = await daemon('');
    expect(status).toBe(0);
    expect(stdout).toMatch(/; scheduler canary of .* was not loaded: wlc chooses in its place\n$/);
    expect((await net.adm('-S -n')).stdout).toBe(saved);
    expect(Object.keys(await served())).toHaveLength(2);
    expect((await daemon(`--replace --scheduler ${file('good.mjs', choose)}`)).status).toBe(0);
    expect(await served()).toEqual(share);
  });

  async function log(): Promise<string> {
    const { ino } = statSync(`/run/netns/${net.namespace('director')}`);
    const socket = await readlink(`/run/xlvs/netns-${ino}`);
    return readFileSync(join('/run/xlvs', socket.replace(/\.sock$/, '.log')), 'utf8');
  }
});

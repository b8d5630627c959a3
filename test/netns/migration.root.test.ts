import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { s204 } from '../../ts/lab/topologies.ts';
import { serviceLines } from '../support/forwarding.ts';
import { lab, type TestLab } from '../support/netns.ts';
import { buildPast, hasPast } from '../support/past_build.ts';

/*
 *   client ─────────── director ───────────┬── rs1 192.168.166.129
 *   172.16.253.36   VIP 172.16.253.63      └── rs2 192.168.166.131
 *
 * The first director is of an earlier version, of another layout.
 */
const service = {
  vip: '172.16.253.63',
  realServers: ['192.168.166.129', '192.168.166.131'],
} as const;
const service6 = {
  vip: '[2001:db8:204:1::63]',
  realServers: ['[2001:db8:204:2::129]', '[2001:db8:204:2::131]'],
} as const;

describe.skipIf(!(await hasPast()))('a program of an earlier version', () => {
  let net: TestLab;
  beforeAll(async () => {
    const xlvs = await buildPast();
    net = await lab(s204);
    const started = await net.exec('director', [xlvs, 'daemon']);
    expect(started.status, started.stderr).toBe(0);
    await net.rules(
      ...serviceLines({ method: '-m' }, service),
      ...serviceLines({ method: '-m' }, service6),
      ...serviceLines({ method: '-m' }, service, { kind: '-u', port: 7 }),
    );
  }, 300_000);
  afterAll(() => net?.dispose());

  test('is replaced under its connections, with rules, counts and counters', async () => {
    await net.adm('--set 800 100 200');
    const downloads = await Promise.all(
      [service.vip, service6.vip].map((vip) => net.slowDownload(`http://${vip}/`)),
    );
    await net.curlMany(40, 4, `http://${service.vip}/`);
    await net.echo(service.vip, 2);
    await sleep(500);
    const rules = (await net.adm('-S -n')).stdout;
    const connections = await connectionLines(net);
    const [listing, counted] = [await rulesListed(net), await connectionsCounted(net)];
    const timeouts = (await net.adm('-L --timeout')).stdout;

    const { status, stdout, stderr } = await net.director('bin/xlvs', 'daemon --replace');
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout).toMatch(/migrated to program \d+ on .*; found 44 connections, 9 rules/);

    expect((await net.adm('-S -n')).stdout).toBe(rules);
    expect(await connectionLines(net)).toEqual(connections);
    expect((await net.adm('-L --timeout')).stdout).toBe(timeouts);
    expect(await rulesListed(net)).toBe(listing);
    expect(await connectionsCounted(net)).toEqual(counted);
    for (const download of downloads) expect(await download.end()).toBe(true);
  });

  test('leaves a director that schedules as ever', async () => {
    const { answers, errors } = await net.curlMany(100, 4, `http://${service.vip}/`);
    expect(errors).toEqual([]);
    expect(answers).toEqual({ 'Web from RS1': 50, 'Web from RS2': 50 });
  });
});

/** The connections without the time that they have left, in no order of their own. */
async function connectionLines(net: TestLab): Promise<string[]> {
  const { stdout } = await net.adm('-L -n -c');
  return stdout
    .split('\n')
    .map((line) => line.replace(/ \d\d:\d\d /, ' '))
    .sort();
}

/** The column of counted connections, which packets meanwhile do not change. */
async function connectionsCounted(net: TestLab): Promise<(string | undefined)[]> {
  const { stdout } = await net.adm('-L -n --stats --exact');
  return stdout.split('\n').map((line) => /:\d+ +(\d+) /.exec(line)?.[1]);
}

/** The listing but for its first line, which tells the size of the table. */
async function rulesListed(net: TestLab): Promise<string> {
  const { stdout } = await net.adm('-L -n');
  return stdout.slice(stdout.indexOf('\n'));
}

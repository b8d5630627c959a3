import { rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { s204 } from '../../ts/lab/topologies.ts';
import { lab, type TestLab } from '../support/netns.ts';

/*
 *   client ──── switch ──── director ──── rs1 192.168.166.129
 *                           VIP 172.16.253.63
 *
 * The client takes a MAC address that nobody has for the VIP's. The switch floods such frames.
 */
const VIP = '172.16.253.63';
const NOBODY = '02:00:5e:00:53:99';

describe('a frame that a switch floods', () => {
  let net: TestLab;
  beforeAll(async () => {
    net = await lab(s204);
    await net.rules(`-A -t ${VIP}:80 -s rr`, `-a -t ${VIP}:80 -r 192.168.166.129 -m`);
  });
  afterAll(() => net?.dispose());

  const reach = async (mac: string, patienceS = 30): Promise<string> => {
    await net.must('client', `ip neigh replace ${VIP} lladdr ${mac} dev eth0`.split(' '));
    const curl = ['curl', '-s', '-m', `${patienceS}`, `http://${VIP}/`];
    return (await net.exec('client', curl)).stdout.trim();
  };
  const flooded = async (): Promise<number> => {
    const { stdout } = await net.director('bin/xlvs', 'stats --all');
    return Number(/^passed_other_host\s+(\d+)$/m.exec(stdout)?.[1]);
  };
  const own = async (): Promise<string> => {
    const [link] = JSON.parse(await net.must('director', ['ip', '-j', 'link', 'show', 'eth0']));
    return link.address;
  };

  test('is not forwarded, and counted', async () => {
    expect(await reach(await own())).toBe('Web from RS1');
    expect(await flooded()).toBe(0);
    expect(await reach(NOBODY, 2)).toBe('');
    expect(await flooded()).toBeGreaterThan(0);
  });

  test('is the director’s once it has the MAC address', async () => {
    const before = await own();
    await net.must('director', `ip link set eth0 address ${NOBODY}`.split(' '));
    expect(await reach(NOBODY)).toBe('Web from RS1');
    expect(await reach(before, 2)).toBe('');
    await net.must('director', `ip link set eth0 address ${before}`.split(' '));
    expect(await reach(before)).toBe('Web from RS1');
  });

  test('is the director’s when the configuration says so', async ({ onTestFinished }) => {
    const path = join(tmpdir(), `xlvs-stations-${process.pid}.yaml`);
    onTestFinished(() => rmSync(path));
    writeFileSync(path, `macs: ['${NOBODY}']\n`);
    await net.director('bin/xlvs', 'daemon --stop');
    const { status, stderr } = await net.director('bin/xlvs', `daemon --config ${path}`);
    expect([status, stderr]).toEqual([0, '']);
    expect(await reach(NOBODY)).toBe('Web from RS1');
  });
});

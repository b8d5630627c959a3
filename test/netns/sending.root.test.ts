import { rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { contentDigest } from '../../ts/lab/content.ts';
import { portName, SWITCH } from '../../ts/lab/plan.ts';
import { s197 } from '../../ts/lab/topologies.ts';
import { lab, type TestLab } from '../support/netns.ts';

/*
 * Direct routing on one segment (s197): every request leaves the director by the interface that it
 * came by. A veth takes XDP_TX where its other end, the switch's port, has a program too.
 */
const VIP = '172.16.100.8';
const BYTES = 2 ** 24;
const PASS = `int pass(void *ctx) __attribute__((section("xdp"), used));
int pass(void *ctx) { return 2; }
char own_license[] __attribute__((section("license"), used)) = "GPL";`;

describe.each(['tx', 'redirect'] as const)('one-arm director, %s', (sending) => {
  const path = join(tmpdir(), `xlvs-sending-${process.pid}`);
  let net: TestLab;

  beforeAll(async () => {
    net = await lab(s197);
    writeFileSync(`${path}.c`, PASS);
    writeFileSync(`${path}.yaml`, `sending: { eth0: ${sending} }\n`);
    const compile = `clang-19 -g -O2 -target bpf -c ${path}.c -o ${path}.o`;
    const port = portName('director', 'eth0');
    await net.must('director', compile.split(' '));
    if (sending === 'tx') {
      const attach = `ip link set dev ${port} xdpdrv obj ${path}.o sec xdp`;
      await net.must(SWITCH, attach.split(' '));
    }
    const { stderr } = await net.director('bin/xlvs', `daemon --config ${path}.yaml`);
    expect(stderr).toBe('');
  });
  afterAll(async () => {
    for (const end of ['c', 'o', 'yaml']) rmSync(`${path}.${end}`, { force: true });
    await net?.dispose();
  });

  /** Frames that XDP_TX has sent. */
  const transmitted = async (): Promise<number> => {
    const text = await net.must('director', ['ethtool', '-S', 'eth0']);
    return [...text.matchAll(/_xdp_tx: (\d+)/g)].reduce((sum, [, n]) => sum + Number(n), 0);
  };

  test('forwards every request', async () => {
    await net.rules(`-A -t ${VIP}:80 -s rr`, `-a -t ${VIP}:80 -r 192.168.12.11 -g`);
    const { answers, errors } = await net.curlMany(100, 4, `http://${VIP}/`);
    expect([answers, errors]).toEqual([{ 'Web from RS1': 100 }, []]);
    const { sha256 } = await net.download(`http://${VIP}/size/${BYTES}`);
    expect(sha256).toBe(contentDigest(BYTES));
    if (sending === 'tx') expect(await transmitted()).toBeGreaterThan(300);
    else expect(await transmitted()).toBe(0);
  });
});

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { contentDigest } from '../../ts/lab/content.ts';
import { s197, s204 } from '../../ts/lab/topologies.ts';
import { type ForwardingCase, serviceLines } from '../support/forwarding.ts';
import { lab, type TestLab } from '../support/netns.ts';

/*
 * NAT (s204) and direct routing (s197) again, on links of 9000 bytes: XDP finds a frame's headers
 * in its first buffer, and the rest of it in others.
 */
const cases: readonly Omit<ForwardingCase, 'ipv6'>[] = [
  {
    name: 'NAT',
    topology: s204,
    method: '-m',
    ipv4: { vip: '172.16.253.63', realServers: ['192.168.166.129', '192.168.166.131'] },
  },
  {
    name: 'direct routing',
    topology: s197,
    method: '-g',
    ipv4: { vip: '172.16.100.8', realServers: ['192.168.12.11', '192.168.12.12'] },
  },
];

const BYTES = 2 ** 28;

/**
 * Sends datagrams of this size by one socket, each when the one before was echoed; counts the
 * right replies. The echo puts four bytes of its own before each.
 */
const PING_PONG = `
const [address, size, count] = process.argv.slice(1);
const { once } = require('node:events');
const socket = require('node:dgram').createSocket('udp4');
const datagram = Buffer.alloc(Number(size), 'jumbo');
socket.connect(7, address, async () => {
  let right = 0;
  for (let i = 0; i < Number(count); i++) {
    socket.send(datagram);
    const [reply] = await once(socket, 'message', { signal: AbortSignal.timeout(20000) });
    right += reply.subarray(4).equals(datagram) ? 1 : 0;
  }
  console.log(right);
  process.exit();
});`;

describe.each(cases)('jumbo frames: $name', ({ topology, method, ipv4 }) => {
  let net: TestLab;
  beforeAll(async () => {
    net = await lab({ ...topology, mtu: 9000 });
  });
  afterAll(() => net?.dispose());

  test('a download arrives with the right digest, in frames of that size', async () => {
    await net.rules(...serviceLines({ method }, ipv4));
    const { bytes, sha256 } = await net.download(`http://${ipv4.vip}/size/${BYTES}`);
    expect(bytes).toBe(BYTES);
    expect(sha256).toBe(contentDigest(BYTES));
    expect((await net.director('bin/xlvs', 'status')).stdout).toContain('native');
    if (method === '-g') return;
    const { stdout } = await net.adm('-L -n --stats --exact');
    const [, packets, sent] = /^TCP.* (\d+) +\d+ +(\d+)$/m.exec(stdout) ?? [];
    expect(Number(sent) / Number(packets)).toBeGreaterThan(4000);
  });

  test('a first datagram of 8 kB opens its connection, and others follow', async () => {
    await net.rules(...serviceLines({ method }, ipv4, { kind: '-u', port: 7 }));
    for (const size of ['8000', '8968']) {
      const words = ['node', '-e', PING_PONG, ipv4.vip, size, '100'];
      expect(Number(await net.must('client', words))).toBe(100);
    }
  });
});

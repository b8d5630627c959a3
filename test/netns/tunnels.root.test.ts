import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { contentDigest } from '../../ts/lab/content.ts';
import { projectRoot } from '../../ts/lab/process.ts';
import {
  forwardingSysctls,
  type Host,
  hiddenVipSysctls,
  type Topology,
} from '../../ts/lab/topology.ts';
import { lab, type TestLab } from '../support/netns.ts';

/*
 *   client 10.219.1.1 ──┬── VIP 10.219.1.8, director ── 10.219.2.2 ─┐
 *                       └────────────────────────────────────── router ──┬── rs1 10.219.3.11
 *                                                                        └── rs2 10.219.3.12
 *
 * Requests go through the director, and in tunnels through the router; answers come back by the
 * router alone. The real servers have the VIP on lo, and take the tunnels off by XDP
 * (test/bpf/decap.bpf.c), since few kernels have them all.
 */
const addresses = (net: number, host: number): string[] => [
  `10.219.${net}.${host}/24`,
  `2001:db8:219:${net}::${host}/64`,
];
const VIP = { 4: '10.219.1.8', 6: '[2001:db8:219:1::8]' } as const;
const ROUTER = ['default via 10.219.3.254', 'default via 2001:db8:219:3::254'];

const realServer = (number: 1 | 2): Host => ({
  role: `rs${number}`,
  links: [{ device: 'eth0', lan: 'far', addresses: addresses(3, 10 + number) }],
  loopback: ['10.219.1.8/32', '2001:db8:219:1::8/128'],
  routes: ROUTER,
  sysctls: hiddenVipSysctls,
  serves: `RS${number}`,
});

const topology: Topology = {
  name: 'tunnels',
  title: 'Tunnelling to real servers behind a router',
  drawing: '',
  cables: ['middle'],
  hosts: [
    { role: 'client', links: [{ device: 'eth0', lan: 'clients', addresses: addresses(1, 1) }] },
    {
      role: 'director',
      links: [
        { device: 'eth0', lan: 'clients', addresses: addresses(1, 8) },
        { device: 'eth1', lan: 'middle', addresses: addresses(2, 2) },
      ],
      routes: ['10.219.3.0/24 via 10.219.2.254', '2001:db8:219:3::/64 via 2001:db8:219:2::254'],
      sysctls: forwardingSysctls,
    },
    {
      role: 'router',
      links: [
        { device: 'eth0', lan: 'middle', addresses: addresses(2, 254) },
        { device: 'eth1', lan: 'far', addresses: addresses(3, 254) },
        { device: 'eth2', lan: 'clients', addresses: addresses(1, 254) },
      ],
      sysctls: forwardingSysctls,
    },
    realServer(1),
    realServer(2),
  ],
};

/** A tunnel of each kind to either real server, over both families. */
const DESTINATIONS = [
  '10.219.3.11:80 -i',
  '[2001:db8:219:3::11]:80 -i --tun-type gue --tun-port 6080 --tun-csum',
  '10.219.3.12:80 -i --tun-type gre --tun-csum',
  '[2001:db8:219:3::12]:80 -i',
  '10.219.3.13:80 -i --tun-type gue --tun-port 6080',
  '[2001:db8:219:3::13]:80 -i --tun-type gre',
];
const BYTES = 2 ** 24;

let net: TestLab;
beforeAll(async () => {
  net = await lab(topology);
  // rs2 has a second address of either family, to be another destination.
  for (const address of addresses(3, 13)) {
    await net.must('rs2', ['ip', 'address', 'add', address, 'dev', 'eth0']);
  }
  const object = join(projectRoot(), 'build/decap.bpf.o');
  for (const role of ['rs1', 'rs2']) {
    await net.must(role, ['ip', 'link', 'set', 'eth0', 'xdp', 'object', object, 'section', 'xdp']);
  }
});
afterAll(() => net?.dispose());

/** Replaces the rules by one service, of these destinations. */
async function serve(vip: string, destinations: readonly string[]): Promise<void> {
  const service = `-t ${vip}:80`;
  const lines = destinations.map((destination) => `-a ${service} -r ${destination}`);
  await net.rules();
  const { status, stderr } = await net.adm('-R', {
    input: [`-A ${service} -s rr`, ...lines, ''].join('\n'),
  });
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
}

test.for([4, 6] as const)('tunnels of all kinds take IPv%i, and no answer', async (family) => {
  await serve(VIP[family], DESTINATIONS);
  const { answers, errors } = await net.curlMany(30, 4, `http://${VIP[family]}/`);
  expect(errors).toEqual([]);
  expect(answers).toEqual({ 'Web from RS1': 10, 'Web from RS2': 20 });
  const { stdout } = await net.adm('-L -n --stats');
  const rows = stdout.split('\n').filter((line) => line.startsWith('  -> ') && /\d$/.test(line));
  // Conns, InPkts, OutPkts
  expect(rows.map((row) => row.trim().split(/ +/).slice(2, 5))).toEqual(
    DESTINATIONS.map(() => ['5', expect.stringMatching(/^\d{2,}$/), '0']),
  );
});

test.for([
  [4, '10.219.3.11:80 -i'],
  [6, '[2001:db8:219:3::11]:80 -i --tun-type gue --tun-port 6080 --tun-csum'],
] as const)('IPv%i: a download by %s has the right digest', async ([family, destination]) => {
  await serve(VIP[family], [destination]);
  const { bytes, sha256 } = await net.download(`http://${VIP[family]}/size/${BYTES}`);
  expect(bytes).toBe(BYTES);
  expect(sha256).toBe(contentDigest(BYTES));
});

test.for([
  [4, '10.219.3.11:80 -i', 1380],
  [6, '[2001:db8:219:3::11]:80 -i --tun-type gue --tun-port 6080', 1348],
] as const)('IPv%i: a client learns what a hop of 1400 bytes leaves it', async (told) => {
  const [family, destination, mtu] = told;
  await net.must('director', ['ip', 'link', 'set', 'eth1', 'mtu', '1400']);
  await net.must('router', ['ip', 'link', 'set', 'eth0', 'mtu', '1400']);
  await serve(VIP[family], [destination]);
  const upload = `head -c 300000 /dev/zero |
    curl -sS --max-time 60 --data-binary @- 'http://${VIP[family]}/'`;
  expect(await net.must('client', ['sh', '-c', upload])).toBe('Web from RS1\n');
  const bare = VIP[family].replace(/[[\]]/g, '');
  const [route] = JSON.parse(await net.must('client', ['ip', '-j', 'route', 'get', bare]));
  expect(route.metrics).toMatchObject([{ mtu }]);
});

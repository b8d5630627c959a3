import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Tally } from '../../ts/lab/http_client.ts';
import { s211 } from '../../ts/lab/topologies.ts';
import { forwardingSysctls, type Topology } from '../../ts/lab/topology.ts';
import { type ForwardingCase, type Numbers, serviceLines } from '../support/forwarding.ts';
import { lab, type TestLab } from '../support/netns.ts';

/*
 *                ┌─ router  .1 ─┐
 *   client ──────┤              ├────── director ──────┬── rs1
 *   10.1.0.100   └─ second  .2 ─┘   VIP 10.2.0.10      └── rs2
 *                                   DIP 10.3.0.10
 *
 * NAT with two ways from the director back to the client; direct routing in the three-network lab
 * (s211). What neighbours, gateways, interfaces and real servers do, happens under traffic.
 */
const natBehindRouters: Topology = {
  name: 'natbehindrouters',
  title: 'NAT behind two routers',
  drawing: '',
  hosts: [
    {
      role: 'client',
      links: [{ device: 'eth0', lan: 'far', addresses: ['10.1.0.100/24', '2001:db8:1::100/64'] }],
      routes: ['default via 10.1.0.1', 'default via 2001:db8:1::1'],
    },
    ...['router', 'second'].map((role, i) => ({
      role,
      links: [
        {
          device: 'eth0',
          lan: 'far',
          addresses: [`10.1.0.${i + 1}/24`, `2001:db8:1::${i + 1}/64`],
        },
        {
          device: 'eth1',
          lan: 'near',
          addresses: [`10.2.0.${i + 1}/24`, `2001:db8:2::${i + 1}/64`],
        },
      ],
      sysctls: forwardingSysctls,
    })),
    {
      role: 'director',
      links: [
        { device: 'eth0', lan: 'near', addresses: ['10.2.0.10/24', '2001:db8:2::10/64'] },
        { device: 'eth1', lan: 'inner', addresses: ['10.3.0.10/24', '2001:db8:3::10/64'] },
      ],
      routes: ['default via 10.2.0.1', 'default via 2001:db8:2::1'],
      sysctls: forwardingSysctls,
    },
    ...[1, 2].map((n) => ({
      role: `rs${n}`,
      links: [
        { device: 'eth0', lan: 'inner', addresses: [`10.3.0.${n}/24`, `2001:db8:3::${n}/64`] },
      ],
      routes: ['default via 10.3.0.10', 'default via 2001:db8:3::10'],
      serves: `RS${n}`,
    })),
  ],
};

const nat: ForwardingCase = {
  name: 'NAT',
  topology: natBehindRouters,
  method: '-m',
  ipv4: { vip: '10.2.0.10', realServers: ['10.3.0.1', '10.3.0.2'] },
  ipv6: { vip: '[2001:db8:2::10]', realServers: ['[2001:db8:3::1]', '[2001:db8:3::2]'] },
};

const dr: ForwardingCase = {
  name: 'direct routing',
  topology: s211,
  method: '-g',
  ipv4: { vip: '192.168.51.11', realServers: ['192.168.118.11', '192.168.118.12'] },
  ipv6: {
    vip: '[2001:db8:211:1::11]',
    realServers: ['[2001:db8:211:2::11]', '[2001:db8:211:2::12]'],
  },
};

type Family = 'ipv4' | 'ipv6';
const FAMILIES: readonly Family[] = ['ipv4', 'ipv6'];

describe('under traffic', () => {
  describe.each([nat, dr])('$name', (forwarding) => {
    let net: TestLab;
    beforeAll(async () => {
      net = await lab(forwarding.topology);
    });
    afterAll(() => net?.dispose());

    test('a killed real server is removed and added back', async () => {
      await killRemoveAdd(net, forwarding);
    });

    test.each(['rs1', 'router'])('%s gets another hardware address', async (role) => {
      const device = role === 'router' ? 'eth1' : 'eth0';
      await undisturbed(net, { forwarding, families: FAMILIES }, async () => {
        await changeHardwareAddress(net, role, device);
      });
    });

    test('every neighbour is flushed, again and again', async () => {
      await undisturbed(net, { forwarding, families: FAMILIES }, async () => {
        for (let i = 0; i < 10; i++) {
          await net.must('director', ['ip', 'neigh', 'flush', 'all']);
          await sleep(100);
        }
      });
    });

    test('the interface goes down and comes up', async () => {
      const device = forwarding === nat ? 'eth1' : 'eth0';
      await net.rules(...serviceLines(forwarding, forwarding.ipv4));
      const loop = await net.curlLoop(4, `http://${forwarding.ipv4.vip}/`);
      await sleep(300);
      await net.must('director', ['ip', 'link', 'set', device, 'down']);
      await sleep(300);
      await net.must('director', ['ip', 'link', 'set', device, 'up']);
      await restoreRoutes(net);
      await sleep(500);
      await loop.stop();
      await expectEvenShares(net, forwarding.ipv4);
    });

    test('the interface is deleted and made again', async () => {
      const device = forwarding === nat ? 'eth1' : 'eth0';
      await net.rules(...serviceLines(forwarding, forwarding.ipv4));
      await net.must('director', ['ip', 'link', 'delete', device]);
      await sleep(300);
      await net.relink('director', device);
      await untilAttached(net, device);
      // Its hardware address is another one; whoever remembers the old one sends to nobody.
      await net.must('router', ['ip', 'neigh', 'flush', 'all']);
      await expectEvenShares(net, forwarding.ipv4);
    });
  });
});

describe('a gateway of the director that is replaced', () => {
  let net: TestLab;
  beforeAll(async () => {
    net = await lab(natBehindRouters);
  });
  afterAll(() => net?.dispose());

  test.each([
    ['ipv4', '10.2.0.2'],
    ['ipv6', '2001:db8:2::2'],
  ] as const)('%s: moves the connections that exist', async (family, gateway) => {
    await undisturbed(net, { forwarding: nat, families: [family] }, async () => {
      const received = () => receivedPackets(net, 'second', 'eth1');
      const before = await received();
      await net.must('director', ['ip', 'route', 'replace', 'default', 'via', gateway]);
      await expect.poll(received, { timeout: 30_000 }).toBeGreaterThan(before + 50);
    });
  });
});

/**
 * Lets the client load pages and two slow downloads of each family run (one by either real
 * server), does something to the network, and expects that none noticed.
 */
async function undisturbed(
  net: TestLab,
  { forwarding, families }: { forwarding: ForwardingCase; families: readonly Family[] },
  disturb: () => Promise<void>,
): Promise<void> {
  const urls = families.map((family) => `http://${forwarding[family].vip}/`);
  await net.rules(...families.flatMap((family) => serviceLines(forwarding, forwarding[family])));
  const downloads = await Promise.all(
    urls.flatMap((url) => [net.slowDownload(url), net.slowDownload(url)]),
  );
  const loops = await Promise.all(urls.map((url) => net.curlLoop(4, url)));
  await disturb();
  await sleep(500);
  for (const loop of loops) {
    const { answers, errors } = await loop.stop();
    expect(errors).toEqual([]);
    expect(Object.keys(answers).sort()).toEqual(['Web from RS1', 'Web from RS2']);
  }
  const whole = await Promise.all(downloads.map((download) => download.end()));
  expect(whole).toEqual(downloads.map(() => true));
  for (const family of families) await expectEvenShares(net, forwarding[family]);
}

async function killRemoveAdd(net: TestLab, forwarding: ForwardingCase): Promise<void> {
  const numbers = FAMILIES.map((family) => forwarding[family]);
  await net.rules(...numbers.flatMap((each) => serviceLines(forwarding, each)));
  const loops = await Promise.all(numbers.map(({ vip }) => net.curlLoop(4, `http://${vip}/`)));
  const lines = numbers.map(({ vip, realServers }) => `-t ${vip}:80 -r ${realServers[1]}:80`);
  const killedMs = Date.now();
  await net.killAll('rs2');
  await sleep(200);
  for (const line of lines) await net.adm(`-d ${line}`);
  const removedMs = Date.now();
  await sleep(300);
  await net.serve('rs2');
  for (const line of lines) await net.adm(`-a ${line} ${forwarding.method}`);
  await sleep(300);
  for (const loop of loops) expectErrorsOnlyBetween(await loop.stop(), killedMs, removedMs);
  for (const each of numbers) await expectEvenShares(net, each);
}

/** A connection that fails was there while the server was dead and not yet removed. */
function expectErrorsOnlyBetween({ errors }: Tally, fromMs: number, toMs: number): void {
  const others = errors.filter(({ startedMs, endedMs }) => endedMs < fromMs || startedMs > toMs);
  expect(others).toEqual([]);
}

/**
 * Gives the device another hardware address, and its own again. The host announces it (gratuitous
 * ARP, unsolicited advertisement); the second time the director has forgotten it besides.
 */
async function changeHardwareAddress(net: TestLab, role: string, device: string): Promise<void> {
  const announce = `echo 1 > /proc/sys/net/ipv4/conf/${device}/arp_notify
    echo 1 > /proc/sys/net/ipv6/conf/${device}/ndisc_notify`;
  await net.must(role, ['sh', '-c', announce]);
  const [{ address }] = JSON.parse(await net.must(role, ['ip', '-j', 'link', 'show', device]));
  await net.must(role, ['ip', 'link', 'set', device, 'address', '02:00:5e:00:53:07']);
  await sleep(500);
  await net.must(role, ['ip', 'link', 'set', device, 'address', address]);
  await net.must('director', ['ip', 'neigh', 'flush', 'all']);
  await sleep(500);
}

/** Until then the kernel gets the packets, and refuses them. A busy daemon takes its time. */
async function untilAttached(net: TestLab, device: string): Promise<void> {
  const [{ ifindex }] = JSON.parse(
    await net.must('director', ['ip', '-j', 'link', 'show', device]),
  );
  await expect
    .poll(async () => (await net.director('bin/xlvs', 'status')).stdout, { timeout: 20_000 })
    .toContain(`interface ${device} (${ifindex})`);
}

/** A hundred requests go to both in turn. */
async function expectEvenShares(net: TestLab, { vip }: Numbers): Promise<void> {
  const { answers, errors } = await net.curlMany(100, 4, `http://${vip}/`);
  expect(errors).toEqual([]);
  expect(answers).toEqual({ 'Web from RS1': 50, 'Web from RS2': 50 });
}

/** Routes through an interface vanish when it goes down; an administrator's tools restore them. */
async function restoreRoutes(net: TestLab): Promise<void> {
  const director = net.topology.hosts.find(({ role }) => role === 'director');
  for (const route of director?.routes ?? []) {
    if (!route.includes(':'))
      await net.must('director', ['ip', 'route', 'replace', ...route.split(' ')]);
  }
}

async function receivedPackets(net: TestLab, role: string, device: string): Promise<number> {
  const [link] = JSON.parse(await net.must(role, ['ip', '-j', '-s', 'link', 'show', device]));
  return link.stats64.rx.packets;
}

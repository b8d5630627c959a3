import {
  forwardingSysctls,
  type Host,
  hiddenVipSysctls,
  type Link,
  type Topology,
} from './topology.ts';

/**
 * The networks of the worked examples, with the documents' own IPv4 numbers. IPv6 numbers are
 * from the documentation prefix: 2001:db8:<example>:<network>::<last IPv4 number>.
 */

/** S195. Two-arm NAT: the director stands between the clients and the real servers. */
export const s195 = twoArmNat({
  name: 's195',
  title: 'NAT: VIP and real servers in two networks, weighted least connections',
  drawing: `
  client ───────────── director ─────────┬── RS1 192.168.12.11
  172.16.100.1      VIP 172.16.100.8     └── RS2 192.168.12.12
                    DIP 192.168.12.1`,
  client: ['172.16.100.1/16', '2001:db8:195:1::1/64'],
  vip: ['172.16.100.8/16', '2001:db8:195:1::8/64'],
  dip: ['192.168.12.1/24', '2001:db8:195:2::1/64'],
  realServers: [
    ['192.168.12.11/24', '2001:db8:195:2::11/64'],
    ['192.168.12.12/24', '2001:db8:195:2::12/64'],
  ],
});

/** S204 and S205. */
export const s204 = twoArmNat({
  name: 's204',
  title: 'NAT: two web servers in turn, then one of them twice as often',
  drawing: `
  client ───────────── director ───────────┬── RS1 192.168.166.129
  172.16.253.36     VIP 172.16.253.63      └── RS2 192.168.166.131
                    DIP 192.168.166.130`,
  client: ['172.16.253.36/24', '2001:db8:204:1::36/64'],
  vip: ['172.16.253.63/24', '2001:db8:204:1::63/64'],
  dip: ['192.168.166.130/24', '2001:db8:204:2::130/64'],
  realServers: [
    ['192.168.166.129/24', '2001:db8:204:2::129/64'],
    ['192.168.166.131/24', '2001:db8:204:2::131/64'],
  ],
});

/** S208. */
export const s208 = twoArmNat({
  name: 's208',
  title: 'NAT: round robin, then three to one',
  drawing: `
  client ───────────── director ───────────┬── RS1 192.168.100.7
  192.168.0.101     VIP 192.168.0.10       └── RS2 192.168.100.9
                    DIP 192.168.100.10`,
  client: ['192.168.0.101/24', '2001:db8:208:1::101/64'],
  vip: ['192.168.0.10/24', '2001:db8:208:1::10/64'],
  dip: ['192.168.100.10/24', '2001:db8:208:2::10/64'],
  realServers: [
    ['192.168.100.7/24', '2001:db8:208:2::7/64'],
    ['192.168.100.9/24', '2001:db8:208:2::9/64'],
  ],
});

/**
 * S197. One-arm direct routing: client, gateway, director and real servers share one segment,
 * so only arp_ignore keeps a real server from answering for the VIP.
 */
export const s197: Topology = {
  name: 's197',
  title: 'Direct routing on one segment: the VIP on every lo, answers past the director',
  drawing: `
  client 172.16.100.1 ─────────┬── director  VIP 172.16.100.8, DIP 192.168.12.10
                               ├── RS1 192.168.12.11, VIP on lo
                               ├── RS2 192.168.12.12, VIP on lo
                               └── gateway of the real servers: 192.168.12.254`,
  hosts: [
    {
      role: 'client',
      links: [link('eth0', 'lan', ['172.16.100.1/16', '2001:db8:197:1::1/64'])],
    },
    {
      role: 'router',
      links: [
        link('eth0', 'lan', [
          '172.16.100.254/16',
          '192.168.12.254/24',
          '2001:db8:197:1::254/64',
          '2001:db8:197:2::254/64',
        ]),
      ],
      sysctls: forwardingSysctls,
    },
    director(
      [
        link('eth0', 'lan', [
          '192.168.12.10/24',
          '172.16.100.8/32',
          '2001:db8:197:2::10/64',
          '2001:db8:197:1::8/128',
        ]),
      ],
      ['default via 192.168.12.254', 'default via 2001:db8:197:2::254'],
    ),
    ...drServers({
      lan: 'lan',
      vip: ['172.16.100.8/32', '2001:db8:197:1::8/128'],
      gateway: ['192.168.12.254', '2001:db8:197:2::254'],
      realServers: [
        ['192.168.12.11/24', '2001:db8:197:2::11/64'],
        ['192.168.12.12/24', '2001:db8:197:2::12/64'],
      ],
    }),
  ],
};

/** S206. The router has a third address on the segment, in the VIP's network. */
export const s206: Topology = {
  name: 's206',
  title: 'Direct routing behind a gateway of three addresses, one to three',
  drawing: `
  client ──────── router ─────────┬── director  VIP 172.16.253.63, DIP 192.168.166.130
  100.0.0.6    100.0.0.100        ├── RS1 192.168.166.129, VIP on lo
               192.168.166.100    └── RS2 192.168.166.131, VIP on lo
               172.16.253.36`,
  hosts: [
    {
      role: 'client',
      links: [link('eth0', 'outer', ['100.0.0.6/24', '2001:db8:206:1::6/64'])],
      routes: ['default via 100.0.0.100', 'default via 2001:db8:206:1::100'],
    },
    {
      role: 'router',
      links: [
        link('eth0', 'outer', ['100.0.0.100/24', '2001:db8:206:1::100/64']),
        link('eth1', 'inner', [
          '192.168.166.100/24',
          '172.16.253.36/24',
          '2001:db8:206:2::100/64',
          '2001:db8:206:3::36/64',
        ]),
      ],
      sysctls: forwardingSysctls,
    },
    director(
      [
        link('eth0', 'inner', [
          '192.168.166.130/24',
          '172.16.253.63/32',
          '2001:db8:206:2::130/64',
          '2001:db8:206:3::63/128',
        ]),
      ],
      ['default via 192.168.166.100', 'default via 2001:db8:206:2::100'],
    ),
    ...drServers({
      lan: 'inner',
      vip: ['172.16.253.63/32', '2001:db8:206:3::63/128'],
      gateway: ['192.168.166.100', '2001:db8:206:2::100'],
      realServers: [
        ['192.168.166.129/24', '2001:db8:206:2::129/64'],
        ['192.168.166.131/24', '2001:db8:206:2::131/64'],
      ],
    }),
  ],
};

/** S211. The VIP is of the clients' network; the router has a host route to it. */
export const s211: Topology = {
  name: 's211',
  title: 'Direct routing with the VIP in another network than the LAN, behind a router',
  drawing: `
  client ─────────── router ──────────┬── director  VIP 192.168.51.11, DIP 192.168.118.10
  192.168.51.100   192.168.51.10      ├── RS1 192.168.118.11, VIP on lo
                   192.168.118.1      └── RS2 192.168.118.12, VIP on lo`,
  hosts: [
    {
      role: 'client',
      links: [link('eth0', 'outer', ['192.168.51.100/24', '2001:db8:211:1::100/64'])],
      routes: ['192.168.51.11 via 192.168.51.10', '2001:db8:211:1::11 via 2001:db8:211:1::10'],
    },
    {
      role: 'router',
      links: [
        link('eth0', 'outer', ['192.168.51.10/24', '2001:db8:211:1::10/64']),
        link('eth1', 'inner', ['192.168.118.1/24', '2001:db8:211:2::1/64']),
      ],
      routes: ['192.168.51.11 dev eth1', '2001:db8:211:1::11 dev eth1'],
      sysctls: forwardingSysctls,
    },
    director(
      [
        link('eth0', 'inner', [
          '192.168.118.10/24',
          '192.168.51.11/32',
          '2001:db8:211:2::10/64',
          '2001:db8:211:1::11/128',
        ]),
      ],
      ['default via 192.168.118.1', 'default via 2001:db8:211:2::1'],
    ),
    ...drServers({
      lan: 'inner',
      vip: ['192.168.51.11/32', '2001:db8:211:1::11/128'],
      gateway: ['192.168.118.1', '2001:db8:211:2::1'],
      realServers: [
        ['192.168.118.11/24', '2001:db8:211:2::11/64'],
        ['192.168.118.12/24', '2001:db8:211:2::12/64'],
      ],
    }),
  ],
};

/** Every topology that `xlvs lab up` knows. */
export const topologies: readonly Topology[] = [s195, s197, s204, s206, s208, s211];

interface NatNumbers extends Pick<Topology, 'name' | 'title' | 'drawing'> {
  readonly client: readonly string[];
  readonly vip: readonly string[];
  readonly dip: readonly string[];
  readonly realServers: readonly (readonly string[])[];
}

/** The director on two networks, and the real servers' default gateway. */
function twoArmNat({ name, title, drawing, client, vip, dip, realServers }: NatNumbers): Topology {
  return {
    name,
    title,
    drawing,
    hosts: [
      { role: 'client', links: [link('eth0', 'outer', client)] },
      director([link('eth0', 'outer', vip), link('eth1', 'inner', dip)]),
      ...realServers.map((addresses, i) => ({
        role: `rs${i + 1}`,
        links: [link('eth0', 'inner', addresses)],
        routes: dip.map((address) => `default via ${withoutPrefix(address)}`),
        serves: `RS${i + 1}`,
      })),
    ],
  };
}

interface DrNumbers {
  readonly lan: string;
  readonly vip: readonly string[];
  readonly gateway: readonly string[];
  readonly realServers: readonly (readonly string[])[];
}

/** Real servers that hold the VIP on lo, hide it, and answer through their own gateway. */
function drServers({ lan, vip, gateway, realServers }: DrNumbers): Host[] {
  return realServers.map((addresses, i) => ({
    role: `rs${i + 1}`,
    links: [link('eth0', lan, addresses)],
    loopback: vip,
    routes: gateway.map((address) => `default via ${address}`),
    sysctls: hiddenVipSysctls,
    serves: `RS${i + 1}`,
  }));
}

function director(links: readonly Link[], routes: readonly string[] = []): Host {
  return { role: 'director', links, routes, sysctls: forwardingSysctls };
}

function link(device: string, lan: string, addresses: readonly string[]): Link {
  return { device, lan, addresses };
}

function withoutPrefix(address: string): string {
  return address.slice(0, address.indexOf('/'));
}

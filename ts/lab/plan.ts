import { hostSysctls, linksOf, type Sysctls, type Topology } from './topology.ts';

/** One command of a plan. */
export interface Step {
  readonly argv: readonly string[];
  readonly input?: string;
}

/** The namespace that holds the bridges, one for each LAN. */
export const SWITCH = 'switch';

/**
 * The commands that build a topology, in order. A batch for each namespace keeps them few.
 *
 * The last step counts, and so does its place: frames that XDP redirects into a veth are lost
 * unless the peer has GRO on, asked for when both ends are up; and checksums left to the device
 * are lost when a packet enters XDP. So at the end every host and every port of a bridge gets
 * "tx off gro on"; the director's own devices need neither.
 */
export function buildSteps(topology: Topology, namespace: (role: string) => string): Step[] {
  const { hosts, cables = [], mtu = 1500 } = topology;
  const bridges = namespace(SWITCH);
  const links = linksOf(topology).filter(({ link }) => !cables.includes(link.lan));
  const lans = [...new Set(links.map(({ link }) => link.lan))];
  const all = [...hosts.map(({ role }) => namespace(role)), bridges];

  return [
    batch(all.map((name) => `netns add ${name}`)),
    sysctlStep(bridges, { 'net.ipv6.conf.default.disable_ipv6': '1' }),
    ...hosts.map(({ role, sysctls }) =>
      sysctlStep(namespace(role), { ...hostSysctls, ...sysctls }),
    ),
    batch(cables.map((cable) => cableLine(cable, topology, namespace))),
    batch(
      links.map(({ host: { role }, link: { device } }) => {
        const peer = `name ${portName(role, device)} netns ${bridges} mtu ${mtu}`;
        return `link add name ${device} netns ${namespace(role)} mtu ${mtu} type veth peer ${peer}`;
      }),
    ),
    batch(
      [
        ...lans.map((lan) => `link add ${lan} up type bridge mcast_snooping 0`),
        ...links.map(
          ({ host: { role }, link: { device, lan } }) =>
            `link set ${portName(role, device)} master ${lan} up`,
        ),
      ],
      bridges,
    ),
    ...hosts.map((host) => batch(hostLines(host), namespace(host.role))),
    ...hosts
      .filter(({ role }) => role !== 'director')
      .map(({ role, links: own }) =>
        offloadStep(
          namespace(role),
          own.map(({ device }) => device),
        ),
      ),
    offloadStep(
      bridges,
      links.map(({ host: { role }, link: { device } }) => portName(role, device)),
    ),
  ];
}

/** The bridge's end of a host's interface. */
export function portName(role: string, device: string): string {
  return `${role}-${device}`;
}

/** Makes devices safe beside XDP: see `buildSteps`. To be repeated for a re-created device. */
export function offloadStep(namespace: string, devices: readonly string[]): Step {
  const commands = devices.map((device) => `ethtool -K ${device} tx off gro on`);
  return inNamespace(namespace, commands);
}

/** One veth pair between the two hosts that name the cable. */
function cableLine(cable: string, topology: Topology, namespace: (role: string) => string): string {
  const { mtu = 1500 } = topology;
  const ends = linksOf(topology)
    .filter(({ link }) => link.lan === cable)
    .map(({ host, link }) => `name ${link.device} netns ${namespace(host.role)} mtu ${mtu}`);
  return `link add ${ends.join(' type veth peer ')}`;
}

function hostLines({ links, loopback = [], routes = [] }: Topology['hosts'][number]): string[] {
  return [
    'link set lo up',
    ...loopback.map((address) => `address add ${address} dev lo`),
    ...links.flatMap(({ device, addresses }) => [
      ...addresses.map((address) => `address add ${address} dev ${device}`),
      `link set ${device} up`,
    ]),
    ...routes.map((route) => `route add ${route}`),
  ];
}

function batch(lines: readonly string[], namespace?: string): Step {
  const where = namespace === undefined ? [] : ['-n', namespace];
  return { argv: ['ip', ...where, '-batch', '-'], input: `${lines.join('\n')}\n` };
}

function sysctlStep(namespace: string, sysctls: Sysctls): Step {
  const commands = Object.entries(sysctls).map(
    ([name, value]) => `echo ${value} > /proc/sys/${name.replaceAll('.', '/')}`,
  );
  return inNamespace(namespace, commands);
}

function inNamespace(namespace: string, commands: readonly string[]): Step {
  return { argv: ['ip', 'netns', 'exec', namespace, 'sh', '-ec', commands.join('\n')] };
}

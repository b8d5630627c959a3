import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { projectRoot } from '../ts/lab/process.ts';
import { PORTS, program, REAL_SERVERS, type Rig, VIP } from './rig.ts';
import { endOf, ready } from './server.ts';

/** A way to get a client's packets to real servers. */
export interface Contender {
  /** As in `peers.<who>.<figure>`. */
  readonly name: string;
  /** Where clients send to. */
  readonly targets: readonly string[];
  /** It takes TCP only. */
  readonly tcpOnly?: true;
  /** Why it cannot be measured here. */
  readonly missing?: () => string | undefined;
  start(rig: Rig): Promise<void>;
}

/** Forwarding methods, as ipvsadm's options. */
export type Method = '-m' | '-g';

/** Room for the connections of all rounds, which stay in TIME_WAIT for two minutes. */
const TABLE_CONNECTIONS = 1 << 20;
/** Flows of UDP that are measured once do not fill tables for the next. */
const UDP_TIMEOUT_S = 10;

/** The floor: an XDP program that only changes the MAC addresses and redirects. */
export const bareRedirect: Contender = {
  name: 'redirect',
  targets: REAL_SERVERS,
  async start(rig) {
    const [client, servers] = [await rig.mac('client', 'eth0'), await rig.mac('servers', 'eth0')];
    const argv = [program('redirect'), 'outer', client, 'inner', servers];
    await ready(rig.start('director', argv));
  },
};

/** The kernel as a router. */
export const forwarding: Contender = {
  name: 'forwarding',
  targets: REAL_SERVERS,
  start: async () => {},
};

/** xlvs with NAT. */
export const nat = xlvs({ name: 'nat', method: '-m' });

/** xlvs with direct routing. */
export const dr = xlvs({ name: 'dr', method: '-g' });

/** nftables: destination NAT, real servers in turn. */
export const nftables: Contender = {
  name: 'nftables',
  targets: [VIP],
  missing: () => absent('nft'),
  async start(rig) {
    const servers = REAL_SERVERS.map((address, i) => `${i} : ${address}`).join(', ');
    const turn = `numgen inc mod ${REAL_SERVERS.length} map { ${servers} }`;
    const input = `table ip nat {
      chain prerouting {
        type nat hook prerouting priority dstnat;
        ip daddr ${VIP} dnat to ${turn}
      }
    }`;
    await rig.must('director', ['nft', '-f', '-'], { input });
    const timeout = `/proc/sys/net/netfilter/nf_conntrack_udp_timeout`;
    await rig.must('director', ['sh', '-c', `echo ${UDP_TIMEOUT_S} > ${timeout}`]);
  },
};

/** HAProxy in TCP mode, on one thread, which leaves to the kernel what it can. */
export const haproxy: Contender = {
  name: 'haproxy',
  targets: [VIP],
  tcpOnly: true,
  missing: () => absent('haproxy'),
  async start(rig) {
    // It opens its file by name, which can be a pipe but not the socket that Node gives.
    const process = rig.start('director', ['sh', '-c', 'cat | haproxy -db -f /dev/stdin']);
    process.stdin!.end(haproxyConfiguration());
    const listening = untilListening(rig, [PORTS.accept, PORTS.echo, PORTS.discard]);
    await Promise.race([listening, endOf(process)]);
  },
};

/** The kernel's own IPVS, where it has one. */
export const kernelIpvs: Contender = {
  name: 'ipvs',
  targets: [VIP],
  missing: () =>
    existsSync('/proc/net/ip_vs')
      ? absent('ipvsadm')
      : 'this kernel has no ip_vs, or it is not loaded',
  async start(rig) {
    const variable = '/proc/sys/net/ipv4/vs/conntrack';
    await rig.must('director', ['ipvsadm', '-R'], { input: rules('-m') });
    await rig.must('director', ['ipvsadm', '--set', '0', '0', `${UDP_TIMEOUT_S}`]);
    await rig.must('director', ['sh', '-c', `[ ! -e ${variable} ] || echo 0 > ${variable}`]);
  },
};

/** How xlvs runs; what is left out is as for the peers. */
export interface XlvsOptions {
  readonly name: string;
  readonly method: Method;
  /** Room in its table. */
  readonly connections?: number;
  readonly udpTimeoutS?: number;
}

/** xlvs with a service for every port of the real servers. */
export function xlvs(options: XlvsOptions): Contender {
  const { name, method, connections = TABLE_CONNECTIONS, udpTimeoutS = UDP_TIMEOUT_S } = options;
  return {
    name,
    targets: [VIP],
    async start(rig) {
      await direct(rig, `bin/xlvs daemon --connections ${connections}`);
      await direct(rig, 'bin/compat/ipvsadm -R', rules(method));
      await direct(rig, `bin/compat/ipvsadm --set 0 0 ${udpTimeoutS}`);
    },
  };
}

/** Runs a command of the project on the director. */
export async function direct(rig: Rig, line: string, input?: string): Promise<string> {
  const [command = '', ...words] = line.split(' ');
  const argv = [join(projectRoot(), command), ...words];
  return rig.must('director', argv, input === undefined ? {} : { input });
}

/** A service for every port of the real servers, with both of them. */
export function rules(method: Method): string {
  const tcp = Object.values(PORTS).map((port) => `-t ${VIP}:${port}`);
  const udp = [PORTS.echo, PORTS.sink].map((port) => `-u ${VIP}:${port}`);
  return [...tcp, ...udp]
    .flatMap((service) => {
      const port = service.split(':')[1]!;
      const destinations = REAL_SERVERS.map((one) => `-a ${service} -r ${one}:${port} ${method}\n`);
      return [`-A ${service} -s rr\n`, ...destinations];
    })
    .join('');
}

function haproxyConfiguration(): string {
  const listeners = [PORTS.accept, PORTS.echo, PORTS.discard].map((port) => {
    const servers = REAL_SERVERS.map((one, i) => `  server rs${i + 1} ${one}:${port}`);
    return [`listen port${port}`, `  bind ${VIP}:${port}`, '  balance roundrobin', ...servers];
  });
  return [
    'global',
    '  nbthread 1',
    '  maxconn 4096',
    'defaults',
    '  mode tcp',
    '  option splice-auto',
    '  timeout connect 5s',
    '  timeout client 1h',
    '  timeout server 1h',
    ...listeners.flat(),
    '',
  ].join('\n');
}

/** Waits until all ports of the director listen, for five seconds at most. */
async function untilListening(rig: Rig, ports: readonly number[]): Promise<void> {
  const all = ports.map((port) => `ss -Hltn sport = :${port} | grep -q .`).join(' && ');
  const wait = `for i in $(seq 100); do { ${all}; } && exit; sleep 0.05; done; exit 1`;
  await rig.must('director', ['sh', '-c', wait]);
}

/** What keeps a command from being run. */
function absent(command: string): string | undefined {
  const folders = `${process.env.PATH}:/usr/sbin:/sbin`.split(delimiter);
  const found = folders.some((folder) => existsSync(join(folder, command)));
  return found
    ? undefined
    : `${command} is not installed; .ci/setup bench installs nft and haproxy`;
}

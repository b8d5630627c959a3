import { once } from 'node:events';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { Lab } from '../ts/lab/lab.ts';
import { outcome, projectRoot } from '../ts/lab/process.ts';
import { forwardingSysctls, type Host, type Topology } from '../ts/lab/topology.ts';
import { type Benchmark, type Result, type Round, type Run, summary } from './benchmark.ts';
import { cpuTime } from './machine.ts';
import { openingRates } from './opening_rate.ts';

const VIP = '198.51.100.1';
const REAL_SERVERS = ['192.0.2.11', '192.0.2.12'] as const;
const PORT = '80';
/** So many that hardly a five-tuple comes again in a run. */
const CLIENTS = Array.from({ length: 128 }, (_, i) => `198.51.100.${i + 100}`);
const PROCESSES = Math.min(availableParallelism(), CLIENTS.length);
/** Connections in flight of each process. */
const PARALLEL = 32;
/** Room for the connections of all rounds, which stay in TIME_WAIT for two minutes. */
const TABLE_CONNECTIONS = 1 << 20;
const WARM_UP_S = 0.5;

/** The director is the real servers' gateway, for NAT as for plain forwarding. */
const topology: Topology = {
  name: 'bench',
  title: 'NAT, and plain forwarding',
  drawing: `
  client ─────────── director ───────────┬── rs1 192.0.2.11
  198.51.100.100  VIP 198.51.100.1       └── rs2 192.0.2.12
                  DIP 192.0.2.1`,
  hosts: [
    {
      role: 'client',
      links: [{ device: 'eth0', lan: 'outer', addresses: CLIENTS.map((one) => `${one}/24`) }],
      routes: [`default via ${VIP}`],
      sysctls: { 'net.ipv4.ip_local_port_range': '1024 65535' },
    },
    {
      role: 'director',
      links: [
        { device: 'eth0', lan: 'outer', addresses: [`${VIP}/24`] },
        { device: 'eth1', lan: 'inner', addresses: ['192.0.2.1/24'] },
      ],
      sysctls: forwardingSysctls,
    },
    ...REAL_SERVERS.map((address, i): Host => {
      return {
        role: `rs${i + 1}`,
        links: [{ device: 'eth0', lan: 'inner', addresses: [`${address}/24`] }],
        routes: ['default via 192.0.2.1'],
        sysctls: { 'net.ipv4.tcp_max_tw_buckets': '1048576' },
      };
    }),
  ],
};

/** New TCP connections a second, from a client through the director to two real servers. */
export const connectionRate: Benchmark = {
  name: 'connection_rate',
  legend:
    'tickets, exact: new UDP flows a second without a loss, by ticket and by the slow path,\n' +
    'the director on a CPU of its own; baseline: the bare XDP redirect;\n' +
    'tcp: TCP connections opened and closed a second, every host on the same CPUs;\n' +
    'tcp_cpu: what one of them took of all CPUs, with client and real servers;\n' +
    "baseline: the kernel's plain forwarding; ratio: value / baseline",
  measure,
};

async function* measure(run: Run): AsyncGenerator<Result> {
  yield* openingRates(run);
  yield* measureConnections(run);
}

/** Two labs at once, of which only one has a director that does more than forward. */
async function* measureConnections(run: Run): AsyncGenerator<Result> {
  const labs: Lab[] = [];
  const build = async (name: string): Promise<Lab> => {
    run.progress(`connection_rate: building the ${name} lab`);
    const lab = await Lab.up(topology, { name: `bench.${process.pid}.${name}`, bound: true });
    labs.push(lab);
    for (const [i] of REAL_SERVERS.entries()) await serve(lab, `rs${i + 1}`);
    return lab;
  };
  try {
    const plain = await build('plain');
    const nat = await build('nat');
    await startDirector(nat);
    const pairs = await measureRounds(run, { plain, nat });
    yield summary('connection_rate.tcp', '1/s', pairs.map(byRate));
    yield summary('connection_rate.tcp_cpu', 'us', pairs.map(byCpu));
  } finally {
    for (const lab of labs) await lab.down();
  }
}

/** What was measured right after one another. */
interface Pair {
  readonly plain: Load;
  readonly nat: Load;
}

interface Load {
  /** Connections a second. */
  readonly rate: number;
  /** CPU time that a connection took of the whole machine, with whatever else ran. */
  readonly cpuUs: number;
  /** How busy the machine's CPUs were: 0 to 1. */
  readonly busy: number;
}

function byRate({ plain, nat }: Pair): Round {
  return { value: nat.rate, baseline: plain.rate, ratio: nat.rate / plain.rate };
}

function byCpu({ plain, nat }: Pair): Round {
  return { value: nat.cpuUs, baseline: plain.cpuUs, ratio: nat.cpuUs / plain.cpuUs };
}

async function measureRounds(run: Run, labs: { plain: Lab; nat: Lab }): Promise<Pair[]> {
  const rounds = run.quick ? 5 : 9;
  const seconds = run.quick ? 2 : 4;
  const pairs: Pair[] = [];
  for (let round = 1; round <= rounds; round++) {
    const plain = await load(run, labs.plain, { seconds, targets: REAL_SERVERS });
    const nat = await load(run, labs.nat, { seconds, targets: [VIP] });
    pairs.push({ plain, nat });
    run.progress(
      `connection_rate ${round}/${rounds}: plain forwarding ${told(plain)}, NAT ${told(nat)}`,
    );
  }
  return pairs;
}

interface Asked {
  readonly seconds: number;
  readonly targets: readonly string[];
}

/** Connections as fast as they go, after a short time that does not count. */
async function load(run: Run, lab: Lab, { seconds, targets }: Asked): Promise<Load> {
  await connect(run, lab, { seconds: WARM_UP_S, targets });
  const before = cpuTime();
  const rate = await connect(run, lab, { seconds, targets });
  const after = cpuTime();
  const busyS = after.busyS - before.busyS;
  const cpuUs = (busyS * 1e6) / (rate * seconds);
  return { rate, cpuUs, busy: busyS / (after.totalS - before.totalS) };
}

/** Connections a second by a process for each CPU: one alone would leave the others idle. */
async function connect(run: Run, lab: Lab, { seconds, targets }: Asked): Promise<number> {
  const endpoints = targets.flatMap((address) => [address, PORT]);
  const rates = Array.from({ length: PROCESSES }, async (_, process) => {
    const sources = CLIENTS.filter((_, i) => i % PROCESSES === process).join();
    const argv = [tcpLoad(), 'connect', `${seconds}`, `${PARALLEL}`, sources, ...endpoints];
    const { status, stdout, stderr } = await lab.exec('client', argv, { signal: run.signal });
    if (status !== 0) throw new Error(`expected connections, received ${stderr}`);
    const tally: { connections: number; failures: number; seconds: number } = JSON.parse(stdout);
    if (tally.failures > 0) throw new Error(`expected no failures, received ${stdout}`);
    return tally.connections / tally.seconds;
  });
  return (await Promise.all(rates)).reduce((sum, rate) => sum + rate, 0);
}

async function serve(lab: Lab, role: string): Promise<void> {
  const server = lab.start(role, [tcpLoad(), 'serve', PORT]);
  const ended = outcome(server).then(({ stderr }) => {
    throw new Error(`the server of ${role} ended: ${stderr}`);
  });
  await Promise.race([once(server.stdout!, 'data'), ended]);
  ended.catch(() => {}); // it ends with the lab
}

async function startDirector(lab: Lab): Promise<void> {
  const service = `-t ${VIP}:${PORT}`;
  await direct(lab, 'bin/xlvs', `daemon --connections ${TABLE_CONNECTIONS}`);
  await direct(lab, 'bin/compat/ipvsadm', `-A ${service} -s rr`);
  for (const address of REAL_SERVERS) {
    await direct(lab, 'bin/compat/ipvsadm', `-a ${service} -r ${address}:${PORT} -m`);
  }
}

async function direct(lab: Lab, command: string, args: string): Promise<void> {
  const argv = [join(projectRoot(), command), ...args.split(' ')];
  const { status, stderr } = await lab.exec('director', argv);
  if (status !== 0) throw new Error(`expected status 0 of ${command} ${args}, received ${stderr}`);
}

function tcpLoad(): string {
  return join(projectRoot(), 'build', 'bench', 'tcp_load');
}

function told({ rate, busy }: Load): string {
  return `${Math.round(rate)}/s (CPUs ${Math.round(busy * 100)} % busy)`;
}

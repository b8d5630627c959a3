import type { ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { Lab } from '../ts/lab/lab.ts';
import { must, outcome, projectRoot, type RunOptions } from '../ts/lab/process.ts';
import { forwardingSysctls, hiddenVipSysctls, type Topology } from '../ts/lab/topology.ts';
import { allowedCpus, napiThreads, processTimeNs, threadTimeNs } from './machine.ts';
import { Answerer, ready } from './server.ts';

/** The virtual address, which the director has on its outer interface. */
export const VIP = '198.51.100.1';
/** Two addresses of one host: it would be the same CPU for two. */
export const REAL_SERVERS = ['192.0.2.11', '192.0.2.12'] as const;
/** Networks behind the real servers, for destinations that nobody ever reaches. */
export const FAR_NETWORK = '10.77.0.0/16';
/** What the real servers do at which port, for TCP and for UDP. */
export const PORTS = { accept: 80, echo: 7, discard: 9, sink: 5000 } as const;

const CLIENTS = Array.from({ length: 32 }, (_, i) => `198.51.100.${i + 100}`);
const DIP = '192.0.2.1';
/** Replies of direct routing pass the director by. */
const BACK_TABLE = 100;

/** Cables instead of bridges: between director and hosts is nothing that would cost CPU time. */
const topology: Topology = {
  name: 'bench',
  title: 'one director between client and real servers',
  drawing: `
  client ── outer ── director ── inner ── real servers 192.0.2.11, .12
       └───────────────── back ─────────────────┘`,
  cables: ['outer', 'inner', 'back'],
  hosts: [
    {
      role: 'client',
      links: [
        { device: 'eth0', lan: 'outer', addresses: CLIENTS.map((one) => `${one}/24`) },
        { device: 'back', lan: 'back', addresses: ['203.0.113.100/24'] },
      ],
      routes: [`default via ${VIP}`],
      sysctls: { 'net.ipv4.ip_local_port_range': '1024 65535' },
    },
    {
      role: 'director',
      links: [
        { device: 'outer', lan: 'outer', addresses: [`${VIP}/24`] },
        { device: 'inner', lan: 'inner', addresses: [`${DIP}/24`] },
      ],
      routes: [`${FAR_NETWORK} via ${REAL_SERVERS[0]}`],
      sysctls: { ...forwardingSysctls, 'net.ipv4.ip_local_port_range': '1024 65535' },
    },
    {
      role: 'servers',
      links: [
        { device: 'eth0', lan: 'inner', addresses: REAL_SERVERS.map((one) => `${one}/24`) },
        { device: 'back', lan: 'back', addresses: ['203.0.113.11/24'] },
      ],
      loopback: [`${VIP}/32`],
      routes: [`default via ${DIP}`, `default via 203.0.113.100 table ${BACK_TABLE}`],
      sysctls: { ...hiddenVipSysctls, 'net.ipv4.tcp_max_tw_buckets': '1048576' },
    },
  ],
};

type Role = 'client' | 'director' | 'servers';

/** Where the work of a rig is done. */
interface Placement {
  /** The first and the last CPU that may be used: the hosts', and the director's. */
  readonly hosts: number;
  readonly director: number;
}

/**
 * One network in which one director is measured. The director has a CPU of its own, and what it
 * takes of it can be told: its interfaces are polled by threads, which are pinned there.
 */
export class Rig {
  readonly lab: Lab;
  readonly #cpus: Placement;
  readonly #signal: AbortSignal;
  /** The threads that poll the director's interfaces. */
  #threads: readonly number[] = [];
  /** Programs that answer, by their command. */
  readonly #answerers = new Map<string, Answerer>();

  private constructor(lab: Lab, signal: AbortSignal) {
    this.lab = lab;
    this.#cpus = placement();
    this.#signal = signal;
  }

  /** Builds the network and its servers; the director only forwards. */
  static async up(label: string, signal: AbortSignal): Promise<Rig> {
    const lab = await Lab.up(topology, { name: `bench.${process.pid}.${label}`, bound: true });
    try {
      await prepare(lab);
      const { hosts } = placement();
      const start = (argv: readonly string[]) => lab.start('servers', onCpu(hosts, argv));
      await ready(start([program('tcp_load'), 'serve', `${PORTS.accept}`]));
      await ready(start([program('ping_pong'), 'serve', `${PORTS.echo}`]));
      await ready(start([program('tcp_bulk'), 'serve', `${PORTS.discard}`]));
      return new Rig(lab, signal);
    } catch (error) {
      await lab.down();
      throw error;
    }
  }

  /**
   * Gives every interface a thread that polls it, with priority over all processes as interrupts
   * have it, the director's on its CPU and the others' on theirs. After the director is started,
   * whose programs may renew what is polled.
   */
  async pin(): Promise<void> {
    const before = new Set(napiThreads().map(({ tid }) => tid));
    const devices = { client: ['eth0', 'back'], director: ['outer', 'inner'], servers: ['eth0'] };
    for (const [role, names] of Object.entries(devices)) {
      const lines = names.map((name) => `echo 1 > /sys/class/net/${name}/threaded`);
      await this.must(role as Role, ['sh', '-ec', lines.join('\n')]);
    }
    const threads = napiThreads().filter(({ tid }) => !before.has(tid));
    const isDirectors = (device: string) => devices.director.includes(device);
    for (const { tid, device } of threads) {
      const cpu = isDirectors(device) ? this.#cpus.director : this.#cpus.hosts;
      await must(['taskset', '-pc', `${cpu}`, `${tid}`]);
      await must(['chrt', '-f', '-p', '1', `${tid}`]);
    }
    this.#threads = threads.filter(({ device }) => isDirectors(device)).map(({ tid }) => tid);
    if (this.#threads.length === 2) return;
    throw new Error(`expected 2 threads for the director, received ${this.#threads.length}`);
  }

  /** CPU time of the director's threads and processes since they started. */
  async directorTimeNs(): Promise<number> {
    const processes = (await this.directorPids()).map(processTimeNs);
    return [...this.#threads.map(threadTimeNs), ...processes].reduce((sum, time) => sum + time, 0);
  }

  /** The processes of the director. */
  async directorPids(): Promise<number[]> {
    const pids = await must(['ip', 'netns', 'pids', this.lab.namespace('director')]);
    return pids.split('\n').filter(Boolean).map(Number);
  }

  /** Starts a command on a host, on the CPU that is the host's. */
  start(role: Role, argv: readonly string[]): ChildProcess {
    return this.lab.start(role, this.#placed(role, argv));
  }

  /** Runs a command that has to succeed; its output. */
  async must(role: Role, argv: readonly string[], options: RunOptions = {}): Promise<string> {
    const signal = this.#signal;
    const placed = this.#placed(role, argv);
    const { status, stdout, stderr } = await this.lab.exec(role, placed, { signal, ...options });
    if (status === 0) return stdout;
    const said = stderr.trim() || stdout.trim();
    throw new Error(`expected status 0 of ${argv.join(' ')}, received ${status}: ${said}`);
  }

  /**
   * Runs one of the benchmarks' own programs, to its end or until a promise is settled; the JSON
   * object that it prints.
   */
  async measure<Answer>(
    role: Role,
    argv: readonly string[],
    until?: Promise<unknown>,
  ): Promise<Answer> {
    const [name = '', ...rest] = argv;
    const child = this.start(role, [program(name), ...rest]);
    const abort = () => child.kill('SIGKILL');
    const end = () => child.kill('SIGTERM');
    this.#signal.addEventListener('abort', abort);
    until?.then(end, end);
    const { status, stdout, stderr } = await outcome(child);
    this.#signal.removeEventListener('abort', abort);
    this.#signal.throwIfAborted();
    if (status === 0) return JSON.parse(stdout) as Answer;
    throw new Error(`expected status 0 of ${argv.join(' ')}, received ${status}: ${stderr.trim()}`);
  }

  /** The answer of one of the benchmarks' own programs, which is started once and stays. */
  async ask<Answer>(role: Role, argv: readonly string[], line: string): Promise<Answer> {
    const key = argv.join(' ');
    let answerer = this.#answerers.get(key);
    if (answerer === undefined) {
      const [name = '', ...rest] = argv;
      answerer = await Answerer.of(this.start(role, [program(name), ...rest]), this.#signal);
      this.#answerers.set(key, answerer);
    }
    return answerer.ask(line, this.#signal);
  }

  /** The MAC address of a host's interface. */
  async mac(role: Role, device: string): Promise<string> {
    return (await this.must(role, ['cat', `/sys/class/net/${device}/address`])).trim();
  }

  /** The client's addresses, as tcp_load takes them. */
  get sources(): string {
    return CLIENTS.join();
  }

  async down(): Promise<void> {
    await this.lab.down();
  }

  #placed(role: Role, argv: readonly string[]): string[] {
    return onCpu(role === 'director' ? this.#cpus.director : this.#cpus.hosts, argv);
  }
}

/** One of the benchmarks' own programs. */
export function program(name: string): string {
  return join(projectRoot(), 'build', 'bench', name);
}

/** What a topology cannot say: a way back of its own for direct routing, and polled interfaces. */
async function prepare(lab: Lab): Promise<void> {
  const servers = lab.namespace('servers');
  await must(['ip', '-n', servers, 'rule', 'add', 'from', VIP, 'lookup', `${BACK_TABLE}`]);
  for (const device of ['outer', 'inner']) {
    await must([
      'ip',
      'netns',
      'exec',
      lab.namespace('director'),
      'ethtool',
      '-K',
      device,
      'gro',
      'on',
    ]);
  }
}

function placement(): Placement {
  const cpus = allowedCpus();
  return { hosts: cpus[0]!, director: cpus.at(-1)! };
}

function onCpu(cpu: number, argv: readonly string[]): string[] {
  return ['taskset', '-c', `${cpu}`, ...argv];
}

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readlinkSync, statSync } from 'node:fs';
import type { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { buildSteps } from './plan.ts';
import { must, type Outcome, outcome, programArgv, type RunOptions, run } from './process.ts';
import type { Topology } from './topology.ts';

/** How a lab is called and how long it lives. */
export interface LabOptions {
  /** Lower-case letters, digits and dots; that of the topology where it is left out. */
  readonly name?: string;
  /** Goes when this process goes, however it ends; else it stays until it is taken down. */
  readonly bound?: boolean;
}

/**
 * A topology that is up. Its namespaces are named xlvs-<lab>-<role>, so that several labs, even
 * of one topology, live side by side; nothing else is kept about them. What runs inside a lab's
 * namespaces belongs to the lab and ends with it.
 */
export class Lab {
  readonly topology: Topology;
  readonly name: string;

  readonly #guard: ChildProcess | undefined;

  private constructor(topology: Topology, { name = topology.name, bound = false }: LabOptions) {
    this.topology = topology;
    this.name = name;
    this.#guard = bound ? startGuard(name) : undefined;
  }

  /** Builds the topology and starts its servers, over the ruins of an earlier lab of the name. */
  static async up(topology: Topology, options: LabOptions = {}): Promise<Lab> {
    const lab = new Lab(topology, options);
    await takeDown(lab.name);
    try {
      for (const { argv, input } of buildSteps(topology, (role) => lab.namespace(role))) {
        await must(argv, input === undefined ? {} : { input });
      }
      await Promise.all(topology.hosts.map((host) => lab.serve(host.role)));
    } catch (error) {
      await lab.down();
      throw error;
    }
    return lab;
  }

  /** The name of a host's network namespace. */
  namespace(role: string): string {
    return `${prefix(this.name)}${role}`;
  }

  /** Runs a command on a host, to its end. */
  exec(role: string, argv: readonly string[], options: RunOptions = {}): Promise<Outcome> {
    return run(['ip', 'netns', 'exec', this.namespace(role), ...argv], options);
  }

  /** Starts a command on a host; input and output are piped. */
  start(role: string, argv: readonly string[]): ChildProcess {
    return spawn('ip', ['netns', 'exec', this.namespace(role), ...argv], { stdio: 'pipe' });
  }

  /** Starts the servers of a host that serves, also again after they were ended. */
  async serve(role: string): Promise<void> {
    const name = this.topology.hosts.find((host) => host.role === role)?.serves;
    if (name === undefined) return;
    const ports = ['--http', '80', '--http', '8080', '--echo', '7'];
    const argv = [...programArgv('http_server'), '--name', name, ...ports];
    const server = spawn('ip', ['netns', 'exec', this.namespace(role), ...argv], {
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    });
    const ended = outcome(server).then(({ stderr }) => {
      throw new Error(`the server of ${role} ended: ${stderr.trim()}`);
    });
    await Promise.race([once(server.stdout, 'data'), ended]);
    ended.catch(() => {}); // from now on it may end when it likes
    server.stdout.destroy();
    server.stderr.destroy();
    server.unref();
  }

  /** Takes the lab down. */
  async down(): Promise<void> {
    await takeDown(this.name);
    this.#guard?.stdin?.end('released\n');
  }
}

/** Removes the lab's namespaces and ends what runs in them; no lab of that name is no error. */
export async function takeDown(name: string): Promise<void> {
  const namespaces = namespaceNames().filter((one) => one.startsWith(prefix(name)));
  if (namespaces.length === 0) return;
  const inodes = new Set(namespaces.map(namespaceInode).filter((inode) => inode !== undefined));
  // Names first: a director that is asked to end when its namespace has none keeps nothing.
  const input = namespaces.map((one) => `netns delete ${one}\n`).join('');
  const { stderr } = await run(['ip', '-force', '-batch', '-'], { input });
  await endProcesses(inodes);
  // Somebody else may have taken it down at the same time.
  const left = namespaceNames().filter((one) => one.startsWith(prefix(name)));
  if (left.length > 0) throw new Error(`expected no ${left.join(', ')}: ${stderr.trim()}`);
}

/** The names of the labs that are up. */
export function labNames(): string[] {
  const names = namespaceNames().map((one) => /^xlvs-([^-]+)-/.exec(one)?.[1]);
  return [...new Set(names.filter((name) => name !== undefined))].sort();
}

/** Whether the text can name a lab: without a dash, so that no lab's prefix is another's. */
export function isLabName(text: string): boolean {
  return /^[a-z0-9.]{1,40}$/.test(text);
}

/**
 * A shell that waits on a pipe from this process. When the pipe closes without a word, because
 * this process was killed, the shell removes the lab.
 */
function startGuard(name: string): ChildProcess {
  const script = `read released && exit
    for namespace in $(ls /run/netns | grep -F '${prefix(name)}'); do
      ip netns pids $namespace | xargs -r kill -9
      ip netns delete $namespace
    done`;
  const shell = spawn('sh', ['-c', script], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true, // no signal of the terminal reaches it
  });
  shell.unref();
  (shell.stdin as Socket).unref();
  return shell;
}

/** Asks the processes of network namespaces to end; after three seconds makes them. */
async function endProcesses(inodes: ReadonlySet<number>): Promise<void> {
  for (let round = 0; round < 40; round++) {
    const pids = processesIn(inodes);
    if (pids.length === 0) return;
    if (round === 0) for (const pid of pids) signal(pid, 'SIGTERM');
    if (round >= 30) for (const pid of pids) signal(pid, 'SIGKILL');
    await sleep(100);
  }
}

function processesIn(inodes: ReadonlySet<number>): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => inodes.has(networkInode(pid)));
}

function namespaceInode(name: string): number | undefined {
  return statSync(`/run/netns/${name}`, { throwIfNoEntry: false })?.ino;
}

function networkInode(pid: number): number {
  try {
    return Number(/\d+/.exec(readlinkSync(`/proc/${pid}/ns/net`))?.[0]);
  } catch {
    return Number.NaN; // it ended, or is a zombie
  }
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

function namespaceNames(): string[] {
  try {
    return readdirSync('/run/netns');
  } catch {
    return []; // made by the first `ip netns add`
  }
}

function prefix(name: string): string {
  return `xlvs-${name}-`;
}

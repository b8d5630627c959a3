import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { threadId } from 'node:worker_threads';
import { contentDigest } from '../../ts/lab/content.ts';
import type { Download, Tally } from '../../ts/lab/http_client.ts';
import { Lab, labNames, takeDown } from '../../ts/lab/lab.ts';
import { offloadStep, portName, SWITCH } from '../../ts/lab/plan.ts';
import {
  must,
  type Outcome,
  outcome,
  programArgv,
  projectRoot,
  type RunOptions,
} from '../../ts/lab/process.ts';
import { linksOf, type Topology } from '../../ts/lab/topology.ts';
import { Wire } from './wire.ts';

let count = 0;

/** Builds a topology under a name of its own. Whatever becomes of this process, it is removed. */
export async function lab(topology: Topology): Promise<TestLab> {
  await removeOrphans();
  count += 1;
  const name = `test.${process.pid}.${threadId}.${count}`;
  return new TestLab(await Lab.up(topology, { name, bound: true }));
}

/** Of a slow download: a minute of it. */
const SLOW_BYTES = 2 ** 24;
const SLOW_RATE = 2 ** 18;

/** Ports of the client below those that its kernel chooses. */
const FIRST_PORT = 10_000;
const LAST_PORT = 32_767;

/** A topology that is up, with the commands that tests give. */
export class TestLab {
  readonly #lab: Lab;
  #nextPort = FIRST_PORT;

  constructor(up: Lab) {
    this.#lab = up;
  }

  get topology(): Topology {
    return this.#lab.topology;
  }

  namespace(role: string): string {
    return this.#lab.namespace(role);
  }

  /** Runs a command on a host, to its end. */
  exec(role: string, argv: readonly string[], options?: RunOptions): Promise<Outcome> {
    return this.#lab.exec(role, argv, options);
  }

  /** Runs a command on a host that has to succeed; its output. */
  must(role: string, argv: readonly string[]): Promise<string> {
    return must(['ip', 'netns', 'exec', this.namespace(role), ...argv]);
  }

  /** Starts one of the lab's programs on a host; it ends with the lab. */
  start(role: string, program: string, ...args: string[]): ChildProcess {
    return this.#lab.start(role, [...programArgv(program), ...args]);
  }

  /** Sends frames by a host's interface, and receives those that arrive there. */
  wire(role: string, device: string, receive: (frame: Uint8Array) => void): Wire {
    const program = join(projectRoot(), 'build/bench/wire');
    return new Wire(this.#lab.start(role, [program, device]), receive);
  }

  /** Starts a host's servers again. */
  serve(role: string): Promise<void> {
    return this.#lab.serve(role);
  }

  /** Runs one of the repository's commands on the director. */
  director(command: string, args: string, options?: RunOptions): Promise<Outcome> {
    const words = args.split(' ').filter((word) => word !== '');
    return this.exec('director', [join(projectRoot(), command), ...words], options);
  }

  /** Runs `ipvsadm` on the director. */
  adm(args: string, options?: RunOptions): Promise<Outcome> {
    return this.director('bin/compat/ipvsadm', args, options);
  }

  /** Empties the director's table and has ipvsadm load the lines; every one has to succeed. */
  async rules(...lines: string[]): Promise<void> {
    const input = lines.map((line) => `${line}\n`).join('');
    for (const [command, more] of [['-C'], ['-R', { input }]] as const) {
      const { status, stderr } = await this.adm(command, more);
      if (status !== 0) throw new Error(`expected status 0 of ipvsadm ${command}: ${stderr}`);
    }
  }

  /** `requests` by the client, so many at a time, each from a port that none had before. */
  curlMany(requests: number, parallel: number, url: string): Promise<Tally> {
    const from = this.#nextPort;
    this.#nextPort += requests;
    if (this.#nextPort > LAST_PORT) throw new Error('expected fewer requests of one lab');
    const args = ['--url', url, '--count', String(requests), '--parallel', String(parallel)];
    return this.#client('http_client', [...args, '--from-port', String(from)]);
  }

  /** Requests without end, of which one is answered, until told to stop. */
  async curlLoop(parallel: number, url: string): Promise<{ stop(): Promise<Tally> }> {
    return { stop: await this.#lasting<Tally>('--url', url, '--parallel', `${parallel}`) };
  }

  /** A download as fast as it goes. */
  download(url: string): Promise<Download> {
    return this.#client('http_client', ['--url', url, '--digest']);
  }

  /**
   * A download, begun, that goes slowly until it is told to end; `end` tells whether what came is
   * what was sent. The client's buffers are made small, or they would hold megabytes and the
   * network would fall silent.
   */
  async slowDownload(url: string): Promise<{ end(): Promise<boolean> }> {
    await this.must('client', ['sysctl', '-qw', 'net.ipv4.tcp_rmem=4096 16384 65536']);
    const words = ['--url', `${url}size/${SLOW_BYTES}`, '--digest', '--rate', `${SLOW_RATE}`];
    const ended = await this.#lasting<Download>(...words);
    return { end: async () => (await ended()).sha256 === contentDigest(SLOW_BYTES) };
  }

  /** The echo's answers to so many datagrams; null for one that did not come. */
  echo(address: string, datagrams: number, patienceS = 10): Promise<(string | null)[]> {
    const args = ['--address', address, '--count', `${datagrams}`, '--patience', `${patienceS}`];
    return this.#client('udp_client', args);
  }

  /** Kills every process of a host. */
  async killAll(role: string): Promise<void> {
    for (const pid of await this.pids(role)) process.kill(pid, 'SIGKILL');
  }

  /** The processes of a host. */
  async pids(role: string): Promise<number[]> {
    const lines = await must(['ip', 'netns', 'pids', this.namespace(role)]);
    return lines.trim().split('\n').filter(Boolean).map(Number);
  }

  /** Makes a host's interface again that was deleted, as the topology has it. */
  relink(role: string, device: string): Promise<void> {
    return relink(this.#lab, role, device);
  }

  dispose(): Promise<void> {
    return this.#lab.down();
  }

  /** Starts what the client does until its input ends, which the answer lets happen. */
  async #lasting<T>(...words: string[]): Promise<() => Promise<T>> {
    const child = this.start('client', 'http_client', ...words);
    const ended = outcome(child);
    await Promise.race([once(child.stderr!, 'data'), ended]);
    return async () => {
      child.stdin!.end();
      const { stdout, stderr } = await ended;
      if (stdout === '') throw new Error(stderr);
      return JSON.parse(stdout);
    };
  }

  async #client<T>(program: string, args: readonly string[]): Promise<T> {
    return JSON.parse(await this.must('client', [...programArgv(program), ...args]));
  }
}

async function relink(up: Lab, role: string, device: string): Promise<void> {
  const { host, link } = linksOf(up.topology).find(
    (one) => one.host.role === role && one.link.device === device,
  )!;
  const port = portName(role, device);
  const bridges = up.namespace(SWITCH);
  const peer = `name ${port} netns ${bridges}`;
  const lines = [
    `link add name ${device} netns ${up.namespace(role)} type veth peer ${peer}`,
    ...link.addresses.map((address) => `address add ${address} dev ${device}`),
    `link set ${device} up`,
    ...(host.routes ?? []).map((route) => `route replace ${route}`),
  ];
  await must(['ip', '-n', up.namespace(role), '-batch', '-'], { input: `${lines.join('\n')}\n` });
  await must(['ip', '-n', bridges, 'link', 'set', port, 'master', link.lan, 'up']);
  await must(offloadStep(bridges, [port]).argv);
}

/** Removes the labs of test processes that are no more. */
async function removeOrphans(): Promise<void> {
  for (const name of labNames()) {
    const pid = /^test\.(\d+)\./.exec(name)?.[1];
    if (pid !== undefined && !isAlive(Number(pid))) await takeDown(name);
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

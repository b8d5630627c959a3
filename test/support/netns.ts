import type { ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { threadId } from 'node:worker_threads';
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

let count = 0;

/** Builds a topology under a name of its own. Whatever becomes of this process, it is removed. */
export async function lab(topology: Topology): Promise<TestLab> {
  await removeOrphans();
  count += 1;
  const name = `test.${process.pid}.${threadId}.${count}`;
  return new TestLab(await Lab.up(topology, { name, bound: true }));
}

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

  /** Empties the director's table and runs ipvsadm with each line; every one has to succeed. */
  async rules(...lines: string[]): Promise<void> {
    for (const line of ['-C', ...lines]) {
      const { status, stderr } = await this.adm(line);
      if (status !== 0) throw new Error(`expected status 0 of ipvsadm ${line}, received ${stderr}`);
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

  /** Requests without end, until told to stop. */
  curlLoop(parallel: number, url: string): { stop(): Promise<Tally> } {
    const child = this.start('client', 'http_client', '--url', url, '--parallel', `${parallel}`);
    const ended = outcome(child);
    return {
      async stop() {
        child.stdin?.end();
        return JSON.parse((await ended).stdout);
      },
    };
  }

  /** A download as fast as it goes. */
  download(url: string): Promise<Download> {
    return this.#client('http_client', ['--url', url, '--digest']);
  }

  /**
   * A download at some speed; its digest, or what curl complained of. The client's buffers are
   * made small, or they would hold megabytes and the network would fall silent.
   */
  async slowDownload(url: string, bytesPerSecond: number): Promise<string> {
    const script = `echo 4096 16384 65536 > /proc/sys/net/ipv4/tcp_rmem
      curl -sS --limit-rate ${bytesPerSecond} '${url}' | sha256sum`;
    const { stdout, stderr } = await this.exec('client', ['sh', '-c', script]);
    return stderr || stdout.slice(0, 64);
  }

  /** The echo's answers to so many datagrams; null for one that did not come. */
  echo(address: string, datagrams: number): Promise<(string | null)[]> {
    const args = ['--address', address, '--port', '7', '--count', String(datagrams)];
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

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Finding } from '../ts/doctor/finding.ts';
import type { Tally } from '../ts/lab/http_client.ts';
import { outcome, programArgv, projectRoot } from '../ts/lab/process.ts';
import { direct } from './contenders.ts';
import { roundTrips } from './load.ts';
import { PORTS, REAL_SERVERS, Rig, VIP } from './rig.ts';
import { ready } from './server.ts';
import { judge, type Sample, type SoakReport } from './soak_report.ts';
import { openFlows, Traffic } from './traffic.ts';

/*
 *   HTTP all the time ────────── NAT by wrr, direct routing by wlc
 *   TCP ping-pong ────────────── NAT by lc: one connection from beginning to end
 *   frames, TCP and UDP in turn  NAT by rr, direct routing by rr
 *
 * It goes in passes over what an operator does. In the first half of the time the daemon is killed
 * and replaced in the midst of each pass; in the second half one daemon lives, whose memory counts.
 */
const WEB = { nat: 8001, route: 8002 } as const;
const services = [
  { service: `-t ${VIP}:${WEB.nat}`, scheduler: 'wrr', method: '-m' },
  { service: `-t ${VIP}:${WEB.route}`, scheduler: 'wlc', method: '-g' },
  { service: `-t ${VIP}:${PORTS.echo}`, scheduler: 'lc', method: '-m' },
  { service: `-t ${VIP}:${PORTS.sink}`, scheduler: 'rr', method: '-m' },
  { service: `-u ${VIP}:${PORTS.sink}`, scheduler: 'rr', method: '-g' },
] as const;

/** Lines of ipvsadm, which end where they began. */
const [first, second] = REAL_SERVERS;
const lines = [
  '-L -n -c',
  `-A -t ${VIP}:9000 -s mh`,
  `-a -t ${VIP}:9000 -r ${first}:9000 -m -w 3`,
  `-e -t ${VIP}:${WEB.nat} -r ${first}:${WEB.nat} -m -w 0`,
  '-L -n --stats',
  `-e -u ${VIP}:${PORTS.sink} -r ${second}:${PORTS.sink} -g -w 3`,
  `-e -t ${VIP}:${WEB.nat} -r ${first}:${WEB.nat} -m -w 2`,
  `-E -t ${VIP}:${WEB.route} -s sh`,
  `-e -u ${VIP}:${PORTS.sink} -r ${second}:${PORTS.sink} -g -w 1`,
  '-S -n',
  `-E -t ${VIP}:${WEB.route} -s wlc`,
  `-D -t ${VIP}:9000`,
];
const KILLED_AT = 4;
const REPLACED_AT = 8;

const PARALLEL_REQUESTS = 2;
const FRAMES = { rate: 10_000, new_every: 100 };
/** No pass lasts so long. */
const LONGEST_S = 600;
const PING_PONG_S = 0.5;
const DEAD_MS = 1000;

/** How a soak was asked for. */
export interface SoakOptions {
  readonly minutes: number;
  readonly progress: (line: string, done: number) => void;
  readonly signal: AbortSignal;
}

/** Loads a director with everything at once for so long, and judges what came of it. */
export async function soak(options: SoakOptions): Promise<readonly Finding[]> {
  options.progress('building the network', 0);
  const rig = await Rig.up('soak', options.signal);
  try {
    await begin(rig);
    return judge(await new Soak(rig).run(options));
  } finally {
    await rig.down();
  }
}

async function begin(rig: Rig): Promise<void> {
  const ports = Object.values(WEB).flatMap((port) => ['--http', `${port}`]);
  await ready(rig.start('servers', [...programArgv('http_server'), ...ports]));
  const rules = services.flatMap(({ service, scheduler, method }) => {
    const port = service.split(':')[1];
    const added = REAL_SERVERS.map((server) => `-a ${service} -r ${server}:${port} ${method}\n`);
    return [`-A ${service} -s ${scheduler}\n`, ...added];
  });
  await direct(rig, 'bin/xlvs daemon');
  await direct(rig, 'bin/compat/ipvsadm -R', rules.join(''));
  // The sender's clients never answer, and are no flood; its UDP flows are soon forgotten.
  await direct(rig, 'bin/xlvs set syn_cookies=off');
  await direct(rig, 'bin/compat/ipvsadm --set 0 0 10');
  await openFlows(rig);
}

/** One soak, and what was counted on its way. */
class Soak {
  readonly #rig: Rig;
  readonly #samples: Sample[] = [];
  readonly #frames = { sent: 0, received: 0 };
  #messages = 0;
  #commands = 0;
  #restarts = 0;
  #corrected = 0;

  constructor(rig: Rig) {
    this.#rig = rig;
  }

  async run({ minutes, progress }: Pick<SoakOptions, 'minutes' | 'progress'>): Promise<SoakReport> {
    const startedMs = performance.now();
    const done = () => (performance.now() - startedMs) / (minutes * 60_000);
    const [nat, route] = [this.#requests(WEB.nat), this.#requests(WEB.route)];
    const [tcp, udp] = [this.#traffic('tcp'), this.#traffic('udp')];
    // However slow the machine, there is a pass of either kind.
    for (let pass = 0; done() < 1 || this.#samples.length === 0; pass++) {
      const isCalm = pass > 0 && done() >= 0.5;
      progress(`pass ${pass + 1}: ${isCalm ? 'calm' : 'with restarts'}`, done());
      await this.#pass(pass % 2 === 0 ? tcp : udp, isCalm);
    }
    return this.#report({ nat: await nat.stop(), route: await route.stop() });
  }

  #traffic(protocol: 'tcp' | 'udp'): Traffic {
    return new Traffic(this.#rig, { protocol, ...FRAMES });
  }

  /** HTTP requests without end, until told to stop. */
  #requests(port: number): { stop(): Promise<Tally> } {
    const words = ['--url', `http://${VIP}:${port}/`, '--parallel', `${PARALLEL_REQUESTS}`];
    const client = this.#rig.start('client', [...programArgv('http_client'), ...words]);
    const ended = outcome(client);
    return {
      async stop() {
        client.stdin!.end();
        return JSON.parse((await ended).stdout);
      },
    };
  }

  async #pass(traffic: Traffic, isCalm: boolean): Promise<void> {
    const operated = this.#operate(isCalm);
    const [{ sent, received }] = await Promise.all([traffic.run(LONGEST_S, operated), operated]);
    this.#frames.sent += sent.known + sent.opening;
    this.#frames.received += received.known + received.opening;
    const trips = await roundTrips(this.#rig, 'tcp', { to: VIP, seconds: PING_PONG_S });
    this.#messages += trips.sent;
  }

  async #operate(isCalm: boolean): Promise<void> {
    for (const [i, line] of lines.entries()) {
      if (isCalm) this.#sample(await this.#rig.directorPids());
      else if (i === KILLED_AT) await this.#kill();
      else if (i === REPLACED_AT) await this.#replace();
      await direct(this.#rig, `bin/compat/ipvsadm ${line}`);
      this.#commands += 1;
    }
  }

  async #kill(): Promise<void> {
    await this.#noteRestart();
    for (const pid of await this.#rig.directorPids()) process.kill(pid, 'SIGKILL');
    await sleep(DEAD_MS);
    await direct(this.#rig, 'bin/xlvs daemon');
  }

  async #replace(): Promise<void> {
    await this.#noteRestart();
    await direct(this.#rig, 'bin/xlvs daemon --replace');
  }

  /** What the daemon has counted of itself goes with it. */
  async #noteRestart(): Promise<void> {
    this.#restarts += 1;
    this.#corrected += (await this.#statistics()).counts_corrected!;
  }

  #sample([pid]: readonly number[]): void {
    const kib = /^RssAnon:\s*(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))![1];
    const descriptors = readdirSync(`/proc/${pid}/fd`).length;
    this.#samples.push({ bytes: Number(kib) * 1024, descriptors });
  }

  async #statistics(): Promise<Readonly<Record<string, number>>> {
    return JSON.parse(await direct(this.#rig, 'bin/xlvs stats --all --json'));
  }

  async #report(requests: SoakReport['requests']): Promise<SoakReport> {
    const { counts_corrected: corrected = 0, ...verdicts } = await this.#statistics();
    const status = await direct(this.#rig, 'bin/xlvs status');
    const cookie = /^network namespace (\d+)$/m.exec(status)![1];
    const doctor = [join(projectRoot(), 'bin/xlvs'), 'doctor', '--counts'];
    return {
      frames: this.#frames,
      requests,
      messages: this.#messages,
      commands: this.#commands,
      restarts: this.#restarts,
      samples: this.#samples,
      counts: (await this.#rig.lab.exec('director', doctor)).stdout,
      corrected: this.#corrected + corrected,
      verdicts,
      log: readFileSync(`/run/xlvs/${cookie}.log`, 'utf8'),
    };
  }
}

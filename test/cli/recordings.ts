import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { adm } from '../../ts/cli/adm.ts';
import type { Director as Asked, Session } from '../../ts/cli/commands.ts';
import { type Names, parseServices } from '../../ts/cli/names.ts';
import { countersText } from '../../ts/lvs/counters.ts';
import { Director } from '../../ts/lvs/director.ts';
import type { ServiceId } from '../../ts/lvs/operation.ts';
import type { Service } from '../../ts/lvs/service.ts';
import { MemoryDataplane } from '../support/memory_dataplane.ts';
import { vectors } from '../support/recorded.ts';

/** Recordings of ipvsadm on a kernel IPVS, and what replays them in this process. */

/** One command line and ipvsadm's answer; texts are bytes, one character each. */
export interface Recorded extends Asking, Answer {
  /** What -Ln lists then, where it is not what it listed before. */
  readonly listing?: string;
}

/** A command line. */
export interface Asking {
  readonly args: readonly string[];
  readonly stdin?: string;
  /** How often stdin is repeated. */
  readonly times?: number;
}

/** What came of it. */
export interface Answer {
  readonly stdout: string;
  readonly stderr: string;
  readonly status: number;
}

/** Runs a command line; `more` overrides parts of its session. */
export async function ask(
  director: Asked,
  { args, stdin = '', times = 1 }: Asking,
  more: Partial<Session> = {},
): Promise<Answer> {
  let [stdout, stderr] = ['', ''];
  const status = await adm(
    args.map((word) => Buffer.from(word).toString('latin1')),
    {
      director,
      names: recordedNames,
      stdin: chunks(Buffer.from(stdin.repeat(times), 'latin1')),
      out: (text) => {
        stdout += text;
      },
      err: (text) => {
        stderr += text;
      },
      ...more,
    },
  );
  return { stdout, stderr, status };
}

async function* chunks(bytes: Buffer): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += 65536) yield bytes.subarray(at, at + 65536);
}

/** A director without packets, asked as the command line asks the daemon. */
export function memoryDirector(): Asked {
  return asked(new Director(new MemoryDataplane({ services: 1024, destinations: 4096 })));
}

/** Any director, asked as the command line asks the daemon. */
export function asked(director: Director): Asked {
  const view = (service: Service) => ({
    ...service.spec,
    counters: countersText(director.serviceCounters(service)),
    rates: countersText(service.estimator.rates),
    destinations: service.destinations.map((destination) => ({
      ...destination.spec,
      activeConnections: destination.activeConnections,
      inactiveConnections: destination.inactiveConnections,
      persistentConnections: destination.persistentConnections,
      counters: countersText(director.destinationCounters(destination)),
      rates: countersText(destination.estimator.rates),
    })),
  });
  const found = (id: ServiceId) => director.services.filter((one) => one === director.service(id));
  return {
    operations: async ({ operations, atomic = false }) => ({
      results: director.applyAll(operations, { atomic }),
    }),
    services: async (id) => ({
      tableSize: 4096,
      services: (id === undefined ? director.services : found(id)).map(view),
    }),
    connections: async () => ({ connections: [] }),
    timeouts: async () => director.timeouts,
  };
}

/** The names that the recordings were made with. */
export const recordedNames: Names = readNames();

function readNames(): Names {
  const hosts = readFileSync(join(vectors, 'ipvsadm/hosts'), 'utf8')
    .trim()
    .split('\n')
    .map((line) => line.split(' ') as [string, string]);
  const services = parseServices(readFileSync(join(vectors, 'ipvsadm/services'), 'utf8'));
  return {
    address: async (host) =>
      hosts.find(([at, name]) => !at.includes(':') && name === host.toLowerCase())?.[0],
    host: async (address) => hosts.find(([at]) => at === address)?.[1],
    port: (service, protocol) => services.ports.get(`${service}/${protocol}`),
    service: (port, protocol) => services.names.get(`${port}/${protocol}`),
  };
}

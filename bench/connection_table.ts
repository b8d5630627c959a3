import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { setImmediate as breathe } from 'node:timers/promises';
import { mapSizes, XdpDataplane } from '../ts/dataplane/xdp.ts';
import { Family } from '../ts/native/abi.gen.ts';
import {
  type BpfMap,
  type BpfObject,
  loadAddon,
  objectPath,
  packageRoot,
} from '../ts/native/addon.ts';
import {
  type Benchmark,
  compared,
  type Result,
  type Round,
  type Run,
  summary,
} from './benchmark.ts';
import { shuffled } from './flows.ts';
import { FRAME_BYTES } from './frame.ts';
import { onOneCpu } from './machine.ts';

const SIZES = { '1': 1, '10k': 10_000, '64k': 1 << 16, '1m': 1_000_000, '10m': 10_000_000 };
type Size = keyof typeof SIZES;

/** What is asked of both; insertions fill them, deletions empty them. */
const OPERATIONS = ['insert', 'hit', 'delete'] as const;
/** Of one run, at least: one that is shorter is lost in the clock's grain. */
const OPERATIONS_EACH = 1 << 18;
const SWEPT: Size = '1m';
const TCP = 6;
/** struct ends of bench/bpf/table.bpf.c. */
const ENDS_BYTES = 16;

/** The connection table against the kernel's BPF_MAP_TYPE_HASH. */
export const table: Benchmark = {
  name: 'table',
  legend:
    'ns of CPU for an operation on the connection table, sized for so many connections and\n' +
    "filled with them; baseline: on the kernel's BPF_MAP_TYPE_HASH; insert: look, find none,\n" +
    'insert; bytes_per_connection: memory of both; sweep_1m_ms: CPU time to look at all of a\n' +
    'million connections, none of which is due, baseline: bpf_for_each_map_elem',
  measure: (run) => onOneCpu(() => measureSizes(run)),
};

async function* measureSizes(run: Run): AsyncGenerator<Result> {
  const sizes = (Object.keys(SIZES) as Size[]).filter((size) => size !== '10m' || !run.quick);
  for (const [i, size] of sizes.entries()) {
    run.progress(`table: ${size} connections`, i / sizes.length);
    const rig = new Rig(SIZES[size]);
    try {
      yield* measureSize(run, rig, size);
    } finally {
      rig.close();
    }
  }
}

async function* measureSize(run: Run, rig: Rig, size: Size): AsyncGenerator<Result> {
  const rounds = { insert: [] as Round[], hit: [] as Round[], delete: [] as Round[] };
  const sweeps: Round[] = [];
  while (rounds.hit.length < roundsOf(run, size)) {
    for (const operation of OPERATIONS) {
      await breathe();
      run.signal.throwIfAborted();
      rounds[operation].push(rig.compare(operation));
      if (operation === 'hit' && size === SWEPT) sweeps.push(rig.sweep());
    }
  }
  for (const operation of OPERATIONS) {
    if (operation !== 'hit' && size === '1') continue; // one alone is lost in the clock's grain
    yield summary(`table.${operation}.${size}`, 'ns', rounds[operation]);
  }
  if (size !== SWEPT) return;
  yield summary('table.sweep_1m_ms', 'ms', sweeps);
  yield summary('table.bytes_per_connection', 'bytes', [rig.memory()]);
}

function roundsOf({ quick }: Run, size: Size): number {
  if (size === '10m') return 3;
  return quick ? 5 : 15;
}

/** Both tables, empty, with room for so many connections, and the keys to fill them. */
class Rig {
  readonly #count: number;
  readonly #director: BpfObject;
  readonly #object: BpfObject;
  readonly #done: BigUint64Array;
  readonly #sweep: () => number;

  constructor(count: number) {
    const addon = loadAddon();
    const connections = Math.max(count, 10);
    const maxEntries = mapSizes({ connections, destinations: 64, cpus: addon.possibleCpus() });
    this.#count = count;
    this.#director = new addon.BpfObject(objectPath(), { maxEntries, reuse: {} });
    const object = this.#director;
    const clock = () => slowPath.clock();
    const dataplane = new XdpDataplane({ addon, object, clock });
    dataplane.initialize(randomBytes);
    const slowPath = new addon.SlowPath({ object, pending: dataplane.pending, backlog: 1 });
    dataplane.setTimeouts({ tcpS: 900, tcpFinS: 120, udpS: 300 });
    slowPath.stop(); // it would sweep by itself
    this.#sweep = () => slowPath.sweep();

    const reuse = Object.fromEntries(SHARED.map((name) => [name, object.map(name).id]));
    const path = join(packageRoot(), 'build', 'bench', 'table.bpf.o');
    this.#object = new addon.BpfObject(path, { maxEntries: { keys: count, hash: count }, reuse });
    this.#done = new BigUint64Array(this.#object.map('done').mmap());
    writeKeys(new DataView(this.#object.map('keys').mmap()), count);
  }

  /** One operation with every connection, on the table and on the map. */
  compare(operation: (typeof OPERATIONS)[number]): Round {
    const repeat = operation === 'hit' ? Math.max(OPERATIONS_EACH, this.#count) : this.#count;
    const nothing = this.#ns('nothing', repeat);
    const [own, hash] = [`table_${operation}`, `hash_${operation}`].map(
      (program) => this.#ns(program, repeat) - nothing,
    );
    return compared(own!, hash!);
  }

  /** Looks at every connection, in milliseconds. */
  sweep(): Round {
    const before = process.cpuUsage();
    const expired = this.#sweep();
    const { user, system } = process.cpuUsage(before);
    if (expired > 0) throw new Error(`expected no connection to expire, received ${expired}`);
    return compared((user + system) / 1e3, this.#ns('hash_sweep', 1, this.#count) / 1e6);
  }

  /** Bytes of memory for one connection. */
  memory(): Round {
    const own = bytesOf(this.#director.map('buckets')) + bytesOf(this.#director.map('connections'));
    return compared(own / this.#count, bytesOf(this.#object.map('hash')) / this.#count);
  }

  close(): void {
    this.#object.close();
    this.#director.close();
  }

  /** What the program takes at each repeat; it has to do so much altogether. */
  #ns(program: string, repeat: number, wanted = repeat): number {
    this.#done[0] = 0n;
    const { durationNs } = this.#object.testRun(program, new Uint8Array(FRAME_BYTES), repeat);
    if (this.#done[0] === BigInt(wanted)) return durationNs;
    throw new Error(`expected ${wanted} of ${program} to succeed, received ${this.#done[0]}`);
  }
}

/** Maps of the director that the programs work on. */
const SHARED = ['settings', 'buckets', 'connections', 'destinations'] as const;

/** Clients of one service, each with an address and port of its own, in random order. */
function writeKeys(keys: DataView, count: number): void {
  const kind = TCP | (Family.IPV4 << 8);
  shuffled(count).forEach((client, i) => {
    keys.setUint32(i * ENDS_BYTES, 0x0a000000 + client);
    keys.setUint16(i * ENDS_BYTES + 4, 1024 + (client % 60_000));
    keys.setUint16(i * ENDS_BYTES + 6, kind, true);
    keys.setUint32(i * ENDS_BYTES + 8, 0xc6336401);
    keys.setUint16(i * ENDS_BYTES + 12, 80);
  });
}

/** What the kernel says that a map takes. */
function bytesOf(map: BpfMap): number {
  const argv = ['-j', 'map', 'show', 'id', `${map.id}`];
  const shown = execFileSync('bpftool', argv, { encoding: 'utf8' });
  return (JSON.parse(shown) as { bytes_memlock: number }).bytes_memlock;
}

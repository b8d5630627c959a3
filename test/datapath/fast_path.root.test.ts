import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { serviceKey } from '../../ts/dataplane/encoding.ts';
import { mapSizes } from '../../ts/dataplane/xdp.ts';
import { type BpfObject, loadAddon, packageRoot } from '../../ts/native/addon.ts';
import { type PacketCase, SERVICES, type VerdictName } from './case.ts';
import { CASES, TRUNCATIONS } from './cases.ts';
import { expected, fill, outcome } from './tables.ts';

/*
 * The cases through the XDP program, verified and compiled by the kernel. The memory that C++
 * filled in for native.test.ts is copied into the maps, so both targets see the same bytes.
 */
const { BpfObject: Loaded, MemoryDirector, possibleCpus } = loadAddon();
/** As many as the memory of a MemoryDirector has room for. */
const CONNECTIONS = 730;

const ETHERNET_BYTES = 14;

/** What XDP returns for a verdict, by its first word. Source: enum xdp_action of linux/bpf.h. */
const ACTIONS: Readonly<Record<string, number>> = { dropped: 1, passed: 2, forwarded: 4 };

/** Maps that begin as a MemoryDirector has them, by the names that it gives them. */
const COPIED = [
  ['settings', 'settings'],
  ['addresses', 'addresses'],
  ['buckets', 'buckets'],
  ['connections', 'connections'],
  ['schedules', 'schedules'],
  ['rings', 'rings'],
  ['destinations', 'destinations'],
  ['next_hops', 'nextHops'],
] as const;

/** A loaded object, with maps for one case at a time. */
class FastPath {
  readonly #object: BpfObject;
  readonly #memory: (name: string) => ArrayBuffer;

  constructor(path: string) {
    const maxEntries = mapSizes({ connections: CONNECTIONS, cpus: possibleCpus() });
    this.#object = new Loaded(path, { maxEntries, reuse: {} });
    const mapped = new Map<string, ArrayBuffer>();
    this.#memory = (name) => {
      const memory = mapped.get(name) ?? this.#object.map(name).mmap();
      mapped.set(name, memory);
      return memory;
    };
  }

  /** Runs a case on maps that hold nothing else. */
  run(packetCase: PacketCase) {
    const world = new MemoryDirector();
    fill(world, packetCase);
    for (const [map, name] of COPIED) {
      copy(world[name], this.#memory(map));
    }
    const memory = {
      settings: this.#memory('settings'),
      buckets: this.#memory('buckets'),
      connections: this.#memory('connections'),
      destinations: this.#memory('destinations'),
      counters: this.#memory('destination_counters'),
      verdicts: this.#memory('verdicts'),
    };
    new Uint8Array(memory.counters).fill(0);
    new Uint8Array(memory.verdicts).fill(0);
    const remove = this.#enter(packetCase);
    const { action, frame } = this.#object.testRun('xlvs_director', packetCase.frame, 1);
    remove();
    return { action, left: outcome(frame, memory) };
  }

  /** Fills the table that is not mapped; the answer empties it. */
  #enter(packetCase: PacketCase): () => void {
    const services = this.#object.map('services');
    const keys = (packetCase.services ?? SERVICES).map(serviceKey);
    for (const key of keys) services.set(key, new Uint8Array(4));
    return () => {
      for (const key of keys) services.delete(key);
    };
  }

  close(): void {
    this.#object.close();
  }
}

/** As much as both hold. */
function copy(from: ArrayBuffer, to: ArrayBuffer): void {
  const length = Math.min(from.byteLength, to.byteLength);
  new Uint8Array(to).set(new Uint8Array(from, 0, length));
}

/**
 * No interface is in the map of interfaces, so whatever XDP raises finds no slow path: it is
 * dropped, and counted so.
 */
function withoutSlowPath({ verdict }: PacketCase): VerdictName {
  return verdict.startsWith('raised_') ? 'dropped_no_slow_path' : verdict;
}

describe.each(['bpftool', 'bpf_linker'])('the object that %s linked', (linker) => {
  const path = join(packageRoot(), 'build', `director.${linker}.o`);
  const missing = !existsSync(path);
  let fastPath: FastPath;

  beforeAll(() => {
    if (!missing) fastPath = new FastPath(path);
  });
  afterAll(() => fastPath?.close());
  beforeEach(({ skip }) => skip(missing, 'bpf-linker is not there'));

  // A test run does not show by which interface a frame leaves; native.test.ts compares that.
  function check(packetCase: PacketCase): void {
    const verdict = withoutSlowPath(packetCase);
    const { action, left } = fastPath.run(packetCase);
    expect(left, packetCase.name).toEqual(expected(packetCase, verdict));
    expect(action, packetCase.name).toBe(ACTIONS[verdict.split('_')[0] ?? '']);
  }

  describe.each(Object.entries(CASES))('%s', (_, cases) => {
    for (const one of cases) test(one.name, () => check(one));
  });

  describe('a frame cut at every length', () => {
    for (const { name, cuts } of TRUNCATIONS) {
      // The kernel runs no frame without an Ethernet header.
      const long = cuts.filter(({ frame }) => frame.length >= ETHERNET_BYTES);
      test(name, () => long.forEach(check));
    }
  });
});

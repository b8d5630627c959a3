import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { serviceKey } from '../../ts/dataplane/encoding.ts';
import { mapSizes } from '../../ts/dataplane/xdp.ts';
import { type BpfObject, loadAddon, packageRoot } from '../../ts/native/addon.ts';
import { type PacketCase, SERVICES } from './case.ts';
import { CASES, TRUNCATIONS } from './cases.ts';
import { expected, fill, flows, outcome } from './tables.ts';

/*
 * The cases through the XDP program, verified and compiled by the kernel. The memory that C++
 * filled in for native.test.ts is copied into the maps, so both targets see the same bytes.
 */
const { BpfObject: Loaded, MemoryDirector, possibleCpus } = loadAddon();
const SLOTS = 8;

const ETHERNET_BYTES = 14;

/** What XDP returns for a verdict, by its first word. Source: enum xdp_action of linux/bpf.h. */
const ACTIONS: Readonly<Record<string, number>> = { dropped: 1, passed: 2, forwarded: 4 };

/** Maps whose memory the kernel shares. */
const MAPPED = [
  'settings',
  'connections',
  'destinations',
  'destination_counters',
  'verdicts',
] as const;

/** A loaded object, with maps for one case at a time. */
class FastPath {
  readonly #object: BpfObject;
  readonly #memory: Readonly<Record<(typeof MAPPED)[number], ArrayBuffer>>;

  constructor(path: string) {
    const maxEntries = mapSizes(SLOTS, possibleCpus());
    this.#object = new Loaded(path, { maxEntries, reuse: {} });
    const mapped = MAPPED.map((name) => [name, this.#object.map(name).mmap()]);
    this.#memory = Object.fromEntries(mapped);
  }

  /** Runs a case on maps that hold nothing else. */
  run(packetCase: PacketCase) {
    const { connections, destinations, destination_counters: counters, verdicts } = this.#memory;
    const world = new MemoryDirector();
    fill(world, packetCase);
    copy(world.settings, this.#memory.settings);
    copy(world.connections, connections);
    copy(world.destinations, destinations);
    new Uint8Array(counters).fill(0);
    new Uint8Array(verdicts).fill(0);
    const remove = this.#enter(packetCase);
    const { action, frame } = this.#object.testRun('xlvs_director', packetCase.frame, 1);
    remove();
    return { action, left: outcome(frame, { connections, destinations, counters, verdicts }) };
  }

  /** Fills the tables that are not mapped; the answer empties them. */
  #enter(packetCase: PacketCase): () => void {
    const services = this.#object.map('services');
    const flowTable = this.#object.map('flows');
    const keys = (packetCase.services ?? SERVICES).map(serviceKey);
    const entries = flows(packetCase);
    for (const key of keys) services.set(key, new Uint8Array(4));
    for (const { key, value } of entries) flowTable.set(key, value);
    return () => {
      for (const key of keys) services.delete(key);
      for (const { key } of entries) flowTable.delete(key);
    };
  }

  close(): void {
    this.#object.close();
  }
}

function copy(from: ArrayBuffer, to: ArrayBuffer): void {
  new Uint8Array(to).set(new Uint8Array(from, 0, to.byteLength));
}

/**
 * No interface is in the map of interfaces, so whatever XDP raises finds no slow path: it is
 * dropped, and counted so.
 */
function withoutSlowPath(packetCase: PacketCase): PacketCase {
  if (!packetCase.verdict.startsWith('raised_')) return packetCase;
  return { ...packetCase, verdict: 'dropped_no_slow_path' };
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
    const here = withoutSlowPath(packetCase);
    const { action, left } = fastPath.run(packetCase);
    expect(left, packetCase.name).toEqual(expected(here));
    expect(action, packetCase.name).toBe(ACTIONS[here.verdict.split('_')[0] ?? '']);
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

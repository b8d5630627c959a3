import { serviceKey, word } from '../../ts/dataplane/encoding.ts';
import { mapSizes } from '../../ts/dataplane/xdp.ts';
import { type BpfObject, loadAddon } from '../../ts/native/addon.ts';
import { type Beginning, type PacketCase, SERVICES } from './case.ts';
import { clearCounters, type Memory, outcome } from './outcome.ts';
import { fill } from './tables.ts';

const { BpfObject: Loaded, MemoryDirector, possibleCpus } = loadAddon();
/** As many as the memory of a MemoryDirector has room for. */
const CONNECTIONS = 730;
const DESTINATIONS = 64;

/** Maps that begin as a MemoryDirector has them, by the names that it gives them. */
const COPIED = [
  ['settings', 'settings'],
  ['addresses', 'addresses'],
  ['stations', 'stations'],
  ['mark_steps', 'markSteps'],
  ['buckets', 'buckets'],
  ['connections', 'connections'],
  ['schedules', 'schedules'],
  ['rings', 'rings'],
  ['destinations', 'destinations'],
  ['next_hops', 'nextHops'],
] as const;

/** The XDP program of a loaded object, with maps for one case at a time. */
export class FastPath {
  readonly #object: BpfObject;
  readonly #memory: (name: string) => ArrayBuffer;

  constructor(path: string) {
    const cpus = possibleCpus();
    const maxEntries = {
      ...mapSizes({ connections: CONNECTIONS, cpus }),
      // No larger than they have to be: they are written and read for every case.
      schedules: SERVICES.length,
      mark_steps: 2048,
      destinations: DESTINATIONS,
      destination_counters: DESTINATIONS * (cpus + 1),
    };
    this.#object = new Loaded(path, { maxEntries, reuse: {} });
    const mapped = new Map<string, ArrayBuffer>();
    this.#memory = (name) => {
      const memory = mapped.get(name) ?? this.#object.map(name).mmap();
      mapped.set(name, memory);
      return memory;
    };
  }

  /** What the program reads and writes. */
  get memory(): Memory {
    return {
      settings: this.#memory('settings'),
      buckets: this.#memory('buckets'),
      connections: this.#memory('connections'),
      schedules: this.#memory('schedules'),
      destinations: this.#memory('destinations'),
      counters: this.#memory('destination_counters'),
      verdicts: this.#memory('verdicts'),
    };
  }

  /** Runs a case on maps that hold nothing else. */
  run(packetCase: PacketCase) {
    this.begin(packetCase);
    const { action, frame } = this.send(packetCase.frame);
    return { action, left: outcome(frame, this.memory) };
  }

  /** Fills the maps with what a case begins with. */
  begin(packetCase: Beginning): void {
    const world = new MemoryDirector();
    fill(world, packetCase);
    for (const [map, name] of COPIED) {
      copy(world[name], this.#memory(map));
    }
    clearCounters(this.memory);
    const services = this.#object.map('services');
    for (const key of services.keys()) services.delete(key);
    (packetCase.services ?? SERVICES).forEach((id, index) => {
      services.set(serviceKey(id), word(index));
    });
  }

  /** Runs one frame on the maps as they are. */
  send(frame: Uint8Array): { readonly action: number; readonly frame: Uint8Array } {
    return this.#object.testRun('xlvs_director', frame, 1);
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

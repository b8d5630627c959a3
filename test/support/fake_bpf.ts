import { mapSizes } from '../../ts/dataplane/xdp.ts';
import {
  Connection,
  Counters,
  Destination,
  Limits,
  MarkStep,
  Schedule,
  Settings,
  TicketLine,
  VerdictCounters,
} from '../../ts/native/abi.gen.ts';
import type { Addon, BpfMap, BpfObject } from '../../ts/native/addon.ts';
import { addressText } from '../../ts/net/address.ts';

/** Connections of the fake table, and CPUs of the fake machine. */
export const FAKE = { connections: 10, cpus: 2 } as const;

/** A map in plain memory: a hash by `get` and `set`, an array by `mmap`. */
export class FakeMap implements BpfMap {
  readonly id: number;
  readonly keySize = 0;
  readonly valueSize: number;
  maxEntries: number;
  readonly #entries = new Map<string, { key: Uint8Array; value: Uint8Array }>();
  readonly #memory: ArrayBuffer;

  constructor(id: number, valueSize: number, maxEntries: number) {
    this.id = id;
    this.valueSize = valueSize;
    this.maxEntries = maxEntries;
    this.#memory = new ArrayBuffer(valueSize * maxEntries);
  }

  get(key: Uint8Array): Uint8Array | undefined {
    return this.#entries.get(String(key))?.value;
  }

  set(key: Uint8Array, value: Uint8Array): void {
    if (!this.#entries.has(String(key)) && this.#entries.size >= this.maxEntries) {
      throw Object.assign(new Error('E2BIG: bpf_map_update_elem'), { code: 'E2BIG' });
    }
    this.#entries.set(String(key), { key, value });
  }

  keys(): Uint8Array[] {
    return [...this.#entries.values()].map(({ key }) => key);
  }

  delete(key: Uint8Array): boolean {
    return this.#entries.delete(String(key));
  }

  mmap(): ArrayBuffer {
    return this.#memory;
  }

  layout(): never {
    throw new Error('a fake map has no BTF');
  }
}

/** As much of the addon as a data plane needs; it keeps the addresses that were added. */
export function fakeAddon() {
  const added: string[] = [];
  const text = (address: Uint8Array, family: number, role: number): string =>
    `${addressText(address.slice(0, family === 4 ? 4 : 16))} ${role}`;
  class AddressTable {
    add(address: Uint8Array, family: number, role: number): void {
      added.push(text(address, family, role));
    }
    remove(address: Uint8Array, family: number, role: number): void {
      added.splice(added.indexOf(text(address, family, role)), 1);
    }
    settle(): void {}
  }
  const addon: Pick<Addon, 'AddressTable'> = { AddressTable };
  return { addon, added };
}

/** The maps of director.bpf.o in plain memory; programs are a test's own. */
export function fakeObject(programs: Partial<BpfObject> = {}) {
  const sizes = mapSizes(FAKE);
  const maps: Readonly<Record<string, FakeMap>> = {
    settings: new FakeMap(1, Settings.size, 1),
    services: new FakeMap(2, 0, Limits.MAX_SERVICES),
    connections: new FakeMap(3, Connection.size, sizes.connections),
    buckets: new FakeMap(10, 8, sizes.buckets),
    addresses: new FakeMap(11, 8, Limits.ADDRESS_WORDS),
    mark_steps: new FakeMap(12, MarkStep.size, 1024),
    destinations: new FakeMap(4, Destination.size, Limits.MAX_DESTINATIONS),
    destination_counters: new FakeMap(5, Counters.size, sizes.destination_counters),
    verdicts: new FakeMap(6, VerdictCounters.size, sizes.verdicts),
    schedules: new FakeMap(8, Schedule.size, Limits.MAX_SERVICES),
    rings: new FakeMap(9, TicketLine.size, 256),
    interfaces: new FakeMap(7, 0, Limits.MAX_INTERFACES),
  };
  const unused = (): never => {
    throw new Error('not of this test');
  };
  const object: BpfObject = {
    map: (name) => maps[name] ?? unused(),
    programId: unused,
    owns: unused,
    programFd: unused,
    programTag: unused,
    attach: unused,
    testRun: unused,
    close: () => {},
    ...programs,
  };
  const view = (name: string): DataView => new DataView(object.map(name).mmap());
  return { object, maps, view };
}

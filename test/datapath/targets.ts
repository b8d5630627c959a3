import { word } from '../../ts/dataplane/encoding.ts';
import { mapSizes } from '../../ts/dataplane/xdp.ts';
import { Connection, FlowRecord, Limits, Settings } from '../../ts/native/abi.gen.ts';
import {
  type BpfMap,
  type BpfObject,
  loadAddon,
  type MemoryDirector,
} from '../../ts/native/addon.ts';
import { FakeMap } from '../support/fake_bpf.ts';
import { PacketDataplane, type Target } from './packet_dataplane.ts';

const addon = loadAddon();

/** Test runs come by lo. */
const LOOPBACK = {
  interfaceName: 'lo',
  ifindex: 1,
  interfaceSlot: 0,
  queue: 0,
  generic: true,
} as const;
/** What XDP and slow path both work on. */
const SHARED = [
  'settings',
  'addresses',
  'stations',
  'buckets',
  'connections',
  'schedules',
  'rings',
  'destinations',
] as const;
/** Ticks a second, so that no daemon seems dead, however busy the machine is. */
const HZ = 2 ** 29;
const DESTINATIONS = 64;

/** A target that raises packets: to the packet code as the slow path has it, on the same memory. */
export interface WholeTarget extends Target {
  readonly slowPath: MemoryDirector;
}

/** The packet code as the slow path has it compiled, over plain memory. */
export function nativeTarget(connections: number): WholeTarget {
  const { buckets, connections: slots } = mapSizes({ connections, cpus: 1 });
  const director = new addon.MemoryDirector({
    buckets: new ArrayBuffer(buckets * 8),
    connections: new ArrayBuffer(slots * Connection.size),
  });
  const object = memoryObject(director);
  return { object, send: (frame) => director.run(frame).frame, slowPath: director };
}

/** Its memory as the maps of an object. */
export function memoryObject(director: MemoryDirector): Pick<BpfObject, 'map'> {
  class Services extends FakeMap {
    override set(key: Uint8Array, value: Uint8Array): void {
      director.putService(key, value[0]!);
    }
  }
  const services = new Services(0, 0, 0);
  const memory: Readonly<Record<string, ArrayBuffer>> = {
    ...(director as unknown as Record<string, ArrayBuffer>),
    destination_counters: director.counters,
    next_hops: director.nextHops,
    mark_steps: director.markSteps,
  };
  const map = (name: string) =>
    name === 'services'
      ? services
      : Object.assign(new FakeMap(0, 0, 0), { mmap: () => memory[name]! });
  return { map };
}

/** The XDP program of an object, verified and compiled by the kernel, run by its test runs. */
export class XdpTarget implements Target {
  readonly object: Pick<BpfObject, 'map'>;
  readonly #object: BpfObject;

  constructor(path: string, connections: number) {
    const cpus = addon.possibleCpus();
    const sizes = mapSizes({ connections, destinations: DESTINATIONS, cpus });
    this.#object = new addon.BpfObject(path, { maxEntries: { ...sizes, schedules: 1 }, reuse: {} });
    this.object = { map: mappedOnce(this.#object) };
  }

  send(frame: Uint8Array): Uint8Array {
    return this.#object.testRun('xlvs_director', frame, 1).frame;
  }

  /**
   * With a socket that packets would be raised to, so that XDP sees a daemon: of lo, and so in a
   * network namespace of one's own. Packets of test runs are not sent there.
   */
  raised(): WholeTarget & { close(): void } {
    const memory = (name: string) => this.object.map(name).mmap();
    const { pending } = new PacketDataplane(this); // which fills in the settings
    const daemon = new addon.SlowPath({ object: this.#object, pending, backlog: 0 });
    Settings.setHz(new DataView(memory('settings')), 0, HZ);
    const interfaces = this.#object.map('interfaces');
    interfaces.set(word(LOOPBACK.ifindex), new Uint8Array(interfaces.valueSize));
    const records = new ArrayBuffer(Limits.MAX_BURST * FlowRecord.size);
    daemon.addQueue(LOOPBACK, records, () => {});
    const shared = SHARED.map((name) => [name, memory(name)]);
    const slowPath = new addon.MemoryDirector({
      ...Object.fromEntries(shared),
      nextHops: memory('next_hops'),
    });
    const close = () => daemon.stop();
    return { object: this.object, send: (frame) => this.send(frame), slowPath, close };
  }

  close(): void {
    this.#object.close();
  }
}

/** An object's maps, each of which has its memory mapped no more than once. */
function mappedOnce(object: BpfObject): (name: string) => BpfMap {
  const maps = new Map<string, BpfMap>();
  return (name) => {
    const known = maps.get(name);
    if (known) return known;
    const map = object.map(name);
    let memory: ArrayBuffer | undefined;
    const mmap = (): ArrayBuffer => {
      memory ??= map.mmap();
      return memory;
    };
    const mapped = new Proxy(map, {
      get: (_, member) => {
        if (member === 'mmap') return mmap;
        const value: unknown = Reflect.get(map, member, map);
        return typeof value === 'function' ? value.bind(map) : value;
      },
    });
    maps.set(name, mapped);
    return mapped;
  };
}

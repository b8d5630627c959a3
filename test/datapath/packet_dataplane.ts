import type { Ticks } from '../../ts/dataplane/connections.ts';
import { serviceKey, word } from '../../ts/dataplane/encoding.ts';
import { XdpDataplane } from '../../ts/dataplane/xdp.ts';
import type { DestinationSpec, Protocol, ServiceId } from '../../ts/lvs/operation.ts';
import type { Flow } from '../../ts/lvs/scheduler.ts';
import type { Service } from '../../ts/lvs/service.ts';
import {
  AddressRole,
  Destination,
  Family,
  NextHop,
  ServiceKey,
  Settings,
} from '../../ts/native/abi.gen.ts';
import { type BpfObject, loadAddon } from '../../ts/native/addon.ts';
import { eth } from '../support/packet.ts';
import { LINKS } from './case.ts';

const addon = loadAddon();
const HASH_SECRET = 7;
/** No connection is silent for so long. */
const FOR_EVER = 2 ** 31 - 1;
/** The next hop of all destinations; test runs leave by no interface. */
export const HOP = { index: 1, ifindex: 1, mtu: 1500 } as const;

/** The packet code, and the maps that it works on. */
export interface Target {
  readonly object: Pick<BpfObject, 'map'>;
  /** Runs a frame; returns it as it leaves. */
  send(frame: Uint8Array): Uint8Array;
}

/** The data plane as it is; one next hop is for all. */
export class OneHopDataplane extends XdpDataplane {
  readonly #destinations: DataView;

  /** Clears what earlier ones left in the object's maps. */
  constructor(object: Target['object'], clock: () => Ticks) {
    const memory = (name: string) => object.map(name).mmap();
    for (const name of ['schedules', 'destinations', 'buckets', 'connections']) {
      new Uint8Array(memory(name)).fill(0);
    }
    super({ addon, object, clock });
    this.initialize((size) => new Uint8Array(size).fill(HASH_SECRET));
    this.#destinations = new DataView(memory('destinations'));
    const hops = new DataView(memory('next_hops'));
    const key = (BigInt(this.routeGeneration) << 32n) | BigInt(HOP.ifindex);
    NextHop.setKey(hops, HOP.index * NextHop.size, key);
    NextHop.setMtu(hops, HOP.index * NextHop.size, HOP.mtu);
  }

  override putDestination(index: number, spec: DestinationSpec, of: ServiceId): void {
    super.putDestination(index, spec, of);
    const at = index * Destination.size;
    Destination.setRouteGeneration(this.#destinations, at, this.routeGeneration);
    Destination.setHop(this.#destinations, at, HOP.index);
  }
}

/** With the first packets of clients. Nothing expires by itself. */
export class PacketDataplane extends OneHopDataplane {
  readonly #target: Target;
  readonly #addresses;

  constructor(target: Target) {
    super(target.object, () => ({ jiffies: 0, hz: 100 }));
    const settings = target.object.map('settings').mmap();
    this.#target = target;
    this.#addresses = new addon.AddressTable(settings, target.object.map('addresses').mmap());
    const { at, count } = Settings.timeoutJiffies;
    new Uint32Array(settings, at, count).fill(FOR_EVER);
  }

  /** Lets a frame come to the flow's virtual address, at which the service is meanwhile. */
  sendTo({ index, id }: Service, flow: Flow, frame: Uint8Array): Uint8Array {
    const key = keyAt(id, flow);
    const services = this.#target.object.map('services');
    services.set(key, word(index));
    this.#own(flow.virtualAddress);
    const sent = this.#target.send(frame);
    services.delete(key);
    return sent;
  }

  #own(address: Uint8Array): void {
    const bytes = new Uint8Array(16);
    bytes.set(address);
    const family = address.length === 4 ? Family.IPV4 : Family.IPV6;
    this.#addresses.add(bytes, family, AddressRole.VIRTUAL);
  }
}

/** The service's key at the flow's virtual address. */
export function keyAt(id: ServiceId, { virtualAddress }: Flow): Uint8Array {
  const key = serviceKey(id);
  key.set(virtualAddress, ServiceKey.vaddrAt);
  return key;
}

/** A packet of a client's to port 80: with these flags, where it is TCP. */
export function packetOf(flow: Flow, protocol: Protocol, flags: string): Uint8Array {
  const { clientAddress: from, virtualAddress: to } = flow;
  const arriving = eth(LINKS.arriving);
  const frame = to.length === 16 ? arriving.ip6(from, to) : arriving.ip4(from, to);
  if (protocol === 'tcp') return frame.tcp(flow.clientPort, 80, flags).bytes();
  return frame.udp(flow.clientPort, 80, 'hello').bytes();
}

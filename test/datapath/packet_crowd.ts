import { liveConnections } from '../../ts/dataplane/connections.ts';
import { serviceKey, word } from '../../ts/dataplane/encoding.ts';
import { XdpDataplane } from '../../ts/dataplane/xdp.ts';
import type { DestinationSpec, ServiceId } from '../../ts/lvs/operation.ts';
import type { Flow } from '../../ts/lvs/scheduler.ts';
import type { Service } from '../../ts/lvs/service.ts';
import { relieves } from '../../ts/lvs/threshold.ts';
import { AddressRole, Connection, Destination, Family } from '../../ts/native/abi.gen.ts';
import { type BpfObject, loadAddon } from '../../ts/native/addon.ts';
import { addressText } from '../../ts/net/address.ts';
import { eth, type Frame } from '../support/packet.ts';
import type { Crowd } from '../support/table_replay.ts';
import { LINKS } from './case.ts';

const addon = loadAddon();
const HASH_SECRET = 7;

/** The packet code, and the maps that it works on. */
export interface Target {
  readonly object: Pick<BpfObject, 'map'>;
  /** Runs a frame. */
  send(frame: Uint8Array): void;
}

/**
 * The data plane as it is, and clients whose first packets the packet code is given. It alone
 * decides: no slow path is asked. Connections are counted, but forgotten by the table.
 */
export class PacketCrowd extends XdpDataplane implements Crowd {
  readonly #target: Target;
  readonly #addresses;
  readonly #destinations: DataView;
  readonly #specs = new Map<number, DestinationSpec>();
  readonly #table;

  /** Clears what earlier ones left in the target's maps. */
  constructor(target: Target) {
    const memory = (name: string) => target.object.map(name).mmap();
    for (const name of ['schedules', 'destinations', 'buckets', 'connections']) {
      new Uint8Array(memory(name)).fill(0);
    }
    super({ addon, object: target.object, clock: () => ({ jiffies: 0, hz: 100 }) });
    this.initialize((size) => new Uint8Array(size).fill(HASH_SECRET));
    this.#target = target;
    this.#addresses = new addon.AddressTable(memory('settings'), memory('addresses'));
    this.#destinations = new DataView(memory('destinations'));
    this.#table = { buckets: memory('buckets'), connections: memory('connections') };
  }

  /** Sends the first packet to the flow's virtual address, at which the service is, too. */
  connect({ index, id }: Service, flow: Flow): number | undefined {
    const { protocol, port } = id;
    const virtual = addressText(flow.virtualAddress);
    const key = serviceKey({ ...id, address: virtual });
    const services = this.#target.object.map('services');
    services.set(key, word(index));
    this.#own(flow.virtualAddress);
    const frame = between(addressText(flow.clientAddress), virtual);
    if (protocol === 'tcp') frame.tcp(flow.clientPort, port, 'S');
    else frame.udp(flow.clientPort, port, 'hello');
    this.#target.send(frame.bytes());
    services.delete(key);
    return this.#takeOut();
  }

  expire(index: number): void {
    const at = index * Destination.size;
    const inactive = Destination.inactive(this.#destinations, at) - 1;
    Destination.setInactive(this.#destinations, at, inactive);
    const left = inactive + Destination.active(this.#destinations, at);
    if (relieves(left, this.#specs.get(index)!)) {
      Destination.setOverloaded(this.#destinations, at, 0);
    }
  }

  override putDestination(index: number, spec: DestinationSpec, of: ServiceId): void {
    this.#specs.set(index, spec);
    super.putDestination(index, spec, of);
  }

  #own(address: Uint8Array): void {
    const bytes = new Uint8Array(16);
    bytes.set(address);
    const family = address.length === 4 ? Family.IPV4 : Family.IPV6;
    this.#addresses.add(bytes, family, AddressRole.VIRTUAL);
  }

  /** Empties the table; the destination of the connection that was in it. */
  #takeOut(): number | undefined {
    const { buckets, connections } = this.#table;
    const [at] = liveConnections(this.#table);
    const view = new DataView(connections);
    const index = at === undefined ? undefined : Connection.destination(view, at);
    new Uint8Array(buckets).fill(0);
    new Uint8Array(connections).fill(0);
    return index;
  }
}

function between(from: string, to: string): Frame {
  const frame = eth(LINKS.arriving);
  return to.includes(':') ? frame.ip6(from, to) : frame.ip4(from, to);
}

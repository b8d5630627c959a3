import { liveConnections } from '../../ts/dataplane/connections.ts';
import type { DestinationSpec, ServiceId } from '../../ts/lvs/operation.ts';
import type { Flow } from '../../ts/lvs/scheduler.ts';
import type { Service } from '../../ts/lvs/service.ts';
import { relieves } from '../../ts/lvs/threshold.ts';
import { Connection, Destination } from '../../ts/native/abi.gen.ts';
import type { TableCrowd } from '../support/table_replay.ts';
import { PacketDataplane, packetOf, type Target } from './packet_dataplane.ts';

/**
 * The data plane as it is, and clients whose first packets the packet code is given. It alone
 * decides: no slow path is asked. Connections are counted, but forgotten by the table.
 */
export class ForgetfulCrowd extends PacketDataplane implements TableCrowd {
  readonly #destinations: DataView;
  readonly #specs = new Map<number, DestinationSpec>();
  readonly #table;

  constructor(target: Target) {
    super(target);
    const memory = (name: string) => target.object.map(name).mmap();
    this.#destinations = new DataView(memory('destinations'));
    this.#table = { buckets: memory('buckets'), connections: memory('connections') };
  }

  connect(service: Service, flow: Flow): number | undefined {
    this.sendTo(service, flow, packetOf(flow, service.id.protocol === 'udp' ? 'udp' : 'tcp', 'S'));
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

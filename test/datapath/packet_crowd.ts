import { addressesAt, liveConnections } from '../../ts/dataplane/connections.ts';
import { readAddress } from '../../ts/dataplane/encoding.ts';
import { slowPathAnswer } from '../../ts/dataplane/slow_path.ts';
import type { Director } from '../../ts/lvs/director.ts';
import type { Protocol, ServiceId } from '../../ts/lvs/operation.ts';
import type { Flow } from '../../ts/lvs/scheduler.ts';
import { Answer, Connection, FlowRecord } from '../../ts/native/abi.gen.ts';
import { addressText } from '../../ts/net/address.ts';
import type { Crowd, Held } from '../support/crowd.ts';
import { keyAt, PacketDataplane, packetOf } from './packet_dataplane.ts';
import type { WholeTarget } from './targets.ts';

/** Rounds of questions about a packet, as in native/queue.cc. */
const ROUNDS = 6;

interface Flowing extends Held {
  readonly flow: Flow;
  readonly protocol: Protocol;
}

/**
 * Clients whose every packet the packet code is given, and whose real servers are where it sends
 * them. What it raises is answered by the slow path's own TypeScript.
 */
export class PacketCrowd implements Crowd<Flowing> {
  readonly dataplane: PacketDataplane;
  readonly #target: WholeTarget;
  readonly #record = new DataView(new ArrayBuffer(FlowRecord.size));
  readonly #pending: Uint32Array;
  readonly #answer: (count: number) => void;
  #director: Director | undefined;

  constructor(target: WholeTarget) {
    this.#target = target;
    this.dataplane = new PacketDataplane(target);
    this.#pending = new Uint32Array(this.dataplane.pending);
    const answerers = {
      director: { serviceAt: (index: number) => this.#director?.serviceAt(index) },
      dataplane: this.dataplane,
      refill: { wake: () => {} }, // no tickets are drawn before they are needed
      nextHops: { want: () => {} },
    };
    this.#answer = slowPathAnswer(answerers, this.#record.buffer as ArrayBuffer);
  }

  connect(director: Director, to: ServiceId, flow: Flow): Flowing | undefined {
    const service = director.service(to)!;
    const protocol: Protocol = to.protocol === 'udp' ? 'udp' : 'tcp';
    const packet = packetOf(flow, protocol, 'S');
    this.#director = director;
    let sent: Uint8Array | undefined = this.dataplane.sendTo(service, flow, packet);
    if (!isForwarded(sent, flow)) {
      this.#target.slowPath.putService(keyAt(to, flow), service.index);
      sent = this.#raise(packet);
    }
    if (sent === undefined) return undefined;
    const held = { flow, protocol, server: addressText(targetOf(sent)) };
    if (protocol === 'tcp') this.#send(held, 'A');
    return held;
  }

  close(held: Flowing): void {
    this.#send(held, 'FA');
  }

  reset(held: Flowing): void {
    this.#send(held, 'R');
  }

  expire(held: readonly Flowing[]): void {
    const ending = new Set(held.map(({ flow }) => nameOf(flow)));
    const map = (name: string) => this.#target.object.map(name).mmap();
    const table = { buckets: map('buckets'), connections: map('connections') };
    const view = new DataView(table.connections);
    for (const at of liveConnections(table)) {
      if (!ending.has(nameAt(view, at))) continue;
      Connection.setSeenJiffies(view, at, 0);
      Connection.setTimeoutJiffies(view, at, 0);
    }
    this.#target.slowPath.setClock(1);
    this.#target.slowPath.sweep();
    this.#target.slowPath.setClock(0);
  }

  /** A later packet: it goes where those before it went, and nobody is asked. */
  #send({ flow, protocol, server }: Flowing, flags: string): void {
    const to = addressText(targetOf(this.#target.send(packetOf(flow, protocol, flags))));
    if (to !== server) throw new Error(`expected ${server} for ${nameOf(flow)}, received ${to}`);
  }

  /** As native/queue.cc does with a packet; undefined where it is refused. */
  #raise(packet: Uint8Array): Uint8Array | undefined {
    let destination: number | undefined;
    for (let round = 0; round < ROUNDS; round++) {
      const { frame, record } = this.#target.slowPath.run(packet, destination);
      if (destination !== undefined) this.#pending[this.#pendingAt(destination)]! -= 1;
      if (record === undefined) return frame;
      new Uint8Array(this.#record.buffer).set(record);
      this.#answer(1);
      const answer = FlowRecord.answer(this.#record, 0);
      if (answer === Answer.REFUSE) return undefined;
      const isDecided = answer === Answer.DESTINATION;
      destination = isDecided ? FlowRecord.destination(this.#record, 0) : undefined;
    }
    throw new Error(`expected an end after ${ROUNDS} rounds`);
  }

  #pendingAt(destination: number): number {
    return 2 * destination + FlowRecord.active(this.#record, 0);
  }
}

function isForwarded(sent: Uint8Array, { virtualAddress }: Flow): boolean {
  return Buffer.compare(targetOf(sent), virtualAddress) !== 0;
}

/** Where a frame goes to. */
function targetOf(frame: Uint8Array): Uint8Array {
  return frame[12] === 0x86 ? frame.subarray(38, 54) : frame.subarray(30, 34);
}

function nameOf({ clientAddress, clientPort, virtualAddress }: Flow): string {
  return `${addressText(clientAddress)} ${clientPort} ${addressText(virtualAddress)}`;
}

function nameAt(view: DataView, at: number): string {
  const family = Connection.family(view, at);
  const { client, virtual } = addressesAt(at, family);
  const [from, to] = [client, virtual].map((address) => readAddress(view, address, family));
  return `${from} ${Connection.cport(view, at)} ${to}`;
}

import { expect } from 'vitest';
import { generationIn, liveConnections, type Ticks } from '../../ts/dataplane/connections.ts';
import { Director } from '../../ts/lvs/director.ts';
import { Connection, Settings } from '../../ts/native/abi.gen.ts';
import type { BpfObject } from '../../ts/native/addon.ts';
import { endpointText } from '../../ts/net/address.ts';
import { seededRandom } from '../../ts/net/random.ts';
import { applyRule } from '../../ts/simulate/rules.ts';
import { eth } from '../support/packet.ts';
import {
  comparable,
  countsOf,
  HANDSHAKE,
  idOf,
  PERSISTENCE_CASES,
  type PersistenceCase,
  type RecordedEvent,
  type RecordedFlow,
  type RecordedSegment,
  type Result,
  type Row,
} from '../support/persistence.ts';
import { LINKS } from './case.ts';
import { HOP, OneHopDataplane } from './packet_dataplane.ts';

/** A heartbeat so far ahead lasts, however busy the machine is. */
const AHEAD_JIFFIES = 2 ** 30;

/** The packet code, the maps that it works on, its clock, and the sweep of its table. */
export interface Target {
  readonly object: Pick<BpfObject, 'map'>;
  send(frame: Uint8Array): void;
  clock(): Ticks;
  sweep(): void;
}

/** Of the recorded cases those that need no slow path: it decides for schedulers that count. */
export const PACKET_CASES = PERSISTENCE_CASES.filter(({ name }) => !/ (wlc|lblc)$/.test(name));

/** Replays a case on a target. */
export async function replayCase(target: Target, { steps }: PersistenceCase): Promise<void> {
  const replay = new PersistenceReplay(target);
  for (const { event, ...recorded } of steps) {
    await replay.happen(event);
    const now = comparable(replay.result(), recorded);
    expect({ event, ...now }).toEqual({ event, ...comparable(recorded, recorded) });
  }
}

/** A director over the packet code, to which what is recorded happens. */
class PersistenceReplay {
  readonly #target: Target;
  readonly #dataplane: HoppingDataplane;
  readonly #director: Director;

  /** Clears what earlier ones left in the target's maps. */
  constructor(target: Target) {
    this.#target = target;
    this.#dataplane = new HoppingDataplane(target);
    const outside = { now: () => 0, random: seededRandom(0) };
    this.#director = new Director(this.#dataplane, () => {}, outside);
    this.#director.publish();
  }

  async happen(event: RecordedEvent): Promise<void> {
    switch (event.op) {
      case 'rule':
        await applyRule(this.#director, event.args);
        break;
      case 'set':
        this.#director.apply({ op: 'setSettings', settings: { [event.name]: event.value } });
        break;
      case 'advance':
        this.#dataplane.age(event.seconds);
        break;
      case 'packet':
        if (event.mark !== undefined) this.#markAll(event.mark);
        this.#send(event, event);
        break;
      case 'connect':
        for (const segment of HANDSHAKE) this.#send(event, segment);
    }
    // A template that goes with its connections goes by the sweep after theirs.
    for (let sweep = 0; sweep < 2; sweep++) this.#target.sweep();
  }

  /** Gives all packets of IPv4 the mark. */
  #markAll(value: number): void {
    const rules = [{ family: 4, set: { value, mask: 0xffff_ffff } }] as const;
    this.#director.apply({ op: 'setMarks', rules });
  }

  result(): Result {
    const rows = Array.from(this.#dataplane.connections(), (one): Row => {
      return [
        one.protocol.toUpperCase(),
        endpointText(one.clientAddress, one.clientPort),
        endpointText(one.virtualAddress, one.virtualPort),
        endpointText(one.destinationAddress, one.destinationPort),
        one.state,
        one.expiresS,
      ];
    });
    return { rows, counts: countsOf(this.#director) };
  }

  /** A packet of the client's; or the answer of whoever its connection is with. */
  #send(flow: RecordedFlow, { dir, flags }: RecordedSegment): void {
    this.#dataplane.findHops();
    const { src, sport, dst, dport, proto } = flow;
    if (dir === 'in') {
      this.#target.send(
        frameOf(proto, flags, [idOf(flow).client, sport, idOf(flow).address, dport]),
      );
      return;
    }
    const from = this.result().rows.find(
      (row) => row[1] === endpointText(src, sport) && row[2] === endpointText(dst, dport),
    )![3];
    const colon = from.lastIndexOf(':');
    const server = from.slice(0, colon).replace(/[[\]]/g, '');
    this.#target.send(frameOf(proto, flags, [server, Number(from.slice(colon + 1)), src, sport]));
  }
}

type Ends = readonly [from: string, sport: number, to: string, dport: number];

function frameOf(proto: 'tcp' | 'udp', flags: string, [from, sport, to, dport]: Ends): Uint8Array {
  const link = eth(LINKS.arriving);
  const frame = to.includes(':') ? link.ip6(from, to) : link.ip4(from, to);
  if (proto === 'tcp') return frame.tcp(sport, dport, flags).bytes();
  return frame.udp(sport, dport, 'hello').bytes();
}

/** In which time passes when it is told to. */
class HoppingDataplane extends OneHopDataplane {
  readonly #settings: DataView;
  readonly #table;
  readonly #clock: () => Ticks;

  constructor(target: Target) {
    const memory = (name: string) => target.object.map(name).mmap();
    super(target.object, () => target.clock());
    this.keepServices([]);
    this.#clock = () => target.clock();
    this.#settings = new DataView(memory('settings'));
    this.#table = { buckets: memory('buckets'), connections: memory('connections') };
  }

  /** Sees to it that every connection has its next hops, and that the daemon is thought to live. */
  findHops(): void {
    const view = new DataView(this.#table.connections);
    for (const at of liveConnections(this.#table)) {
      const generation = generationIn(Connection.state(view, at), this.routeGeneration);
      Connection.setRouteGeneration(view, at, generation);
      Connection.setHopIn(view, at, HOP.index);
      Connection.setHopOut(view, at, HOP.index);
    }
    const { jiffies } = this.#clock();
    Settings.setHeartbeatJiffies(this.#settings, 0, (jiffies + AHEAD_JIFFIES) >>> 0);
  }

  /** Makes all that was seen be longer ago. */
  age(seconds: number): void {
    const view = new DataView(this.#table.connections);
    const jiffies = Math.round(seconds * this.#clock().hz);
    for (const at of liveConnections(this.#table)) {
      Connection.setSeenJiffies(view, at, (Connection.seenJiffies(view, at) - jiffies) >>> 0);
    }
  }
}

// Hot: runs per packet. Do not allocate.
import type { Director } from '../lvs/director.ts';
import type { Flow as SchedulerFlow } from '../lvs/scheduler.ts';
import { Address, Answer, Family, Flow, FlowRecord, Question } from '../native/abi.gen.ts';
import type { Refill } from './refill.ts';
import type { XdpDataplane } from './xdp.ts';

/** Where next hops are found: asked once a waiting packet, answers later. */
export interface NextHopSource {
  /** Begins to look for the way to an address of 4 or 16 bytes; the bytes are read at once. */
  want(target: Uint8Array): void;
}

/** What answers flow records. */
export interface Answerers {
  readonly director: Pick<Director, 'serviceAt'>;
  readonly dataplane: Pick<XdpDataplane, 'bind'>;
  readonly refill: Pick<Refill, 'wake'>;
  readonly nextHops: NextHopSource;
}

/**
 * What answers a burst of flow records. `records`: MAX_BURST x FlowRecord.size bytes.
 *
 *   SCHEDULE  the service's tickets are used up -> more tickets; the packet is run again
 *             it is scheduled one by one        -> its scheduler -> a destination, counted at
 *             once, so that the next record of the same burst sees one connection more
 *   ROUTE     the packet waits; the next hop is looked for
 *
 * The addon has written the records and carries the answers out; see native/queue.cc. It knows
 * what to do with a duplicate without an answer.
 */
export function slowPathAnswer(
  { director, dataplane, refill, nextHops }: Answerers,
  records: ArrayBuffer,
): (count: number) => void {
  const view = new DataView(records);
  const flows = Array.from({ length: records.byteLength / FlowRecord.size }, (_, i) => {
    return new RecordFlow(view, i * FlowRecord.size + FlowRecord.flowAt);
  });

  const schedule = (at: number): number => {
    const index = FlowRecord.service(view, at);
    const tickets = director.serviceAt(index)?.tickets;
    if (tickets === undefined) return Answer.DROP;
    refill.wake(index);
    const areRefused = tickets.areAwaited && tickets.areRefused;
    if (tickets.areAwaited && !areRefused) {
      return tickets.replenish() ? Answer.AGAIN : Answer.REFUSE;
    }
    const flow = flows[at / FlowRecord.size]!;
    const destination = areRefused ? tickets.decideAnew(flow) : tickets.decide(flow);
    if (destination === undefined) return Answer.REFUSE;
    dataplane.bind(destination.index, FlowRecord.active(view, at) !== 0);
    FlowRecord.setDestination(view, at, destination.index);
    return Answer.DESTINATION;
  };

  // A next hop is asked for once in a while, not once a packet: this may allocate.
  const findRoute = (at: number): number => {
    const length = FlowRecord.targetFamily(view, at) === Family.IPV4 ? 4 : 16;
    nextHops.want(new Uint8Array(records, at + FlowRecord.targetAt, length));
    return Answer.WAIT;
  };

  return (count) => {
    for (let at = 0; at < count * FlowRecord.size; at += FlowRecord.size) {
      if (FlowRecord.duplicate(view, at) !== 0) continue;
      const scheduling = FlowRecord.question(view, at) === Question.SCHEDULE;
      FlowRecord.setAnswer(view, at, scheduling ? schedule(at) : findRoute(at));
    }
  };
}

/** The flow of one record, read anew at each look. */
class RecordFlow implements SchedulerFlow {
  readonly #view: DataView;
  readonly #at: number;
  /** Client's and virtual address, by family. */
  readonly #ipv4: readonly [Uint8Array, Uint8Array];
  readonly #ipv6: readonly [Uint8Array, Uint8Array];

  constructor(view: DataView, at: number) {
    const address = (from: number, length: number) =>
      new Uint8Array(view.buffer, at + from, length);
    this.#view = view;
    this.#at = at;
    this.#ipv4 = [address(Flow.saddrAt, 4), address(Flow.daddrAt, 4)];
    this.#ipv6 = [address(Flow.saddrAt, Address.size), address(Flow.daddrAt, Address.size)];
  }

  get clientAddress(): Uint8Array {
    return this.#addresses[0];
  }

  get virtualAddress(): Uint8Array {
    return this.#addresses[1];
  }

  get clientPort(): number {
    return Flow.sport(this.#view, this.#at);
  }

  get #addresses(): readonly [Uint8Array, Uint8Array] {
    return Flow.family(this.#view, this.#at) === Family.IPV4 ? this.#ipv4 : this.#ipv6;
  }
}

import type { NextHop } from '../native/addon.ts';
import { addressBytes, addressText } from '../net/address.ts';
import type { Cancel, Clock } from '../net/clock.ts';
import {
  decodeMessages,
  encodeDump,
  encodeResolve,
  encodeRouteLookup,
  type LinkMessage,
  macBytes,
  type NeighbourMessage,
  type NetlinkMessage,
  type RouteMessage,
} from '../net/netlink.ts';
import { Listing } from './listing.ts';
import { Neighbourhood } from './neighbourhood.ts';
import type { NextHopSource } from './slow_path.ts';

/** What next hops need of their surroundings. */
export interface NextHopOptions {
  /** Sends to the kernel; its datagrams come back through `receive`. */
  readonly send: (message: Uint8Array) => void;
  /** Hands a next hop to the slow path; the target is 16 bytes. */
  readonly put: (target: Uint8Array, hop: NextHop) => void;
  readonly generations: { readonly routeGeneration: number; raiseRouteGeneration(): void };
  readonly clock: Clock;
  /** A link is there, changed, or gone (`removed`). */
  readonly onLink: (link: LinkMessage) => void;
}

/** RTMGRP_LINK, NEIGH, IPV4_IFADDR, IPV4_ROUTE, IPV6_IFADDR, IPV6_ROUTE. */
export const NETLINK_GROUPS = 0x1 | 0x4 | 0x10 | 0x40 | 0x100 | 0x400;

const TICK_MS = 1000;
const PATIENCE_MS = 3000;
const REFRESH_MS = 5000;
const REFRESH_MOST = 256;
const NO_MAC = new Uint8Array(6);
const NO_ADDRESS = new Uint8Array(16);

/** A target that is being looked for. */
interface Wanted {
  readonly text: string;
  /** What the route generation was before anything was asked: the answer holds under it. */
  readonly generation: number;
  readonly deadline: number;
  /** Set once the route is known, and the neighbour is waited for. */
  via?: Via;
}

/** A route that was found. */
interface Via {
  readonly link: LinkMessage;
  readonly neighbour: string;
  /** Our own address. */
  readonly source: string | undefined;
}

/**
 * Next hops over rtnetlink.
 *
 *   want(address) -> RTM_GETROUTE -> interface and gateway -> neighbour known? -> put
 *                                                          -> ask the kernel to resolve it,
 *                                                             put when it tells
 *
 * Whenever a link, address, route or known neighbour changes, the route generation is raised:
 * then XDP and the slow path look every next hop up again, each when it is needed. What cannot
 * be reached is put as interface 0, which drops what waits and what comes in the next second.
 */
export class NextHops implements NextHopSource {
  readonly #options: NextHopOptions;
  readonly #known = new Neighbourhood();
  readonly #listing: Listing;
  readonly #wanted = new Map<string, Wanted>();
  readonly #bySeq = new Map<number, Wanted>();
  readonly #timers: readonly Cancel[];
  #unreachable: string[] = []; // until the next tick
  #seq = 0;
  #listed: () => void = () => {};

  constructor(options: NextHopOptions) {
    const { clock } = options;
    this.#options = options;
    this.#listing = new Listing(
      (table) => this.#send((seq) => encodeDump(table, seq)),
      () => this.#endListing(),
    );
    this.#timers = [
      clock.every(TICK_MS, () => this.#tick()),
      clock.every(REFRESH_MS, () => this.#refresh()),
    ];
  }

  /** Every link of the namespace, by index. */
  get links(): ReadonlyMap<number, LinkMessage> {
    return this.#known.links;
  }

  /** Lists links and neighbours; resolves when both are known. */
  start(): Promise<void> {
    return new Promise((resolve) => {
      this.#listed = resolve;
      this.#listing.begin();
    });
  }

  stop(): void {
    for (const cancel of this.#timers) cancel();
  }

  want(target: Uint8Array): void {
    const text = addressText(target);
    if (this.#wanted.has(text)) return;
    const { generations, clock } = this.#options;
    const generation = generations.routeGeneration;
    const wanted = { text, generation, deadline: clock.now() + PATIENCE_MS };
    this.#wanted.set(text, wanted);
    this.#bySeq.set(
      this.#send((seq) => encodeRouteLookup({ destination: text }, seq)),
      wanted,
    );
  }

  /** Takes in a datagram; an empty one says that the kernel had to leave some out. */
  receive(datagram: Uint8Array): void {
    if (datagram.length === 0) {
      this.#raise();
      this.#listing.begin();
    }
    for (const message of decodeMessages(datagram)) this.#take(message);
  }

  #take(message: NetlinkMessage): void {
    if (this.#listing.isFirst(message.seq)) this.#known.beginListing();
    switch (message.kind) {
      case 'link':
        if (this.#known.updateLink(message)) this.#raise();
        this.#options.onLink(message);
        break;
      case 'neighbour':
        if (this.#known.updateNeighbour(message)) this.#raise();
        this.#takeNeighbour(message);
        break;
      case 'route':
        this.#takeRoute(message);
        break;
      case 'address':
        this.#raise();
        break;
      case 'status':
        this.#takeStatus(message.seq, message.errno);
        break;
      case 'interrupted':
        this.#listing.interrupt(message.seq);
        break;
      case 'done':
        this.#listing.end(message.seq);
        break;
    }
  }

  /** The answer to a lookup, or the news that the routes changed. */
  #takeRoute(route: RouteMessage): void {
    const wanted = this.#bySeq.get(route.seq);
    // News carry the number of another program's request, which may be one of ours too.
    if (wanted === undefined || wanted.text !== route.destination) {
      this.#raise();
      return;
    }
    this.#bySeq.delete(route.seq);
    const link = this.#known.links.get(route.oif ?? 0);
    if (route.type === 'unicast' && link?.up && link.ethernet) {
      const { gateway: neighbour = wanted.text, source } = route;
      this.#findNeighbour(wanted, { link, neighbour, source });
    } else {
      this.#refuse(wanted);
    }
  }

  #findNeighbour(wanted: Wanted, via: Via): void {
    const { link, neighbour } = via;
    const mac = this.#known.hardwareAddress(link.ifindex, neighbour);
    if (mac !== undefined) {
      this.#answer(wanted, via, mac);
    } else {
      wanted.via = via;
      this.#bySeq.set(this.#resolve(link.ifindex, neighbour), wanted);
    }
  }

  #takeNeighbour({ ifindex, address, state, removed }: NeighbourMessage): void {
    const mac = this.#known.hardwareAddress(ifindex, address);
    if (mac === undefined && (state !== 'failed' || removed)) return;
    for (const wanted of this.#wanted.values()) {
      const { via } = wanted;
      if (via?.link.ifindex !== ifindex || via.neighbour !== address) continue;
      if (mac === undefined) this.#refuse(wanted);
      else this.#answer(wanted, via, mac);
    }
  }

  #takeStatus(seq: number, errno: number): void {
    const wanted = this.#bySeq.get(seq);
    this.#bySeq.delete(seq);
    if (errno === 0) return;
    if (wanted !== undefined) this.#refuse(wanted);
    else this.#listing.interrupt(seq);
    this.#listing.end(seq);
  }

  #endListing(): void {
    for (const gone of this.#known.endListing()) this.#take(gone);
    this.#listed();
  }

  #answer(wanted: Wanted, { link, source }: Via, mac: string): void {
    if (!this.#end(wanted)) return;
    const { generation } = wanted;
    const { ifindex, mtu } = link;
    const [dmac, smac] = [macBytes(mac), macBytes(link.mac)];
    const hop = { generation, ifindex, dmac, smac, mtu };
    this.#put(wanted.text, { ...hop, source: source ? wideBytes(source) : NO_ADDRESS });
  }

  #refuse(wanted: Wanted): void {
    if (!this.#end(wanted)) return;
    this.#put(wanted.text, noWay(wanted.generation));
    this.#unreachable.push(wanted.text);
  }

  /** Ends a search; false where it had ended already. */
  #end(wanted: Wanted): boolean {
    return this.#wanted.get(wanted.text) === wanted && this.#wanted.delete(wanted.text);
  }

  #put(text: string, hop: NextHop): void {
    this.#options.put(wideBytes(text), hop);
  }

  /** Asks the kernel for a neighbour's hardware address; returns the request's number. */
  #resolve(ifindex: number, address: string): number {
    return this.#send((seq) => encodeResolve({ ifindex, address, keep: 'once' }, seq));
  }

  #tick(): void {
    // No generation is 0: whatever goes there is looked for again.
    for (const text of this.#unreachable) this.#put(text, noWay(0));
    this.#unreachable = [];
    const now = this.#options.clock.now();
    for (const wanted of this.#wanted.values()) {
      if (wanted.deadline <= now) this.#refuse(wanted);
    }
    for (const [seq, { deadline }] of this.#bySeq) if (deadline <= now) this.#bySeq.delete(seq);
  }

  #refresh(): void {
    for (const { ifindex, address } of this.#known.takeStale(REFRESH_MOST)) {
      this.#resolve(ifindex, address);
    }
  }

  #raise(): void {
    this.#options.generations.raiseRouteGeneration();
  }

  #send(encode: (seq: number) => Uint8Array): number {
    // Small numbers: notifications carry those of other programs, which count from the time.
    this.#seq = (this.#seq % 0x3fffffff) + 1;
    this.#options.send(encode(this.#seq));
    return this.#seq;
  }
}

function noWay(generation: number): NextHop {
  return { generation, ifindex: 0, dmac: NO_MAC, smac: NO_MAC, mtu: 0, source: NO_ADDRESS };
}

/** An address in 16 bytes: one of IPv4 in the first four, the rest zero. */
function wideBytes(text: string): Uint8Array {
  const bytes = new Uint8Array(16);
  bytes.set(addressBytes(text));
  return bytes;
}

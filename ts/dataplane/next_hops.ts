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

const PATIENCE_MS = 3000;
const REFRESH_MS = 5000;
const REFRESH_MOST = 256;

/** A target that is being looked for. */
interface Wanted {
  readonly text: string;
  /** What the route generation was before anything was asked: the answer holds under it. */
  readonly generation: number;
  readonly deadline: number;
  /** Set once the route is known, and the neighbour is waited for. */
  via?: { readonly link: LinkMessage; readonly neighbour: string };
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
 * be reached is put as interface 0, which drops what waits, and is asked for anew by the next
 * packet.
 */
export class NextHops implements NextHopSource {
  readonly #options: NextHopOptions;
  readonly #known = new Neighbourhood();
  readonly #wanted = new Map<string, Wanted>();
  readonly #bySeq = new Map<number, Wanted>();
  readonly #dumps: ('link' | 'neighbour')[] = [];
  readonly #timers: Cancel[];
  #seq = 0;
  #listed: () => void = () => {};

  constructor(options: NextHopOptions) {
    const { clock } = options;
    this.#options = options;
    this.#timers = [
      clock.every(REFRESH_MS, () => this.#refresh()),
      clock.every(PATIENCE_MS / 3, () => this.#giveUp()),
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
      this.#list();
    });
  }

  stop(): void {
    for (const cancel of this.#timers) cancel();
  }

  want(target: Uint8Array): void {
    const text = addressText(target);
    if (this.#wanted.has(text)) return;
    const { generations, clock, send } = this.#options;
    const generation = generations.routeGeneration;
    const wanted = { text, generation, deadline: clock.now() + PATIENCE_MS };
    const seq = this.#next();
    this.#wanted.set(text, wanted);
    this.#bySeq.set(seq, wanted);
    send(encodeRouteLookup({ destination: text }, seq));
  }

  /** Takes in a datagram; an empty one says that the kernel had to leave some out. */
  receive(datagram: Uint8Array): void {
    if (datagram.length === 0) {
      this.#known.clear();
      this.#options.generations.raiseRouteGeneration();
      this.#list();
    }
    for (const message of decodeMessages(datagram)) this.#take(message);
  }

  #take(message: NetlinkMessage): void {
    switch (message.kind) {
      case 'link':
        this.#raiseIf(this.#known.updateLink(message));
        this.#options.onLink(message);
        break;
      case 'neighbour':
        this.#raiseIf(this.#known.updateNeighbour(message));
        this.#takeNeighbour(message);
        break;
      case 'route':
        this.#takeRoute(message);
        break;
      case 'address':
        this.#raiseIf(true);
        break;
      case 'status':
        this.#takeStatus(message.seq, message.errno);
        break;
      case 'done':
        this.#takeDone(message.interrupted);
        break;
    }
  }

  /** The answer to a lookup, or the news that the routes changed. */
  #takeRoute(route: RouteMessage): void {
    const wanted = this.#bySeq.get(route.seq);
    if (wanted === undefined) return this.#raiseIf(true);
    this.#bySeq.delete(route.seq);
    const link = this.#known.links.get(route.oif ?? 0);
    if (route.type !== 'unicast' || !link?.up || !link.ethernet) return this.#answer(wanted);
    const neighbour = route.gateway ?? wanted.text;
    const mac = this.#known.hardwareAddress(link.ifindex, neighbour);
    if (mac !== undefined) return this.#answer(wanted, link, mac);
    wanted.via = { link, neighbour };
    this.#resolve(link.ifindex, neighbour, wanted);
  }

  #takeNeighbour({ ifindex, address, state, removed }: NeighbourMessage): void {
    const mac = this.#known.hardwareAddress(ifindex, address);
    if (mac === undefined && state !== 'failed') return;
    for (const wanted of this.#wanted.values()) {
      const { via } = wanted;
      if (via?.link.ifindex !== ifindex || via.neighbour !== address) continue;
      if (mac !== undefined) this.#answer(wanted, via.link, mac);
      else if (!removed) this.#answer(wanted);
    }
  }

  #takeStatus(seq: number, errno: number): void {
    const wanted = this.#bySeq.get(seq);
    this.#bySeq.delete(seq);
    if (wanted !== undefined && errno !== 0) this.#answer(wanted);
  }

  #takeDone(interrupted: boolean): void {
    if (interrupted) return this.#list();
    this.#dumps.shift();
    if (this.#dumps[0] !== undefined) this.#options.send(encodeDump(this.#dumps[0], this.#next()));
    else this.#listed();
  }

  /** One list after the other: the kernel makes one at a time for a socket. */
  #list(): void {
    this.#dumps.splice(0, Number.POSITIVE_INFINITY, 'link', 'neighbour');
    this.#options.send(encodeDump('link', this.#next()));
  }

  /** The end of a search: a next hop, or none. */
  #answer(wanted: Wanted, link?: LinkMessage, mac?: string): void {
    this.#wanted.delete(wanted.text);
    const target = new Uint8Array(16);
    target.set(addressBytes(wanted.text));
    this.#options.put(target, {
      generation: wanted.generation,
      ifindex: link?.ifindex ?? 0,
      dmac: mac === undefined ? NO_MAC : macBytes(mac),
      smac: link === undefined ? NO_MAC : macBytes(link.mac),
      mtu: link?.mtu ?? 0,
    });
  }

  #resolve(ifindex: number, address: string, wanted?: Wanted): void {
    const seq = this.#next();
    if (wanted !== undefined) this.#bySeq.set(seq, wanted);
    this.#options.send(encodeResolve({ ifindex, address, keep: 'once' }, seq));
  }

  #refresh(): void {
    for (const { ifindex, address } of this.#known.takeStale(REFRESH_MOST)) {
      this.#resolve(ifindex, address);
    }
  }

  #giveUp(): void {
    const now = this.#options.clock.now();
    for (const wanted of this.#wanted.values()) {
      if (wanted.deadline <= now) this.#answer(wanted);
    }
    for (const [seq, { deadline }] of this.#bySeq) if (deadline <= now) this.#bySeq.delete(seq);
  }

  #raiseIf(changed: boolean): void {
    if (changed) this.#options.generations.raiseRouteGeneration();
  }

  #next(): number {
    // Small numbers: notifications carry those of other programs, which count from the time.
    this.#seq = (this.#seq % 0x3fffffff) + 1;
    return this.#seq;
  }
}

const NO_MAC = new Uint8Array(6);

import type { LinkMessage, NeighbourMessage, NeighbourState } from '../net/netlink.ts';

/** What the kernel knows of this namespace's links and neighbours, kept by its notifications. */
export class Neighbourhood {
  readonly links = new Map<number, LinkMessage>();
  readonly #neighbours = new Map<string, NeighbourMessage>();
  #refreshed = 0; // how many of the stale ones were taken, for the next turn

  /** Takes in a link; true when packets may have to go another way from now on. */
  updateLink(link: LinkMessage): boolean {
    const before = this.links.get(link.ifindex);
    if (link.removed) this.links.delete(link.ifindex);
    else this.links.set(link.ifindex, link);
    if (before === undefined) return false;
    const same =
      !link.removed &&
      before.up === link.up &&
      before.lowerUp === link.lowerUp &&
      before.mac === link.mac &&
      before.mtu === link.mtu;
    return !same;
  }

  /**
   * Takes in a neighbour; true when its hardware address is no longer what it was. That one is
   * found for the first time moves no packet.
   */
  updateNeighbour(neighbour: NeighbourMessage): boolean {
    const key = keyOf(neighbour.ifindex, neighbour.address);
    const before = hardwareAddress(this.#neighbours.get(key));
    if (neighbour.removed) this.#neighbours.delete(key);
    else this.#neighbours.set(key, neighbour);
    return before !== undefined && before !== hardwareAddress(this.#neighbours.get(key));
  }

  /** The hardware address of a neighbour, while the kernel would use it. */
  hardwareAddress(ifindex: number, address: string): string | undefined {
    return hardwareAddress(this.#neighbours.get(keyOf(ifindex, address)));
  }

  /**
   * The next of those neighbours that the kernel has not heard of for a while. XDP sends past
   * the kernel, which so does not notice that it uses them, and would not ask whether they are
   * still there.
   */
  takeStale(most: number): readonly NeighbourMessage[] {
    const stale = [...this.#neighbours.values()].filter(
      ({ state, ifindex }) => state === 'stale' && this.links.get(ifindex)?.ethernet,
    );
    const from = stale.length > most ? this.#refreshed % stale.length : 0;
    this.#refreshed = from + most;
    return [...stale.slice(from), ...stale.slice(0, from)].slice(0, most);
  }

  /** Forgets everything, before it is listed anew. */
  clear(): void {
    this.links.clear();
    this.#neighbours.clear();
  }
}

const USABLE: ReadonlySet<NeighbourState> = new Set([
  'reachable',
  'stale',
  'delay',
  'probe',
  'noarp',
  'permanent',
]);

function hardwareAddress(neighbour: NeighbourMessage | undefined): string | undefined {
  return neighbour && USABLE.has(neighbour.state) ? neighbour.mac : undefined;
}

function keyOf(ifindex: number, address: string): string {
  return `${ifindex} ${address}`;
}

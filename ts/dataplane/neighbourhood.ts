import type { LinkMessage, NeighbourMessage, NeighbourState } from '../net/netlink.ts';

/** What the kernel knows of this namespace's links and neighbours, kept by its notifications. */
export class Neighbourhood {
  readonly #links = new Map<number, LinkMessage>();
  readonly #neighbours = new Map<string, NeighbourMessage>();
  readonly #unlisted = new Set<LinkMessage | NeighbourMessage>();
  #refreshed = 0; // how many of the stale ones were taken, for the next turn

  /** Every link, by its index. */
  get links(): ReadonlyMap<number, LinkMessage> {
    return this.#links;
  }

  /** Takes in a link; true when packets may have to go another way from now on. */
  updateLink(link: LinkMessage): boolean {
    const before = this.#links.get(link.ifindex);
    if (link.removed) this.#links.delete(link.ifindex);
    else this.#links.set(link.ifindex, link);
    if (before === undefined) return false;
    this.#unlisted.delete(before);
    return (
      link.removed ||
      before.up !== link.up ||
      before.lowerUp !== link.lowerUp ||
      before.mac !== link.mac ||
      before.mtu !== link.mtu
    );
  }

  /**
   * Takes in a neighbour; true when its hardware address is no longer what it was. That one is
   * found for the first time moves no packet.
   */
  updateNeighbour(neighbour: NeighbourMessage): boolean {
    const key = keyOf(neighbour.ifindex, neighbour.address);
    const before = this.#neighbours.get(key);
    if (neighbour.removed) this.#neighbours.delete(key);
    else this.#neighbours.set(key, neighbour);
    if (before === undefined) return false;
    this.#unlisted.delete(before);
    const known = usableAddress(before);
    return known !== undefined && known !== usableAddress(this.#neighbours.get(key));
  }

  /** The hardware address of a neighbour, while the kernel would use it. */
  hardwareAddress(ifindex: number, address: string): string | undefined {
    return usableAddress(this.#neighbours.get(keyOf(ifindex, address)));
  }

  /**
   * The next of those neighbours that the kernel has not heard of for a while. XDP sends past
   * the kernel, which so does not notice that it uses them, and would not ask whether they are
   * still there.
   */
  takeStale(most: number): readonly NeighbourMessage[] {
    const stale = [...this.#neighbours.values()].filter(
      ({ state, ifindex }) => state === 'stale' && this.#links.get(ifindex)?.ethernet,
    );
    const from = stale.length > most ? this.#refreshed % stale.length : 0;
    this.#refreshed = from + most;
    return [...stale.slice(from), ...stale.slice(0, from)].slice(0, most);
  }

  /** From now on everything is listed anew. */
  beginListing(): void {
    this.#unlisted.clear();
    for (const link of this.#links.values()) this.#unlisted.add(link);
    for (const neighbour of this.#neighbours.values()) this.#unlisted.add(neighbour);
  }

  /** What was not listed, and so is gone. */
  endListing(): readonly (LinkMessage | NeighbourMessage)[] {
    return [...this.#unlisted].map((gone) => ({ ...gone, removed: true }));
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

function usableAddress(neighbour: NeighbourMessage | undefined): string | undefined {
  return neighbour && USABLE.has(neighbour.state) ? neighbour.mac : undefined;
}

function keyOf(ifindex: number, address: string): string {
  return `${ifindex} ${address}`;
}

import { AddressRole } from '../native/abi.gen.ts';
import type { AddressTable } from '../native/addon.ts';
import { addressOf } from './encoding.ts';

/**
 * The addresses that are ours, by whom they are needed: virtual addresses as long as there is a
 * service or a connection of one, those of destinations as long as a connection may hold them.
 */
export class Addresses {
  readonly #virtual: Role;
  readonly #destination: Role;
  readonly #table: AddressTable;
  /** By index: the addresses that the service, or the destination, holds. */
  readonly #services: (string | undefined)[] = [];
  readonly #destinations: (Held | undefined)[] = [];
  #marked: ReadonlySet<string> = new Set();

  constructor(table: AddressTable) {
    this.#table = table;
    this.#virtual = new Role(table, AddressRole.VIRTUAL);
    this.#destination = new Role(table, AddressRole.DESTINATION);
  }

  /** A service needs its own address, while it is there. */
  holdService(index: number, address: string): void {
    if (this.#services[index] !== undefined) return;
    this.#services[index] = address;
    this.#virtual.hold(address);
  }

  dropService(index: number): void {
    const address = this.#services[index];
    if (address !== undefined) this.#virtual.drop(address);
    this.#services[index] = undefined;
  }

  /** Those that rules of firewall marks name, in place of the former ones. */
  holdMarked(addresses: ReadonlySet<string>): void {
    for (const address of addresses) if (!this.#marked.has(address)) this.#virtual.hold(address);
    for (const address of this.#marked) if (!addresses.has(address)) this.#virtual.drop(address);
    this.#marked = addresses;
  }

  /** A destination needs its own address and the service's, until nothing holds it any more. */
  holdDestination(index: number, address: string, virtualAddress: string): void {
    if (this.#destinations[index] !== undefined) return;
    this.#destinations[index] = { address, virtualAddress };
    this.#destination.hold(address);
    this.#virtual.hold(virtualAddress);
  }

  dropDestination(index: number): void {
    const held = this.#destinations[index];
    if (held === undefined) return;
    this.#destination.drop(held.address);
    this.#virtual.drop(held.virtualAddress);
    this.#destinations[index] = undefined;
  }

  /** Forgets what only an earlier daemon held. */
  settle(): void {
    this.#table.settle();
  }
}

/** What a destination holds. */
interface Held {
  readonly address: string;
  readonly virtualAddress: string;
}

/** The addresses that are the same to us, and by how many each is held: the first one adds it. */
class Role {
  readonly #table: AddressTable;
  readonly #role: number;
  readonly #holders = new Map<string, number>();

  constructor(table: AddressTable, role: number) {
    this.#table = table;
    this.#role = role;
  }

  hold(address: string): void {
    const holders = this.#holders.get(address) ?? 0;
    if (holders === 0) {
      const { bytes, family } = addressOf(address);
      this.#table.add(bytes, family, this.#role);
    }
    this.#holders.set(address, holders + 1);
  }

  drop(address: string): void {
    const holders = this.#holders.get(address)! - 1;
    if (holders > 0) {
      this.#holders.set(address, holders);
      return;
    }
    this.#holders.delete(address);
    const { bytes, family } = addressOf(address);
    this.#table.remove(bytes, family, this.#role);
  }
}

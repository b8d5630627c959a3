import { AddressRole } from '../native/abi.gen.ts';
import type { AddressTable } from '../native/addon.ts';
import { addressOf } from './encoding.ts';

/** An address, as text, and what it is to us. */
interface Held {
  readonly address: string;
  readonly role: number;
}

/**
 * The addresses that are ours, by whom they are needed: virtual addresses as long as there is a
 * service or a connection of one, those of destinations as long as a connection may hold them.
 */
export class Addresses {
  readonly #table: AddressTable;
  readonly #held = new Map<string, readonly Held[]>();

  constructor(table: AddressTable) {
    this.#table = table;
  }

  /** A service needs its own address, while it is there. */
  holdService(index: number, address: string): void {
    this.#hold(`service ${index}`, [{ address, role: AddressRole.VIRTUAL }]);
  }

  dropService(index: number): void {
    this.#drop(`service ${index}`);
  }

  /** A destination needs its own address and the service's, until nothing holds it any more. */
  holdDestination(index: number, address: string, virtualAddress: string): void {
    this.#hold(`destination ${index}`, [
      { address, role: AddressRole.DESTINATION },
      { address: virtualAddress, role: AddressRole.VIRTUAL },
    ]);
  }

  dropDestination(index: number): void {
    this.#drop(`destination ${index}`);
  }

  /** Forgets what only an earlier daemon held. */
  settle(): void {
    this.#table.settle();
  }

  #hold(who: string, held: readonly Held[]): void {
    if (this.#held.has(who)) return;
    this.#held.set(who, held);
    for (const { address, role } of held) {
      const { bytes, family } = addressOf(address);
      this.#table.add(bytes, family, role);
    }
  }

  #drop(who: string): void {
    for (const { address, role } of this.#held.get(who) ?? []) {
      const { bytes, family } = addressOf(address);
      this.#table.remove(bytes, family, role);
    }
    this.#held.delete(who);
  }
}

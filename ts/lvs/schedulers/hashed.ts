// Hot: schedule runs per connection. Do not allocate there.
import type { Destination } from '../destination.ts';
import {
  accepting,
  type Flow,
  type Hashing,
  type Pool,
  type TableScheduler,
} from '../scheduler.ts';
import { hsiphash } from './siphash.ts';

/** What makes one scheduler of a hash table another than the next. */
export interface Recipe {
  readonly name: string;
  readonly hash: Hashing['hash'];
  readonly end: Hashing['end'];
  /** Whether it obeys the flags for fallback and port. */
  readonly hasFlags: boolean;
  /** Slots, where anybody has one. */
  readonly size: number;
  /** Gives every slot to a destination, by its place; false where nobody is to have any. */
  fill(slots: Uint32Array, destinations: Pool['destinations']): boolean;
}

const NO_SLOTS = new Uint32Array(0);

/** A scheduler that looks its choice up, in a table that follows from the rules alone. */
export function hashed({ name, hash, end, hasFlags, size, fill }: Recipe): TableScheduler {
  let table: Uint32Array | undefined; // undefined after a change of the rules

  const hasPort = ({ flags }: Pool): boolean => hasFlags && flags?.includes('flag-2') === true;
  const fallsBack = ({ flags }: Pool): boolean => hasFlags && flags?.includes('flag-1') === true;
  const slotOf = hash === 'siphash' ? sipSlot : multiplicativeSlot;

  function slots({ destinations }: Pool): Uint32Array {
    if (table !== undefined) return table;
    const filled = new Uint32Array(size);
    table = destinations.length > 0 && fill(filled, destinations) ? filled : NO_SLOTS;
    return table;
  }

  return {
    name,
    kind: 'table',
    slots,

    update() {
      table = undefined;
    },

    hashing: (pool) => ({ hash, end, hasPort: hasPort(pool), fallsBack: fallsBack(pool) }),

    schedule(pool, flow): Destination | undefined {
      const { destinations } = pool;
      const places = slots(pool);
      if (places.length === 0) return undefined;
      const key = keyOf(
        end === 'client' ? flow.clientAddress : flow.virtualAddress,
        flow,
        hasPort(pool),
      );
      const first = slotOf(key, 0, size);
      const right = destinations[places[first]!]!;
      if (accepting(right, pool)) return right;
      if (!fallsBack(pool) || !hasAccepting(pool)) return undefined;
      for (let i = 0; i < size; i++) {
        const next = destinations[places[slotOf(key, (first + i) % size, size)]!]!;
        if (accepting(next, pool)) return next;
      }
      return undefined;
    },
  };
}

/** An address as one number: the exclusive or of its words of 32 bits. */
export function fold(address: Uint8Array): number {
  let folded = 0;
  for (let at = 0; at < address.length; at += 4) {
    const upper = (address[at]! << 24) | (address[at + 1]! << 16);
    folded ^= upper | (address[at + 2]! << 8) | address[at + 3]!;
  }
  return folded;
}

function keyOf(address: Uint8Array, { clientPort }: Flow, hasPort: boolean): number {
  return fold(address) + (hasPort ? clientPort : 0);
}

/** A hash of so many bits. Source: Linux hash_32 of include/linux/hash.h. */
export function hash32(key: number, bits: number): number {
  return Math.imul(key, 0x61c8_8647) >>> (32 - bits);
}

function multiplicativeSlot(key: number, offset: number, size: number): number {
  return (hash32(key, 8) + offset) % size;
}

/** The first of the two keys of Linux ip_vs_mh. */
export const MH_KEY = 2_654_435_761;

function sipSlot(key: number, offset: number, size: number): number {
  return hsiphash(key + offset, MH_KEY) % size;
}

/** Spares a search that is in vain. */
function hasAccepting(pool: Pool): boolean {
  for (let i = 0; i < pool.destinations.length; i++) {
    if (accepting(pool.destinations[i]!, pool)) return true;
  }
  return false;
}

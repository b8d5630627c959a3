import type { TableScheduler } from '../scheduler.ts';
import { hashed } from './hashed.ts';

/** Slots of dh and sh. Source: Linux IP_VS_DH_TAB_BITS, IP_VS_SH_TAB_BITS. */
export const SLOTS = 256;

/**
 * Destination hashing: connections to one virtual address go to one destination. The slots are
 * dealt out in turn; weights do not matter but for 0, which refuses.
 *
 * Source: Linux ip_vs_dh.
 */
export function dh(): TableScheduler {
  return hashed({
    name: 'dh',
    hash: 'multiplicative',
    end: 'virtual',
    hasFlags: false,
    size: SLOTS,

    fill(slots, { length }) {
      for (let slot = 0; slot < SLOTS; slot++) slots[slot] = slot % length;
      return true;
    },
  });
}

import type { CountsScheduler } from '../scheduler.ts';
import { leastLoaded } from './least_loaded.ts';
import { FULL } from './overhead.ts';

/**
 * Overflow: the destination of the highest weight, the first of equals, up to the connection
 * with which it has one active more than its weight; then the next. Not for UDP, whose
 * connections are never active.
 *
 * Source: Linux ip_vs_ovf.
 */
export function ovf(): CountsScheduler {
  return leastLoaded('ovf', {
    load: (active, _inactive, weight) => (active > weight ? FULL : 1),
    isWeighted: true,
  });
}

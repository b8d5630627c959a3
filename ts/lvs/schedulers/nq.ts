import type { CountsScheduler } from '../scheduler.ts';
import { leastLoaded } from './least_loaded.ts';

/**
 * Never queue: the first destination without an active connection, whatever its weight; where
 * all have some, as sed chooses.
 *
 * Source: Linux ip_vs_nq.
 */
export function nq(): CountsScheduler {
  return leastLoaded('nq', { load: (active) => active && active + 1, isWeighted: true });
}

import type { CountsScheduler, Surroundings } from '../scheduler.ts';
import { leastLoaded } from './least_loaded.ts';
import { overhead } from './overhead.ts';

/**
 * Least connection: the destination with the least overhead, the first of equals. Weights do
 * not matter but for 0.
 *
 * Source: Linux ip_vs_lc.
 */
export function lc(surroundings: Surroundings): CountsScheduler {
  return leastLoaded('lc', { load: overhead(surroundings), isWeighted: false });
}

import type { CountsScheduler, Surroundings } from '../scheduler.ts';
import { leastLoaded } from './least_loaded.ts';
import { overhead } from './overhead.ts';

/**
 * Weighted least connection: the destination with the least overhead for its weight, the first
 * of equals. With 12 connections at weight 3 and 5 at weight 1, the first is chosen: 4 < 5.
 *
 * Source: Linux ip_vs_wlc.
 */
export function wlc(surroundings: Surroundings): CountsScheduler {
  return leastLoaded('wlc', { load: overhead(surroundings), isWeighted: true });
}

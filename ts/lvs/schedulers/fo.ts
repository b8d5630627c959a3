import type { CountsScheduler } from '../scheduler.ts';
import { leastLoaded } from './least_loaded.ts';

/**
 * Failover: the destination of the highest weight, the first of equals. Others get something
 * only while it is overloaded, or its weight is lowered.
 *
 * Source: Linux ip_vs_fo.
 */
export function fo(): CountsScheduler {
  return leastLoaded('fo', { load: () => 1, isWeighted: true });
}

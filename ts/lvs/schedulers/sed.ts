import type { CountsScheduler } from '../scheduler.ts';
import { leastLoaded } from './least_loaded.ts';

/**
 * Shortest expected delay: the destination that would have the fewest active connections for its
 * weight, the new one included; the first of equals. Idle destinations of weights 1 and 3 stand
 * at 1 and 1/3: the second is chosen. Inactive connections do not count.
 *
 * Source: Linux ip_vs_sed.
 */
export function sed(): CountsScheduler {
  return leastLoaded('sed', { load: (active) => active + 1, isWeighted: true });
}

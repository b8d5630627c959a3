import type { CountsScheduler, Surroundings } from '../scheduler.ts';
import { wlc } from './wlc.ts';

/** wlc, in the place and under the name of a scheduler that cannot choose; `complaint` says why. */
export function standIn(
  name: string,
  surroundings: Surroundings,
  complaint: string,
): CountsScheduler {
  return { ...wlc(surroundings), name, complaint };
}

import type { Scheduler } from '../scheduler.ts';
import { lc } from './lc.ts';
import { rr } from './rr.ts';
import { wlc } from './wlc.ts';
import { wrr } from './wrr.ts';

const makers: ReadonlyMap<string, () => Scheduler> = new Map(Object.entries({ rr, wrr, lc, wlc }));

/** The scheduler of a service for which none was named. */
export const DEFAULT_SCHEDULER = 'wlc';

/** The names of all schedulers. */
export const SCHEDULER_NAMES: readonly string[] = [...makers.keys()];

/** A new scheduler, for one service; undefined when none has the name. */
export function makeScheduler(name: string): Scheduler | undefined {
  return makers.get(name)?.();
}

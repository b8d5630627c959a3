import type { Scheduler } from '../scheduler.ts';
import { DEFAULT_SETTINGS, type Settings } from '../settings.ts';
import { dh } from './dh.ts';
import { lc } from './lc.ts';
import { mh } from './mh.ts';
import { rr } from './rr.ts';
import { sh } from './sh.ts';
import { wlc } from './wlc.ts';
import { wrr } from './wrr.ts';

const makers: ReadonlyMap<string, (settings: Settings) => Scheduler> = new Map(
  Object.entries({
    rr,
    wrr,
    lc,
    wlc,
    dh,
    sh,
    mh: ({ mh_tab_index }: Settings) => mh(mh_tab_index),
  }),
);

/** The scheduler of a service for which none was named. */
export const DEFAULT_SCHEDULER = 'wlc';

/** The names of all schedulers. */
export const SCHEDULER_NAMES: readonly string[] = [...makers.keys()];

/** A new scheduler, for one service; undefined when none has the name. */
export function makeScheduler(name: string, settings = DEFAULT_SETTINGS): Scheduler | undefined {
  return makers.get(name)?.(settings);
}

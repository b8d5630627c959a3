import type { Makers, Scheduler, Surroundings } from '../scheduler.ts';
import { dh } from './dh.ts';
import { fo } from './fo.ts';
import { lblc } from './lblc.ts';
import { lblcr } from './lblcr.ts';
import { lc } from './lc.ts';
import { mh } from './mh.ts';
import { nq } from './nq.ts';
import { ovf } from './ovf.ts';
import { rr } from './rr.ts';
import { sed } from './sed.ts';
import { sh } from './sh.ts';
import { twos } from './twos.ts';
import { wlc } from './wlc.ts';
import { wrr } from './wrr.ts';

const makers: Makers = new Map(
  Object.entries({
    rr,
    wrr,
    lc,
    wlc,
    lblc,
    lblcr,
    dh,
    sh,
    sed,
    nq,
    fo,
    ovf,
    mh: ({ settings }: Surroundings) => mh(settings.mh_tab_index),
    twos,
  }),
);

/** The scheduler of a service for which none was named. */
export const DEFAULT_SCHEDULER = 'wlc';

/** The names of LVS's schedulers. */
export const SCHEDULER_NAMES: readonly string[] = [...makers.keys()];

/** A new scheduler, for one service; undefined when none has the name. */
export function makeScheduler(name: string, surroundings: Surroundings): Scheduler | undefined {
  const make = makers.get(name) ?? surroundings.schedulers?.get(name);
  return make?.(surroundings);
}

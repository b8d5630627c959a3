import { accessSync, constants } from 'node:fs';
import { createRequire } from 'node:module';
import { resolve } from 'node:path';
import { types } from 'node:util';
import type { Makers, MakeScheduler } from '../lvs/scheduler.ts';
import { SCHEDULER_NAMES } from '../lvs/schedulers/index.ts';
import { adapt } from './adapter.ts';
import { within } from './guard.ts';
import type { Scheduler } from './scheduler.ts';

/** How long a module may take to load, and then one call, in which it may be asked many times. */
const LOAD_MS = 2_000;
const CALL_MS = 100;

const KINDS = ['sequence', 'counts', 'flow'];

/** A file of which no scheduler can be had; the message is one line. */
export class SchedulerFileError extends Error {
  override readonly name = 'SchedulerFileError';
}

/** The schedulers of the user's files, by name. Throws SchedulerFileError. */
export function loadSchedulers(files: readonly string[]): Makers {
  const makers = new Map<string, MakeScheduler>();
  for (const file of new Set(files.map((each) => resolve(each)))) {
    const scheduler = check(file, load(file));
    const { name } = scheduler;
    if (SCHEDULER_NAMES.includes(name) || makers.has(name)) {
      throw new SchedulerFileError(`${file}: scheduler.name: expected a new one, received ${name}`);
    }
    makers.set(name, adapt(scheduler, within(CALL_MS)));
  }
  return makers;
}

function load(file: string): unknown {
  const isTypeScript = /\.[mc]?ts$/.test(file);
  const stripsTypes = Boolean((process.features as { typescript?: unknown }).typescript);
  if (isTypeScript && !stripsTypes) {
    throw new SchedulerFileError(
      `${file}: expected JavaScript: Node.js ${process.versions.node} does not strip types, ` +
        'as 22.18 and later ones do',
    );
  }
  try {
    accessSync(file, constants.R_OK);
    let loaded: unknown;
    within(LOAD_MS)(() => {
      loaded = createRequire(file)(file);
    });
    return (Object(loaded) as { readonly scheduler?: unknown }).scheduler;
  } catch (cause) {
    const [reason] = (cause instanceof Error ? cause.message : String(cause)).split('\n');
    throw new SchedulerFileError(`${file}: expected a module: ${reason}`, { cause });
  }
}

function check(file: string, exported: unknown): Scheduler {
  const { name, kind, choose } = Object(exported) as Partial<Record<keyof Scheduler, unknown>>;
  const isName = typeof name === 'string' && /^[a-z][a-z0-9_-]{0,14}$/i.test(name);
  const isFunction = typeof choose === 'function' && !types.isAsyncFunction(choose);
  const demands: readonly (readonly [boolean, string])[] = [
    [exported !== undefined, 'scheduler: expected to be exported'],
    [isName, 'scheduler.name: expected a letter, then up to 14 letters, digits, - and _'],
    [KINDS.includes(String(kind)), `scheduler.kind: expected one of ${KINDS.join(', ')}`],
    [isFunction, 'scheduler.choose: expected a function that is not async'],
  ];
  const failed = demands.find(([isMet]) => !isMet);
  if (failed === undefined) return exported as Scheduler;
  throw new SchedulerFileError(`${file}: ${failed[1]}`);
}

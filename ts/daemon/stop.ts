import { rmSync } from 'node:fs';
import { Client, NoDaemonError } from '../api/client.ts';
import type { Addon } from '../native/addon.ts';
import { findAttached } from './adoption.ts';
import { takeLock } from './lock.ts';
import { makeFolder, type RuntimeFiles, removeFiles } from './runtime_files.ts';
import { StartError } from './start.ts';

/** How long a director may take to end. */
const STOP_TIMEOUT_S = 10;

/** What to stop: this network namespace's director. */
export interface StopOptions {
  readonly addon: Addon;
  readonly files: RuntimeFiles;
  /** Every interface of the namespace. */
  readonly links: readonly { readonly ifindex: number; readonly name: string }[];
  /** Also take the program from every interface, and forget the rules. */
  readonly detach: boolean;
}

/**
 * Ends the director of this network namespace; resolves, once it is gone, to what is to be told.
 * With `detach` also where none runs: an earlier one's program may still be attached.
 */
export async function stopDirector(options: StopOptions): Promise<string> {
  const { addon, files, links, detach } = options;
  const ran = await askToStop(detach);
  makeFolder(files);
  if (takeLock(files.lock, STOP_TIMEOUT_S) === undefined) {
    throw new StartError(`the director did not end within ${STOP_TIMEOUT_S} s`);
  }
  const attached = links.filter(({ ifindex }) => findAttached(addon, [ifindex]).size > 0);
  const names = attached.map(({ name }) => name).join(', ');
  if (detach) forget(options);
  removeFiles(files);
  if (!ran && !detach) throw new StartError(notRunning(names));
  const who = ran ? 'director stopped' : 'no director was running';
  if (detach) return `${who}; nothing of it is left`;
  return names === '' ? who : `${who}; its program stays attached to ${names}, connections go on`;
}

/** Takes the program from every interface where it is, and removes rules and log. */
export function forget({ addon, files, links }: Omit<StopOptions, 'detach'>): void {
  const ifindexes = links.map(({ ifindex }) => ifindex);
  for (const [ifindex, { id }] of findAttached(addon, ifindexes)) addon.detach(ifindex, id);
  for (const path of [files.journal, `${files.journal}.damaged`, files.log]) {
    rmSync(path, { force: true });
  }
}

async function askToStop(detach: boolean): Promise<boolean> {
  try {
    await new Client().stop({ detach });
    return true;
  } catch (error) {
    if (error instanceof NoDaemonError) return false;
    throw error;
  }
}

function notRunning(names: string): string {
  const left = `; its program is attached to ${names} (--stop --detach removes it)`;
  return `no director runs in this network namespace${names === '' ? '' : left}`;
}

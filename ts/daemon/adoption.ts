import { PROGRAM } from '../dataplane/interfaces.ts';
import { PastDataPlane } from '../dataplane/past.ts';
import { mapSizes } from '../dataplane/xdp.ts';
import { Limits } from '../native/abi.gen.ts';
import {
  type Addon,
  type AttachedProgram,
  type BpfObject,
  type BpfObjectOptions,
  objectPath,
} from '../native/addon.ts';
import type { Config } from './config.ts';

/** Every map that a successor goes on with; what is not listed belongs to one object alone. */
const MAPS = [
  'settings',
  'addresses',
  'stations',
  'buckets',
  'connections',
  'services',
  'schedules',
  'rings',
  'destinations',
  'destination_counters',
  'verdicts',
  'next_hops',
  'interfaces',
  'sockets',
  'capture',
  'captured',
] as const;

/** The kernel keeps so many characters of a map's name. */
const MAP_NAME_LENGTH = 15;

/** The data plane of this process: its own, or that of a daemon before it. */
export interface OpenedObject {
  readonly object: BpfObject;
  /** The program whose maps these are. */
  readonly adopted?: AttachedProgram;
  /** The data plane of another layout whose connections are to be moved. */
  readonly past?: PastDataPlane;
  /** Why a program that was found is not continued. */
  readonly refused?: string;
}

/** What an earlier daemon left attached, by interface index. */
export function findAttached(
  addon: Addon,
  ifindexes: readonly number[],
): ReadonlyMap<number, AttachedProgram> {
  const found = new Map<number, AttachedProgram>();
  for (const ifindex of ifindexes) {
    const attached = addon.attachedProgram(ifindex, PROGRAM);
    if (attached !== undefined && !attached.hidden) found.set(ifindex, attached);
  }
  return found;
}

/**
 * Opens the object over the maps of a program that is attached, so that its connections and
 * counters go on; or, where there is none or it has another layout, over maps of its own.
 */
export function openObject(
  addon: Addon,
  attached: AttachedProgram | undefined,
  { connections, destinations }: Pick<Config, 'connections' | 'destinations'>,
): OpenedObject {
  const cpus = addon.possibleCpus();
  const maxEntries = mapSizes({ connections, destinations, cpus });
  const open = (reuse: BpfObjectOptions['reuse']) =>
    new addon.BpfObject(objectPath(), { maxEntries, reuse });
  if (attached === undefined) return { object: open({}) };
  try {
    const past = new PastDataPlane(attached, addon.openMap);
    if (past.version !== Limits.ABI_VERSION) return { object: open({}), past };
    return { object: open(mapsOf(attached)), adopted: attached };
  } catch (error) {
    const refused = error instanceof Error ? error.message : String(error);
    return { object: open({}), refused };
  }
}

function mapsOf({ maps }: AttachedProgram): Readonly<Record<string, number>> {
  const ids = MAPS.map((name) => {
    const id = maps[name.slice(0, MAP_NAME_LENGTH)];
    if (id === undefined) throw new Error(`expected a map ${name}, received none`);
    return [name, id] as const;
  });
  return Object.fromEntries(ids);
}

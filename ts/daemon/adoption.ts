import { PROGRAM } from '../dataplane/interfaces.ts';
import { mapSizes } from '../dataplane/xdp.ts';
import { Limits, Settings } from '../native/abi.gen.ts';
import {
  type Addon,
  type AttachedProgram,
  type BpfObject,
  type BpfObjectOptions,
  objectPath,
} from '../native/addon.ts';

/** Every map that a successor goes on with; what is not listed belongs to one object alone. */
const MAPS = [
  'settings',
  'flows',
  'connections',
  'services',
  'destinations',
  'destination_counters',
  'verdicts',
  'interfaces',
  'sockets',
] as const;

/** The kernel keeps so many characters of a map's name. */
const MAP_NAME_LENGTH = 15;

/** The data plane of this process: its own, or that of a daemon before it. */
export interface OpenedObject {
  readonly object: BpfObject;
  /** The program whose maps these are; undefined where everything is new. */
  readonly adopted: AttachedProgram | undefined;
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
    if (attached !== undefined) found.set(ifindex, attached);
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
  connections: number,
): OpenedObject {
  const maxEntries = mapSizes(connections, addon.possibleCpus());
  const open = (reuse: BpfObjectOptions['reuse']) =>
    new addon.BpfObject(objectPath(), { maxEntries, reuse });
  if (attached === undefined) return { object: open({}), adopted: undefined };
  try {
    const object = open(mapsOf(attached));
    checkVersion(object);
    return { object, adopted: attached };
  } catch (error) {
    const refused = error instanceof Error ? error.message : String(error);
    return { object: open({}), adopted: undefined, refused };
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

function checkVersion(object: BpfObject): void {
  const view = new DataView(object.map('settings').mmap());
  const version = Settings.abiVersion(view, 0);
  if (version === Limits.ABI_VERSION) return;
  object.close();
  throw new Error(`expected layout ${Limits.ABI_VERSION}, received layout ${version}`);
}

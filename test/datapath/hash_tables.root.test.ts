import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { mapSizes } from '../../ts/dataplane/xdp.ts';
import { type BpfMap, type BpfObject, loadAddon, packageRoot } from '../../ts/native/addon.ts';
import { RECORDED_TABLES, type TableCase, TableReplay } from '../support/table_replay.ts';
import { PacketCrowd, type Target } from './packet_crowd.ts';

const { BpfObject: Loaded, possibleCpus } = loadAddon();
const CONNECTIONS = 35;
const DESTINATIONS = 64;

/*
 * The recorded choices of dh, sh and mh through the XDP program, verified and compiled by the
 * kernel. No daemon lives here, so it has nobody to ask.
 */
describe.each(['bpftool', 'bpf_linker'])('the object that %s linked', (linker) => {
  const path = join(packageRoot(), 'build', `director.${linker}.o`);
  const missing = !existsSync(path);
  let object: BpfObject;
  let target: Target;

  beforeAll(() => {
    if (missing) return;
    const sizes = mapSizes({
      connections: CONNECTIONS,
      destinations: DESTINATIONS,
      cpus: possibleCpus(),
    });
    object = new Loaded(path, { maxEntries: { ...sizes, schedules: 1 }, reuse: {} });
    target = {
      object: { map: mappedOnce(object) },
      send: (frame) => object.testRun('xlvs_director', frame, 1),
    };
  });
  afterAll(() => object?.close());
  beforeEach(({ skip }) => skip(missing, 'bpf-linker is not there'));

  function check(recorded: TableCase, exact: boolean): void {
    const replay = new TableReplay(recorded, new PacketCrowd(target), { exact });
    expect(recorded.events.map((event) => replay.happen(event))).toEqual(recorded.events);
  }

  test.for(RECORDED_TABLES)('kernel IPVS chose as XDP does: $name', (one) => check(one, false));

  test('the tables of services that are scheduled one by one serve where no daemon lives', () => {
    for (const recorded of RECORDED_TABLES) check(recorded, true);
  });
});

/** An object's maps, each of which has its memory mapped no more than once. */
function mappedOnce(object: BpfObject): (name: string) => BpfMap {
  const maps = new Map<string, BpfMap>();
  return (name) => {
    const known = maps.get(name);
    if (known) return known;
    const map = object.map(name);
    let memory: ArrayBuffer | undefined;
    const mmap = (): ArrayBuffer => {
      memory ??= map.mmap();
      return memory;
    };
    const mapped = new Proxy(map, {
      get: (_, member) => {
        if (member === 'mmap') return mmap;
        const value: unknown = Reflect.get(map, member, map);
        return typeof value === 'function' ? value.bind(map) : value;
      },
    });
    maps.set(name, mapped);
    return mapped;
  };
}

import { expect, test } from 'vitest';
import { loadAddon } from '../../ts/native/addon.ts';
import { FakeMap, fakeObject } from '../support/fake_bpf.ts';
import { RECORDED_TABLES, TableReplay } from '../support/table_replay.ts';
import { PacketCrowd, type Target } from './packet_crowd.ts';

const { MemoryDirector } = loadAddon();

/** The packet code as the slow path has it compiled, over plain memory. */
function nativeTarget(): Target {
  const director = new MemoryDirector();
  const { object, maps } = fakeObject();
  class Services extends FakeMap {
    override set(key: Uint8Array, value: Uint8Array): void {
      super.set(key, value);
      director.putService(key, value[0]!);
    }
  }
  const { id, valueSize, maxEntries } = maps.services!;
  const services = new Services(id, valueSize, maxEntries);
  const memory: Readonly<Record<string, ArrayBuffer>> = {
    ...(director as unknown as Record<string, ArrayBuffer>),
    destination_counters: director.counters,
  };
  const map = (name: string) =>
    name === 'services' ? services : Object.assign(object.map(name), { mmap: () => memory[name]! });
  return { object: { map }, send: (frame) => director.run(frame) };
}

test.for(RECORDED_TABLES)('kernel IPVS chose as the packet code does: $name', (recorded) => {
  const replay = new TableReplay(recorded, new PacketCrowd(nativeTarget()));
  expect(recorded.events.map((event) => replay.happen(event))).toEqual(recorded.events);
});

import { test } from 'vitest';
import { Settings } from '../../ts/native/abi.gen.ts';
import { loadAddon } from '../../ts/native/addon.ts';
import { FakeMap } from '../support/fake_bpf.ts';
import { PACKET_CASES, replayCase, type Target } from './persistence_replay.ts';

const { MemoryDirector } = loadAddon();
const TICKS = { jiffies: 1_000_000, hz: 100 } as const;

/** The packet code as the slow path has it compiled, over plain memory. */
function nativeTarget(): Target {
  const director = new MemoryDirector();
  director.setClock(TICKS.jiffies);
  Settings.setHz(new DataView(director.settings), 0, TICKS.hz);
  class Services extends FakeMap {
    override set(key: Uint8Array, value: Uint8Array): void {
      director.putService(key, value[0]!);
    }
  }
  const services = new Services(0, 0, 0);
  const memory: Readonly<Record<string, ArrayBuffer>> = {
    ...(director as unknown as Record<string, ArrayBuffer>),
    destination_counters: director.counters,
    next_hops: director.nextHops,
    mark_steps: director.markSteps,
  };
  const map = (name: string) =>
    name === 'services'
      ? services
      : Object.assign(new FakeMap(0, 0, 0), { mmap: () => memory[name]! });
  return {
    object: { map },
    send: (frame) => director.run(frame),
    clock: () => TICKS,
    sweep: () => director.sweep(),
  };
}

test.for(PACKET_CASES)('the packet code remembers clients as kernel IPVS does: $name', (recorded) =>
  replayCase(nativeTarget(), recorded),
);

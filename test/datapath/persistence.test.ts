import { test } from 'vitest';
import { Settings } from '../../ts/native/abi.gen.ts';
import { loadAddon } from '../../ts/native/addon.ts';
import { PACKET_CASES, replayCase, type Target } from './persistence_replay.ts';
import { memoryObject } from './targets.ts';

const { MemoryDirector } = loadAddon();
const TICKS = { jiffies: 1_000_000, hz: 100 } as const;

/** The packet code as the slow path has it compiled, over plain memory. */
function nativeTarget(): Target {
  const director = new MemoryDirector();
  director.setClock(TICKS.jiffies);
  Settings.setHz(new DataView(director.settings), 0, TICKS.hz);
  return {
    object: memoryObject(director),
    send: (frame) => director.run(frame),
    clock: () => TICKS,
    sweep: () => director.sweep(),
  };
}

test.for(PACKET_CASES)('the packet code remembers clients as kernel IPVS does: $name', (recorded) =>
  replayCase(nativeTarget(), recorded),
);

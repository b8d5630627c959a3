import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, test } from 'vitest';
import { mapSizes } from '../../ts/dataplane/xdp.ts';
import { Settings } from '../../ts/native/abi.gen.ts';
import { type BpfObject, loadAddon, packageRoot } from '../../ts/native/addon.ts';
import { PACKET_CASES, replayCase, type Target } from './persistence_replay.ts';

const addon = loadAddon();
const CONNECTIONS = 700;
const DESTINATIONS = 64;

/* The recorded cases through the XDP program, verified and compiled by the kernel. */
describe.each(['bpftool', 'bpf_linker'])('the object that %s linked', (linker) => {
  const path = join(packageRoot(), 'build', `director.${linker}.o`);
  const missing = !existsSync(path);
  let object: BpfObject;
  let target: Target;

  beforeAll(() => {
    if (missing) return;
    const cpus = addon.possibleCpus();
    const sizes = mapSizes({ connections: CONNECTIONS, destinations: DESTINATIONS, cpus });
    object = new addon.BpfObject(path, { maxEntries: sizes, reuse: {} });
    target = xdpTarget(object);
  });
  afterAll(() => object?.close());
  beforeEach(({ skip }) => skip(missing, 'bpf-linker is not there'));

  test.for(PACKET_CASES)('XDP remembers clients as kernel IPVS does: $name', (recorded) =>
    replayCase(target, recorded),
  );
});

function xdpTarget(object: BpfObject): Target {
  Settings.setDestinations(new DataView(object.map('settings').mmap()), 0, DESTINATIONS);
  const pending = new ArrayBuffer(8 * DESTINATIONS);
  const daemon = new addon.SlowPath({ object, pending, backlog: 0 });
  // It keeps house when it is told to, and not meanwhile.
  daemon.stop();
  return {
    object,
    send: (frame) => object.testRun('xlvs_director', frame, 1),
    clock: () => daemon.clock(),
    sweep: () => daemon.sweep(),
  };
}

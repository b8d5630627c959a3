import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { packageRoot } from '../../ts/native/addon.ts';
import type { PacketCase, VerdictName } from './case.ts';
import { CASES, TRUNCATIONS, WITHOUT_DAEMON } from './cases.ts';
import { FastPath } from './fast_path.ts';
import { expected } from './outcome.ts';

/*
 * The cases through the XDP program, verified and compiled by the kernel. The memory that C++
 * filled in for native.test.ts is copied into the maps, so both targets see the same bytes.
 */
const ETHERNET_BYTES = 14;

/** What XDP returns for a verdict, by its first word. Source: enum xdp_action of linux/bpf.h. */
const ACTIONS: Readonly<Record<string, number>> = { dropped: 1, passed: 2, forwarded: 4 };

const XDP_TX = 3;

/**
 * No interface is in the map of interfaces, so whatever XDP raises finds no slow path: it is
 * dropped, and counted so.
 */
function withoutSlowPath({ verdict }: PacketCase): VerdictName {
  return verdict.startsWith('raised_') ? 'dropped_no_slow_path' : verdict;
}

describe.each(['bpftool', 'bpf_linker'])('the object that %s linked', (linker) => {
  const path = join(packageRoot(), 'build', `director.${linker}.o`);
  const missing = !existsSync(path);
  let fastPath: FastPath;

  beforeAll(() => {
    if (!missing) fastPath = new FastPath(path);
  });
  afterAll(() => fastPath?.close());
  beforeEach(({ skip }) => skip(missing, 'bpf-linker is not there'));

  // A test run does not show by which interface a frame leaves; native.test.ts compares that.
  function check(packetCase: PacketCase): void {
    const verdict = withoutSlowPath(packetCase);
    const { action, left } = fastPath.run(packetCase);
    expect(left, packetCase.name).toEqual(expected(packetCase, verdict));
    const wanted = packetCase.transmitted ? XDP_TX : ACTIONS[verdict.split('_')[0] ?? ''];
    expect(action, packetCase.name).toBe(wanted);
  }

  describe.each(Object.entries({ ...CASES, ...WITHOUT_DAEMON }))('%s', (_, cases) => {
    for (const one of cases) test(one.name, () => check(one));
  });

  describe('a frame cut at every length', () => {
    for (const { name, cuts } of TRUNCATIONS) {
      // The kernel runs no frame without an Ethernet header.
      const long = cuts.filter(({ frame }) => frame.length >= ETHERNET_BYTES);
      test(name, () => long.forEach(check));
    }
  });
});

import { describe, expect, test } from 'vitest';
import { loadAddon } from '../../ts/native/addon.ts';
import type { PacketCase } from './case.ts';
import { CASES, TRUNCATIONS } from './cases.ts';
import { clearCounters, expected, outcome } from './outcome.ts';
import { fill } from './tables.ts';

const { MemoryDirector } = loadAddon();

/** Runs a case over plain memory: the packet code as the slow path has it compiled. */
function check(packetCase: PacketCase): void {
  const director = new MemoryDirector();
  fill(director, packetCase);
  clearCounters(director);
  const { frame, ifindex } = director.run(packetCase.frame);
  expect(outcome(frame, director), packetCase.name).toEqual(
    expected(packetCase, packetCase.verdict),
  );
  expect(ifindex, packetCase.name).toBe(packetCase.egress ?? 0);
}

describe.each(Object.entries(CASES))('%s', (_, cases) => {
  for (const one of cases) test(one.name, () => check(one));
});

describe('a frame cut at every length', () => {
  for (const { name, cuts } of TRUNCATIONS) test(name, () => cuts.forEach(check));
});

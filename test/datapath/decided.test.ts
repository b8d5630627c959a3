import { describe, expect, test } from 'vitest';
import { Destination, Verdict } from '../../ts/native/abi.gen.ts';
import { loadAddon } from '../../ts/native/addon.ts';
import { opening, type Way } from './case.ts';
import { DESTINATION, fill } from './tables.ts';

const { MemoryDirector } = loadAddon();

describe.each([4, 6] as const)('an IPv%d connection that the slow path has decided', (family) => {
  const way: Way = { family, protocol: 'tcp', method: 'masq', direction: 'in' };

  /** What becomes of it where its destination is changed meanwhile. */
  function verdict(change: (view: DataView, at: number, value: number) => void, to: number) {
    const begin = opening('', way);
    const director = new MemoryDirector();
    fill(director, begin);
    change(new DataView(director.destinations), DESTINATION * Destination.size, to);
    return director.run(begin.frame, DESTINATION).verdict;
  }

  test('goes to an overloaded destination, which lblc may want', () => {
    expect(verdict(Destination.setOverloaded, 1)).toBe(Verdict.FORWARDED_IN);
    expect(verdict(Destination.setUpper, 1)).toBe(Verdict.FORWARDED_IN);
  });

  test('is raised again where the rules no longer let it go there', () => {
    expect(verdict(Destination.setWeight, 0)).toBe(Verdict.RAISED_NEW);
    expect(verdict(Destination.setAvailable, 0)).toBe(Verdict.RAISED_NEW);
  });
});

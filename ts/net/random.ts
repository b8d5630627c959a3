/** Numbers from 0 up to, but not including, 1. */
export type Random = () => number;

/**
 * Random numbers that are the same for the same seed: for simulations and tests.
 *
 * Source: Steele, Lea and Flood, "Fast Splittable Pseudorandom Number Generators", cut to 32 bits.
 */
export function seededRandom(seed: number): Random {
  let state = seed | 0;
  return () => {
    state = (state + 0x9e37_79b9) | 0;
    let mixed = Math.imul(state ^ (state >>> 16), 0x85eb_ca6b);
    mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2_ae35);
    return ((mixed ^ (mixed >>> 16)) >>> 0) / 2 ** 32;
  };
}

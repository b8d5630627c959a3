// Hot: runs per destination and connection. Do not allocate.

/** How many inactive connections weigh as much as an active one. Source: Linux ip_vs.h. */
const INACTIVE_PER_ACTIVE = 256;

/** The load that connections are taken for. */
export function overhead(active: number, inactive: number): number {
  return active * INACTIVE_PER_ACTIVE + inactive;
}

/**
 * Whether a/weightA < b/weightB, exactly: as integers, multiplied crosswise.
 * Weight 0 is an infinite load, and less than nothing.
 */
export function lighter(a: number, weightA: number, b: number, weightB: number): boolean {
  const left = a * weightB;
  const right = b * weightA;
  if (left !== right || left <= Number.MAX_SAFE_INTEGER) return left < right;
  // Rounding keeps the order but can hide a difference; it takes weights in the millions.
  return BigInt(a) * BigInt(weightB) < BigInt(b) * BigInt(weightA);
}

// Hot: runs per destination and connection. Do not allocate.
import type { Surroundings } from '../scheduler.ts';

/**
 * The load that a destination's connections are, a whole number; FULL where it is to get no more.
 */
export type Load = (active: number, inactive: number, weight: number) => number;

/** More than any load. */
export const FULL = Number.MAX_SAFE_INTEGER;

/**
 * The load by which least-connection schedulers go: an active connection is as much as 256
 * inactive ones, or, as the setting `overhead` says, 257.
 *
 * Source: Linux ip_vs_dest_conn_overhead; stable kernels of 2026 count active ones once more.
 */
export function overhead(surroundings: Pick<Surroundings, 'settings'>): Load {
  return (active, inactive) => active * surroundings.settings.overhead + inactive;
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

import type { Counters } from './dataplane.ts';

/** Counters as decimal text, which JSON can carry. */
export type CountersText = { readonly [name in keyof Counters]: string };

/** Nothing counted. */
export const NO_COUNTERS: Readonly<Counters> = Object.freeze({
  connections: 0n,
  inPackets: 0n,
  outPackets: 0n,
  inBytes: 0n,
  outBytes: 0n,
});

// Most of many destinations have counted nothing: that is always this very object.

/** a + b, each counter for itself. */
export function sum(a: Readonly<Counters>, b: Readonly<Counters>): Readonly<Counters> {
  if (b === NO_COUNTERS) return a;
  return {
    connections: a.connections + b.connections,
    inPackets: a.inPackets + b.inPackets,
    outPackets: a.outPackets + b.outPackets,
    inBytes: a.inBytes + b.inBytes,
    outBytes: a.outBytes + b.outBytes,
  };
}

/** a - b, each counter for itself. */
export function difference(a: Readonly<Counters>, b: Readonly<Counters>): Readonly<Counters> {
  if (b === NO_COUNTERS) return a;
  return {
    connections: a.connections - b.connections,
    inPackets: a.inPackets - b.inPackets,
    outPackets: a.outPackets - b.outPackets,
    inBytes: a.inBytes - b.inBytes,
    outBytes: a.outBytes - b.outBytes,
  };
}

/** Whether every counter is zero. */
export function isZero(counters: Readonly<Counters>): boolean {
  return Object.values(counters).every((count) => count === 0n);
}

/** The counters as text. */
export function countersText(counters: Readonly<Counters>): CountersText {
  return counters === NO_COUNTERS ? NO_COUNTERS_TEXT : asText(counters);
}

function asText(counters: Readonly<Counters>): CountersText {
  return {
    connections: String(counters.connections),
    inPackets: String(counters.inPackets),
    outPackets: String(counters.outPackets),
    inBytes: String(counters.inBytes),
    outBytes: String(counters.outBytes),
  };
}

const NO_COUNTERS_TEXT = Object.freeze(asText(NO_COUNTERS));

/** The counters that a text spells. */
export function parseCounters(text: CountersText): Counters {
  return {
    connections: BigInt(text.connections),
    inPackets: BigInt(text.inPackets),
    outPackets: BigInt(text.outPackets),
    inBytes: BigInt(text.inBytes),
    outBytes: BigInt(text.outBytes),
  };
}

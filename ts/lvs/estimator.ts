import { difference, NO_COUNTERS } from './counters.ts';
import type { Counters } from './dataplane.ts';
import type { Undo } from './undo.ts';

/** How often an estimator wants to be told what was counted, in seconds. */
export const ESTIMATION_S = 2;

/** What is counted a second. */
export type Rates = Counters;

/** Binary digits behind the point of an average: bytes have fewer, to leave room above. */
const EVENT_DIGITS = 10n;
const BYTE_DIGITS = 5n;

/** How many binary digits half an interval is: 2 s. */
const INTERVAL_DIGITS = 1n;

/** Each sample counts a quarter, so that an average looks back about eight seconds. */
const WEIGHT_DIGITS = 2n;

/**
 * How fast something is counted, as LVS estimates it: a moving average in fixed point, of 64 bits,
 * over samples taken every two seconds. The arithmetic is LVS's to the last bit, since what is
 * listed are its roundings: a shift goes down, and what is read to the nearest, a half down.
 *
 * Source: Linux ip_vs_est.
 */
export class Estimator {
  #counted: Readonly<Counters> = NO_COUNTERS;
  #averages: Readonly<Counters> = NO_COUNTERS;

  /** What had been counted at the last sample. */
  get counted(): Readonly<Counters> {
    return this.#counted;
  }

  /** Whether nothing moved lately: then a sample in which nothing was counted changes nothing. */
  get isIdle(): boolean {
    return this.#averages === NO_COUNTERS;
  }

  /** The rates, as they are listed. */
  get rates(): Readonly<Rates> {
    return this.isIdle ? NO_COUNTERS : each(this.#averages, NO_COUNTERS, rounded);
  }

  /** Takes what was counted by now; to be called every ESTIMATION_S. Returns what is new of it. */
  sample(counted: Readonly<Counters>): Readonly<Counters> {
    const more = this.skip(counted);
    const averages = each(this.#averages, more, approach);
    this.#averages = Object.values(averages).some(Boolean) ? averages : NO_COUNTERS;
    return more;
  }

  /** The same without any effect on the rates. */
  skip(counted: Readonly<Counters>): Readonly<Counters> {
    const more = difference(counted, this.#counted);
    this.#counted = counted;
    return more;
  }

  /** Makes the rates zero. */
  zero(): Undo {
    const before = this.#averages;
    this.#averages = NO_COUNTERS;
    return () => {
      this.#averages = before;
    };
  }
}

/** Brings an average nearer to the rate at which so much more was counted. */
function approach(average: bigint, more: bigint, digits: bigint): bigint {
  const rate = BigInt.asUintN(64, more << (digits - INTERVAL_DIGITS));
  return BigInt.asUintN(64, average + (BigInt.asIntN(64, rate - average) >> WEIGHT_DIGITS));
}

function rounded(average: bigint, _: bigint, digits: bigint): bigint {
  return (average + (1n << (digits - 1n)) - 1n) >> digits;
}

function each(
  a: Readonly<Counters>,
  b: Readonly<Counters>,
  combine: (a: bigint, b: bigint, digits: bigint) => bigint,
): Counters {
  return {
    connections: combine(a.connections, b.connections, EVENT_DIGITS),
    inPackets: combine(a.inPackets, b.inPackets, EVENT_DIGITS),
    outPackets: combine(a.outPackets, b.outPackets, EVENT_DIGITS),
    inBytes: combine(a.inBytes, b.inBytes, BYTE_DIGITS),
    outBytes: combine(a.outBytes, b.outBytes, BYTE_DIGITS),
  };
}

// Hot: find runs per connection. Do not allocate there.
import type { Surroundings } from '../scheduler.ts';
import type { SettingName } from '../settings.ts';
import { fold, hash32 } from './hashed.ts';

/** What is remembered of a virtual address. */
export interface Entry {
  /** 4 or 16 bytes. */
  readonly address: Uint8Array;
  /** When it was asked for last. */
  usedMs: number;
}

const BUCKET_BITS = 10;
const BUCKETS = 2 ** BUCKET_BITS;

/**
 * Entries that there may be for long, and at all. LVS has no limit to the latter, or 24,576 in its
 * newest stable kernels; this one is for a flood's sake.
 */
const LASTING_ENTRIES = BUCKETS * 16;
const MOST_ENTRIES = LASTING_ENTRIES * 16;

/** How often entries are collected: a few of too many, and in each n-th round all that expired. */
const ROUND_MS = 60_000;
const FULL_ROUND = 30;

/** How long nobody has asked for entries that go because there are too many. */
const IDLE_MS = 6 * 60_000;

/**
 * What lblc and lblcr remember of virtual addresses. Entries that nobody asks for are forgotten
 * after the time that a setting says; sooner, bucket by bucket, where there are too many. That is
 * done when somebody asks next, as of the moments at which LVS does it by a timer.
 *
 * Source: Linux ip_vs_lblc, ip_vs_lblcr.
 */
export class AddressCache<Own extends Entry> {
  readonly #surroundings: Surroundings;
  readonly #expiration: SettingName;
  readonly #buckets: Own[][] = Array.from({ length: BUCKETS }, () => []);
  #size = 0;
  /** The bucket at which the last round ended. */
  #rover = 0;
  #round = 1;
  #roundMs: number;

  constructor(surroundings: Surroundings, expiration: SettingName) {
    this.#surroundings = surroundings;
    this.#expiration = expiration;
    this.#roundMs = surroundings.now() + ROUND_MS;
  }

  /** The entry of an address, which is in use from now on. */
  find(address: Uint8Array): Own | undefined {
    const nowMs = this.#surroundings.now();
    this.#collect(nowMs);
    const bucket = this.#bucket(address);
    for (let i = 0; i < bucket.length; i++) {
      const entry = bucket[i]!;
      if (!isSame(entry.address, address)) continue;
      entry.usedMs = nowMs;
      return entry;
    }
    return undefined;
  }

  /** Remembers an address that is not known; or does not, where there are too many. */
  add(entry: Own): void {
    if (this.#size >= MOST_ENTRIES) return;
    this.#bucket(entry.address).push(entry);
    this.#size += 1;
  }

  #bucket(address: Uint8Array): Own[] {
    return this.#buckets[hash32(fold(address), BUCKET_BITS)]!;
  }

  #collect(nowMs: number): void {
    for (; this.#roundMs <= nowMs; this.#roundMs += ROUND_MS) {
      if (this.#round === FULL_ROUND) {
        this.#round = 1;
        const expirationMs = this.#surroundings.settings[this.#expiration] * 1_000;
        this.#sweep(this.#roundMs - expirationMs, Number.POSITIVE_INFINITY);
      } else if (this.#size <= LASTING_ENTRIES) {
        this.#round += 1;
      } else {
        const excess = this.#size - LASTING_ENTRIES;
        const goal = Math.min(Math.floor((excess * 4) / 3), LASTING_ENTRIES / 2);
        this.#sweep(this.#roundMs - IDLE_MS, goal);
      }
    }
  }

  /** Forgets what was used last at that time or before, until so many are forgotten. */
  #sweep(untilMs: number, goal: number): void {
    const end = this.#size - goal;
    for (let left = BUCKETS; left > 0 && this.#size > end; left--) {
      this.#rover = (this.#rover + 1) % BUCKETS;
      const bucket = this.#buckets[this.#rover]!;
      const kept = bucket.filter(({ usedMs }) => usedMs > untilMs);
      this.#size -= bucket.length - kept.length;
      this.#buckets[this.#rover] = kept;
    }
  }
}

function isSame(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

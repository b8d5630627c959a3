import { NO_COUNTERS } from '../lvs/counters.ts';
import type { Counters, Dataplane } from '../lvs/dataplane.ts';
import type { MarkRule } from '../lvs/marks/rule.ts';
import type { DestinationSpec, Persistence, ServiceId, Timeouts } from '../lvs/operation.ts';
import type { Ring } from '../lvs/ring.ts';
import type { Settings } from '../lvs/settings.ts';
import { editRelieves, overloads, relieves } from '../lvs/threshold.ts';

/**
 * A data plane without packets: it counts the connections of destinations, and sees whether these
 * are overloaded. It has no rings, so that every connection is scheduled as it comes.
 */
export class SimulatedDataplane implements Dataplane {
  readonly limits: Dataplane['limits'];
  readonly #active: Uint32Array;
  readonly #inactive: Uint32Array;
  readonly #persistent: Uint32Array;
  readonly #overloaded: Uint8Array;
  readonly #available: Uint8Array;
  /** As they were told last, also of removed ones: thresholds outlive a removal. */
  readonly #specs: (DestinationSpec | undefined)[] = [];

  constructor(limits: Dataplane['limits']) {
    this.limits = limits;
    this.#active = new Uint32Array(limits.destinations);
    this.#inactive = new Uint32Array(limits.destinations);
    this.#persistent = new Uint32Array(limits.destinations);
    this.#overloaded = new Uint8Array(limits.destinations);
    this.#available = new Uint8Array(limits.destinations);
  }

  putService(_index: number, _id: ServiceId): void {}

  removeService(_index: number): void {}

  putDestination(index: number, spec: DestinationSpec): void {
    if (editRelieves(this.#thresholds(index), spec)) this.#overloaded[index] = 0;
    this.#specs[index] = spec;
    this.#available[index] = 1;
  }

  removeDestination(index: number): void {
    this.#available[index] = 0;
  }

  clearDestination(index: number): void {
    this.#active[index] = 0;
    this.#inactive[index] = 0;
    this.#persistent[index] = 0;
    this.#overloaded[index] = 0;
    this.#specs[index] = undefined;
  }

  activeConnections(index: number): number {
    return this.#active[index]!;
  }

  inactiveConnections(index: number): number {
    return this.#inactive[index]!;
  }

  persistentConnections(index: number): number {
    return this.#persistent[index]!;
  }

  isOverloaded(index: number): boolean {
    return this.#overloaded[index] !== 0;
  }

  /** Whether the destination is there, and was not removed. */
  isAvailable(index: number): boolean {
    return this.#available[index] !== 0;
  }

  counters(_index: number): Readonly<Counters> {
    return NO_COUNTERS;
  }

  activity(_index: number): number {
    return 0;
  }

  ring(_index: number): Ring {
    return NO_RING;
  }

  setCookies(_index: number, _allowed: boolean): void {}

  setPersistence(_index: number, _persistence: Persistence | undefined): void {}

  setTimeouts(_timeouts: Timeouts): void {}

  setSettings(_settings: Settings): void {}

  setMarks(_rules: readonly MarkRule[]): void {}

  /** A destination gets one more connection. */
  admit(index: number, active: boolean): void {
    this.#counts(active)[index]! += 1;
    if (overloads(this.#connections(index), this.#thresholds(index))) this.#overloaded[index] = 1;
  }

  /** One of its connections counts otherwise from now on. */
  recount(index: number, active: boolean): void {
    this.#counts(!active)[index]! -= 1;
    this.#counts(active)[index]! += 1;
  }

  /** One of its connections is gone. */
  dismiss(index: number, active: boolean): void {
    this.#counts(active)[index]! -= 1;
    if (relieves(this.#connections(index), this.#thresholds(index))) this.#overloaded[index] = 0;
  }

  /** It has so many templates more. */
  addTemplates(index: number, count: number): void {
    this.#persistent[index]! += count;
  }

  #counts(active: boolean): Uint32Array {
    return active ? this.#active : this.#inactive;
  }

  #connections(index: number): number {
    return this.#active[index]! + this.#inactive[index]!;
  }

  /** A destination's; where none was told at the index, none. */
  #thresholds(index: number): Pick<DestinationSpec, 'upperThreshold' | 'lowerThreshold'> {
    return this.#specs[index] ?? NO_THRESHOLDS;
  }
}

const NO_THRESHOLDS = {};

/** A ring that has no room for tickets. */
const NO_RING: Ring = {
  tickets: new Uint32Array(0),
  first: 0,
  size: 0,
  freeMemory: 0,
  head: 0,
  limit: 0,
  freeze: () => 0,
  publish: () => {},
  askAt: () => {},
  isAsked: false,
  setReusable: () => {},
  resize: () => false,
  setTable: () => false,
  writeMark: () => {},
  readMark: () => undefined,
  release: () => {},
};

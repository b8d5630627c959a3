import { NO_COUNTERS } from '../lvs/counters.ts';
import type { Counters } from '../lvs/dataplane.ts';
import { Counters as CountersStruct } from '../native/abi.gen.ts';

/** Words of a struct counters, and at which of them its numbers of events begin. */
const WORDS = CountersStruct.size / 4;
const CONNECTIONS = CountersStruct.connectionsAt / 4;
const IN_PACKETS = CountersStruct.inPacketsAt / 4;
const OUT_PACKETS = CountersStruct.outPacketsAt / 4;

/**
 * The counters of all destinations: a shard for every CPU and a last one for the slow path, each
 * with a struct counters for every destination, so that no two write the same line.
 */
export class Shards {
  readonly #counters: DataView;
  /** The same memory. */
  readonly #words: Uint32Array;
  readonly #shardBytes: number;

  constructor(memory: ArrayBuffer, destinations: number) {
    this.#counters = new DataView(memory);
    this.#words = new Uint32Array(memory);
    this.#shardBytes = destinations * CountersStruct.size;
  }

  /** Changes with the counters of a destination; see Dataplane. Hot. */
  activity(index: number): number {
    return this.#events(index) >>> 0;
  }

  /** The lower halves of all numbers of connections and packets, added: 0 for none. Hot. */
  #events(index: number): number {
    const words = this.#words;
    const step = this.#shardBytes / 4;
    let events = 0;
    for (let at = index * WORDS; at < words.length; at += step) {
      events += words[at + CONNECTIONS]! + words[at + IN_PACKETS]! + words[at + OUT_PACKETS]!;
    }
    return events;
  }

  /** The sum over all shards. */
  counters(index: number): Readonly<Counters> {
    if (this.#events(index) === 0) return NO_COUNTERS;
    const view = this.#counters;
    const total = { ...NO_COUNTERS };
    for (const at of this.#places(index)) {
      total.connections += CountersStruct.connections(view, at);
      total.inPackets += CountersStruct.inPackets(view, at);
      total.outPackets += CountersStruct.outPackets(view, at);
      total.inBytes += CountersStruct.inBytes(view, at);
      total.outBytes += CountersStruct.outBytes(view, at);
    }
    return total;
  }

  clear(index: number): void {
    for (const at of this.#places(index)) {
      new Uint8Array(this.#counters.buffer, at, CountersStruct.size).fill(0);
    }
  }

  /** Tells every CPU whether packets of the destination's connections are dropped: 1 or 0. */
  setRemoved(index: number, removed: number): void {
    for (const at of this.#places(index)) CountersStruct.setRemoved(this.#counters, at, removed);
  }

  /** Makes this what the slow path has counted. */
  put(index: number, counters: Counters): void {
    const view = this.#counters;
    const at = view.byteLength - this.#shardBytes + index * CountersStruct.size;
    CountersStruct.setConnections(view, at, counters.connections);
    CountersStruct.setInPackets(view, at, counters.inPackets);
    CountersStruct.setOutPackets(view, at, counters.outPackets);
    CountersStruct.setInBytes(view, at, counters.inBytes);
    CountersStruct.setOutBytes(view, at, counters.outBytes);
  }

  /** Where the destination's counters are. */
  *#places(index: number): Generator<number> {
    const { byteLength } = this.#counters;
    for (let at = index * CountersStruct.size; at < byteLength; at += this.#shardBytes) yield at;
  }
}

import type { Flow } from '../../ts/lvs/scheduler.ts';
import { fold, MH_KEY } from '../../ts/lvs/schedulers/hashed.ts';
import { hsiphash } from '../../ts/lvs/schedulers/siphash.ts';
import { Schedule, Table, TableKind, TicketLine } from '../../ts/native/abi.gen.ts';

/** The data plane's part of tables, as bpf/lookup.h plays it. */
export class TableReader {
  readonly #schedules: DataView;
  readonly #lines: ArrayBuffer;

  constructor(schedules: ArrayBuffer, lines: ArrayBuffer) {
    this.#schedules = new DataView(schedules);
    this.#lines = lines;
  }

  /** The destination that the service's table has for a flow; undefined where it has none. */
  lookUp(
    service: number,
    flow: Flow,
    isAccepting: (destination: number) => boolean,
  ): number | undefined {
    const at = this.#present(service);
    const slots = Table.slots(this.#schedules, at);
    const kind = Table.kind(this.#schedules, at);
    if (slots === 0 || (kind & TableKind.RESERVE) !== 0) return undefined;
    const first = hash(kind, flow, 0) % slots;
    const right = this.#owner(at, first);
    if (isAccepting(right)) return right;
    const tries = kind & TableKind.FALLBACK ? slots : 0;
    for (let turn = 0; turn < tries; turn++) {
      const next = this.#owner(at, hash(kind, flow, (first + turn) % slots) % slots);
      if (isAccepting(next)) return next;
    }
    return undefined;
  }

  #present(service: number): number {
    const at = service * Schedule.size;
    const holds = Schedule.generation(this.#schedules, at) & 1;
    return at + Schedule.tables.at + holds * Table.size;
  }

  #owner(at: number, slot: number): number {
    const Places = Table.kind(this.#schedules, at) & TableKind.WIDE ? Uint16Array : Uint8Array;
    const places = new Places(this.#lines, Table.slotsLine(this.#schedules, at) * TicketLine.size);
    const membersAt = Table.membersLine(this.#schedules, at) * TicketLine.size;
    return new Uint32Array(this.#lines, membersAt)[places[slot]!]!;
  }
}

function hash(kind: number, flow: Flow, offset: number): number {
  const address = kind & TableKind.VIRTUAL ? flow.virtualAddress : flow.clientAddress;
  const key = fold(address) + (kind & TableKind.PORT ? flow.clientPort : 0);
  if (kind & TableKind.SIPHASH) return hsiphash(key + offset, MH_KEY);
  return (Math.imul(key, 0x61c8_8647) >>> 24) + offset;
}

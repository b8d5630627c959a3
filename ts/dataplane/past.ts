import type { ConnectionState as StateName } from '../lvs/connection.ts';
import type { Counters } from '../lvs/dataplane.ts';
import type { ForwardingMethod } from '../lvs/operation.ts';
import type { AttachedProgram, BpfMap, Fields, Layout } from '../native/addon.ts';

/** A connection as every version knows it. Addresses: 4 or 16 bytes. */
export interface PastConnection {
  readonly caddr: Uint8Array;
  readonly vaddr: Uint8Array;
  readonly daddr: Uint8Array;
  readonly cport: number;
  readonly vport: number;
  readonly dport: number;
  readonly protocol: number;
  /** Index. */
  readonly destination: number;
  readonly state: StateName;
  readonly method: ForwardingMethod;
  readonly seenJiffies: number;
  readonly timeoutJiffies: number;
  readonly isTemplate: boolean;
}

/**
 * The memory of an earlier version's program, read by the names of its fields. Where they are,
 * the BTF tells that the kernel keeps with the maps: nothing here knows any layout. The names are
 * those of bpf/abi.h, of whatever version; what a version did not have is 0.
 */
export class PastDataPlane {
  readonly program: AttachedProgram;
  readonly #layout: Layout;
  readonly #settings: Table;
  readonly #connections: Table;
  /** The second slot of an IPv6 connection, in versions that have one. */
  readonly #addresses: Table | undefined;
  readonly #counters: Table;

  constructor(program: AttachedProgram, open: (id: number) => BpfMap) {
    const map = (name: string) => open(program.maps[name]!);
    const settings = map('settings');
    const layout = settings.layout();
    const table = (of: BpfMap, struct: string) => new Table(of, layout.structs[struct] ?? {});
    const connections = map('connections');
    this.program = program;
    this.#layout = layout;
    this.#settings = table(settings, 'settings');
    this.#connections = table(connections, 'connection');
    this.#addresses =
      'connection_addresses' in layout.structs
        ? table(connections, 'connection_addresses')
        : undefined;
    // The kernel keeps 15 characters of a map's name.
    this.#counters = table(map('destination_cou'), 'counters');
  }

  /** ABI_VERSION of the program. */
  get version(): number {
    return this.#settings.number(0, 'abi_version');
  }

  /** Every live connection. Packets may go on to change them. */
  *connections(): Generator<PastConnection> {
    const table = this.#connections;
    const ipv6 = this.#value('family', 'FAMILY_IPV6');
    const template = this.#value('family', 'FAMILY_TEMPLATE');
    const slots = this.#settings.number(0, 'slots_used') || table.length;
    for (let slot = 0; slot < slots; slot++) {
      const state = this.#liveState(table.number(slot, 'state'));
      if (state === undefined) continue;
      const isTemplate = (table.number(slot, 'family') & template) !== 0;
      const isIpv6 = (table.number(slot, 'family') & ~template) === ipv6;
      yield { ...this.#connection(slot, state, isIpv6), isTemplate };
      if (isIpv6 && this.#addresses) slot++;
    }
  }

  /** What was counted for a destination, on all CPUs together. */
  counters(index: number): Counters {
    const table = this.#counters;
    const stride =
      this.#settings.number(0, 'destinations') || this.#value('limits', 'MAX_DESTINATIONS');
    const sum = (field: string) => {
      let total = 0n;
      for (let at = index; at < table.length; at += stride) total += table.bigint(at, field);
      return total;
    };
    return {
      connections: sum('connections'),
      inPackets: sum('in_packets'),
      outPackets: sum('out_packets'),
      inBytes: sum('in_bytes'),
      outBytes: sum('out_bytes'),
    };
  }

  #connection(slot: number, state: StateName, isIpv6: boolean): Omit<PastConnection, 'isTemplate'> {
    const table = this.#connections;
    const address = (field: string) =>
      isIpv6 && this.#addresses
        ? this.#addresses.bytes(slot + 1, field)
        : table.bytes(slot, field).slice(0, isIpv6 ? 16 : 4);
    return {
      caddr: address('caddr'),
      vaddr: address('vaddr'),
      daddr: address('daddr'),
      cport: table.number(slot, 'cport'),
      vport: table.number(slot, 'vport'),
      dport: table.number(slot, 'dport'),
      protocol: table.number(slot, 'protocol'),
      destination: table.number(slot, 'destination'),
      state,
      method: this.#method(table.number(slot, 'method')),
      seenJiffies: table.number(slot, 'seen_jiffies'),
      timeoutJiffies: table.number(slot, 'timeout_jiffies'),
    };
  }

  #method(number: number): ForwardingMethod {
    // A version without tunnels has no such number.
    const { METHOD_ROUTE, METHOD_TUNNEL } = this.#layout.enums.forwarding_method ?? {};
    if (number === METHOD_TUNNEL) return 'tunnel';
    return number === METHOD_ROUTE ? 'route' : 'masq';
  }

  /** The state by its name; undefined where the slot holds no connection. */
  #liveState(word: number): StateName | undefined {
    const phases = this.#layout.enums.slot_phase;
    const live = phases?.SLOT_LIVE ?? this.#value('connection_state', 'STATE_LIVE');
    if ((word & (phases?.SLOT_PHASE ?? live)) !== live) return undefined;
    const number = word & (phases?.SLOT_STATE ?? ~live);
    const states = Object.entries(this.#layout.enums.connection_state ?? {});
    const name = states.find(([, value]) => value === number)?.[0];
    return name?.replace('STATE_', '') as StateName | undefined;
  }

  #value(enumeration: string, name: string): number {
    return this.#layout.enums[enumeration]?.[name] ?? 0;
  }
}

/** An array map as rows of one struct. */
class Table {
  readonly length: number;
  readonly #fields: Fields;
  readonly #view: DataView;
  readonly #rowBytes: number;

  constructor(map: BpfMap, fields: Fields) {
    this.length = map.maxEntries;
    this.#fields = fields;
    this.#view = new DataView(map.mmap());
    this.#rowBytes = Math.ceil(map.valueSize / 8) * 8;
  }

  number(row: number, field: string): number {
    const where = this.#fields[field];
    if (where === undefined) return 0;
    const at = row * this.#rowBytes + where.offset;
    if (where.size === 1) return this.#view.getUint8(at);
    if (where.size === 2) return this.#view.getUint16(at, !where.bigEndian);
    return this.#view.getUint32(at, !where.bigEndian);
  }

  bigint(row: number, field: string): bigint {
    const where = this.#fields[field];
    return where ? this.#view.getBigUint64(row * this.#rowBytes + where.offset, true) : 0n;
  }

  bytes(row: number, field: string): Uint8Array {
    const { offset, size } = this.#fields[field] ?? { offset: 0, size: 0 };
    const at = row * this.#rowBytes + offset;
    return new Uint8Array(this.#view.buffer, at, size).slice();
  }
}

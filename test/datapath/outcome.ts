import { liveConnections } from '../../ts/dataplane/connections.ts';
import { Shards } from '../../ts/dataplane/shards.ts';
import { isActive as isActiveState } from '../../ts/lvs/connection.ts';
import {
  Connection,
  ConnectionState,
  Counters,
  Destination,
  Schedule,
  Settings,
  SlotPhase,
  Verdict,
  VerdictCounters,
} from '../../ts/native/abi.gen.ts';
import { COUNTERS, type PacketCase, type StateName, type VerdictName, VIP } from './case.ts';
import { COUNT, DESTINATION, FIRST_TICKET, stateNumber, TIMEOUTS_S } from './tables.ts';

/** The memory that both targets look at, and that a run leaves its traces in. */
export interface Memory {
  readonly settings: ArrayBuffer;
  readonly buckets: ArrayBuffer;
  readonly connections: ArrayBuffer;
  readonly schedules: ArrayBuffer;
  readonly destinations: ArrayBuffer;
  /** One element a CPU, or a single one. */
  readonly counters: ArrayBuffer;
  readonly verdicts: ArrayBuffer;
}

/** What a run left behind, in words. */
export interface Outcome {
  readonly frame: string;
  /** Every counter that is not zero. */
  readonly verdicts: Readonly<Record<string, number>>;
  readonly counters: Readonly<Record<string, number>>;
  /** Of the connection to the virtual service; 'free' without one. */
  readonly state: string;
  readonly timeoutS: number;
  /** The destination's counts of connections. */
  readonly active: number;
  readonly inactive: number;
  readonly overloaded: boolean;
  /** Tickets of all services. */
  readonly taken: number;
  readonly reused: number;
}

const names = (numbers: Readonly<Record<string, number>>): Map<number, string> =>
  new Map(Object.entries(numbers).map(([name, number]) => [number, name.toLowerCase()]));
const STATE_NAMES = names(ConnectionState);
const VERDICT_NAMES = names(Verdict);

/** What the case says, in the same words as outcome(), where its end is called so. */
export function expected(packetCase: PacketCase, verdict: VerdictName): Outcome {
  const { connection, opens = false, activated = 0 } = packetCase;
  const ended = isEnded(packetCase);
  const before = connection?.slot === 'freed' || ended ? undefined : connection?.state;
  const state = packetCase.state ?? before;
  const counts = { active: COUNT + activated, inactive: COUNT - activated };
  if (ended && connection) counts[isActive(connection.state) ? 'active' : 'inactive']--;
  if (opens && state) counts[isActive(state) ? 'active' : 'inactive']++;
  return {
    frame: hex(packetCase.out ?? packetCase.frame),
    verdicts: { [verdict]: 1 },
    counters: packetCase.counters ?? {},
    state: state ?? 'free',
    timeoutS: packetCase.timeoutS ?? (state ? (TIMEOUTS_S[stateNumber(state)] ?? 0) : 0),
    ...counts,
    overloaded: packetCase.overloaded ?? false,
    taken: packetCase.taken ?? 0,
    reused: packetCase.reused ?? 0,
  };
}

/** Whether the packet ends the connection that it finds: it asks for another one. */
function isEnded({ connection, verdict, timeoutS, opens }: PacketCase): boolean {
  if (connection === undefined || connection.slot !== undefined) return false;
  return timeoutS === 0 || verdict === 'raised_new' || opens === true;
}

function isActive(state: StateName): boolean {
  return isActiveState(state.toUpperCase() as Parameters<typeof isActiveState>[0]);
}

/** Clears all counters but for what the daemon writes there. */
export function clearCounters(memory: Memory): void {
  new Uint8Array(memory.counters).fill(0);
  new Uint8Array(memory.verdicts).fill(0);
  const destination = new DataView(memory.destinations, DESTINATION * Destination.size);
  const shards = new Shards(memory.counters, destinationsOf(memory));
  shards.setRemoved(DESTINATION, Destination.available(destination, 0) ? 0 : 1);
}

function destinationsOf({ settings }: Memory): number {
  return Settings.destinations(new DataView(settings), 0);
}

/** What a run left in memory that was zero in all counters before. */
export function outcome(frame: Uint8Array, memory: Memory): Outcome {
  const connections = new DataView(memory.connections);
  const [at] = [...liveConnections(memory)].filter(
    (one) => Connection.vport(connections, one) === VIP[4].port,
  );
  const destination = new DataView(memory.destinations, DESTINATION * Destination.size);
  return {
    frame: hex(frame),
    verdicts: movedVerdicts(memory.verdicts),
    counters: movedCounters(memory),
    state: at === undefined ? 'free' : stateName(Connection.state(connections, at)),
    timeoutS: at === undefined ? 0 : Connection.timeoutJiffies(connections, at),
    active: Destination.active(destination, 0),
    inactive: Destination.inactive(destination, 0),
    overloaded: Destination.overloaded(destination, 0) === 1,
    ...movedTickets(new DataView(memory.schedules)),
  };
}

function movedTickets(schedules: DataView): Pick<Outcome, 'taken' | 'reused'> {
  let taken = 0;
  let reused = 0;
  for (let at = 0; at < schedules.byteLength; at += Schedule.size) {
    if (Schedule.ringMask(schedules, at) === 0) continue;
    const used = Schedule.reusable(schedules, at);
    const head = Number(Schedule.window(schedules, at) & 0xffff_ffffn);
    taken += (head - FIRST_TICKET - used) >>> 0;
    reused += Schedule.reused(schedules, at);
  }
  return { taken, reused };
}

function movedVerdicts(memory: ArrayBuffer): Record<string, number> {
  const moved: Record<string, number> = {};
  const words = VerdictCounters.size / 8;
  new BigUint64Array(memory).forEach((packets, at) => {
    if (packets === 0n) return;
    const name = VERDICT_NAMES.get(at % words) ?? String(at);
    moved[name] = (moved[name] ?? 0) + Number(packets);
  });
  return moved;
}

/** Those of the destination by their names, its neighbours' by their index as well. */
function movedCounters(memory: Memory): Record<string, number> {
  const { counters } = memory;
  const moved: Record<string, number> = {};
  const words = Counters.size / 8;
  const shard = destinationsOf(memory) * Counters.size;
  for (let first = 0; first + shard <= counters.byteLength; first += shard) {
    new BigUint64Array(counters, first, shard / 8).forEach((value, at) => {
      if (value === 0n || at % words === Counters.removedAt / 8) return;
      const index = Math.floor(at / words);
      const name = COUNTERS[at % words] ?? 'pad';
      const key = index === DESTINATION ? name : `${index}.${name}`;
      moved[key] = (moved[key] ?? 0) + Number(value);
    });
  }
  return moved;
}

function stateName(word: number): string {
  const state = word & SlotPhase.STATE;
  return STATE_NAMES.get(state) ?? String(state);
}

/** Sixteen bytes a line, so that a difference is found. */
function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex').replace(/.{32}/g, '$&\n');
}

import { uptime } from 'node:os';
import { liveConnections } from '../../ts/dataplane/connections.ts';
import {
  addressOf,
  METHODS,
  PROTOCOLS,
  serviceKey,
  writeAddress,
} from '../../ts/dataplane/encoding.ts';
import { putSettings } from '../../ts/dataplane/settings.ts';
import {
  DEFAULT_TIMEOUTS,
  isActive as isActiveState,
  stateTimeoutsS,
} from '../../ts/lvs/connection.ts';
import { DEFAULT_SETTINGS } from '../../ts/lvs/settings.ts';
import {
  AddressRole,
  Connection,
  ConnectionState,
  Counters,
  Destination,
  Flow,
  NextHop,
  Settings,
  SlotPhase,
  Verdict,
  VerdictCounters,
} from '../../ts/native/abi.gen.ts';
import { type ConnectionSpec, loadAddon, type MemoryDirector } from '../../ts/native/addon.ts';
import {
  CLIENT,
  COUNTERS,
  type ConnectionCase,
  EGRESS,
  type Endpoint,
  LINKS,
  type PacketCase,
  SERVER,
  SERVICES,
  type StateName,
  type VerdictName,
  VIP,
} from './case.ts';

/** The memory that both targets look at, and that a run leaves its traces in. */
export interface Memory {
  readonly settings: ArrayBuffer;
  readonly buckets: ArrayBuffer;
  readonly connections: ArrayBuffer;
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
  /** Of the connection's slot; 'free' without a connection. */
  readonly state: string;
  readonly timeoutS: number;
  /** The destination's counts of connections. */
  readonly active: number;
  readonly inactive: number;
}

const { AddressTable } = loadAddon();

/** The destination of every connection here, and what its counts begin with. */
const DESTINATION = 5;
const COUNT = 10;
const GENERATION = 7;
/** Indices of the next hops. */
const HOPS = { in: 1, out: 2 } as const;
/** Any secret does. */
const SECRET = [3n, 5n, 7n, 11n, 13n, 17n, 19n, 23n].map((prime) => prime ** 15n);
/**
 * When connections were last seen: ahead of the kernel's ticks, which begin five minutes before
 * they run over, whatever their length, and so never too long ago.
 */
const SEEN_JIFFIES = (1000 * Math.ceil(uptime()) + 2 ** 20) % 2 ** 32;
const TIMEOUTS_S = stateTimeoutsS(DEFAULT_TIMEOUTS);

const names = (numbers: Readonly<Record<string, number>>): Map<number, string> =>
  new Map(Object.entries(numbers).map(([name, number]) => [number, name.toLowerCase()]));
const STATE_NAMES = names(ConnectionState);
const VERDICT_NAMES = names(Verdict);

/**
 * Enters a case's services and connection. The settings' clock does not run (hz 0), so the route
 * generation holds; a tick is a second.
 */
export function fill(
  director: MemoryDirector,
  { services = SERVICES, settings, connection }: PacketCase,
) {
  const view = new DataView(director.settings);
  Settings.setRouteGeneration(view, 0, GENERATION);
  putSettings(view, { ...DEFAULT_SETTINGS, ...settings });
  new Uint32Array(director.settings, Settings.timeoutJiffies.at).set(TIMEOUTS_S);
  new BigUint64Array(director.settings, Settings.hashKeys.at, Settings.hashKeys.count).set(SECRET);
  const addresses = new AddressTable(director.settings, director.addresses);
  const own = (address: string, role: number): void => {
    const { bytes, family } = addressOf(address);
    addresses.add(bytes, family, role);
  };
  for (const service of services) {
    director.putService(serviceKey(service));
    own(service.address, AddressRole.VIRTUAL);
  }
  if (!connection) return;
  own(VIP[connection.family].address, AddressRole.VIRTUAL);
  own(serverOf(connection).address, AddressRole.DESTINATION);
  putDestination(director, connection);
  putHop(director, 'in', connection);
  putHop(director, 'out', connection);
  const slot = director.putConnection(connectionSpec(connection));
  const destination = new DataView(director.destinations, DESTINATION * Destination.size);
  Destination.setActive(destination, 0, COUNT);
  Destination.setInactive(destination, 0, COUNT);
  const entry = new DataView(director.connections, slot * Connection.size, Connection.size);
  Connection.setRouteGeneration(entry, 0, generationOf(connection));
  Connection.setHopIn(entry, 0, HOPS.in);
  Connection.setHopOut(entry, 0, HOPS.out);
  if (connection.slot === 'freed') Connection.setState(entry, 0, SlotPhase.FREE);
  if (connection.slot === 'taken') Connection.setCport(entry, 0, CLIENT[4].port + 1);
}

function putDestination(director: MemoryDirector, connection: ConnectionCase): void {
  const view = new DataView(director.destinations, DESTINATION * Destination.size);
  const { address, port } = serverOf(connection);
  Destination.setFamily(view, 0, writeAddress(view, Destination.daddrAt, address));
  Destination.setDport(view, 0, port);
  Destination.setMethod(view, 0, METHODS[connection.method]);
  Destination.setAvailable(view, 0, connection.removed ? 0 : 1);
  Destination.setWeight(view, 0, connection.quiesced ? 0 : 1);
}

function connectionSpec(connection: ConnectionCase): ConnectionSpec {
  const { family, protocol, state } = connection;
  const request = new Uint8Array(Flow.size);
  const view = new DataView(request.buffer);
  writeAddress(view, Flow.saddrAt, CLIENT[family].address);
  writeAddress(view, Flow.daddrAt, VIP[family].address);
  Flow.setSport(view, 0, CLIENT[family].port);
  Flow.setDport(view, 0, VIP[family].port);
  Flow.setProtocol(view, 0, PROTOCOLS[protocol]);
  Flow.setFamily(view, 0, family);
  return {
    request,
    destination: DESTINATION,
    state: stateNumber(state),
    seenJiffies: SEEN_JIFFIES,
    timeoutJiffies: TIMEOUTS_S[stateNumber(state)] ?? 0,
  };
}

function putHop(director: MemoryDirector, way: 'in' | 'out', connection: ConnectionCase): void {
  const view = new DataView(director.nextHops, HOPS[way] * NextHop.size, NextHop.size);
  const key = (BigInt(generationOf(connection)) << 32n) | BigInt(EGRESS[way]);
  NextHop.setKey(view, 0, key);
  NextHop.setMtu(view, 0, connection.mtu ?? 1500);
  const bytes = new Uint8Array(view.buffer, view.byteOffset, NextHop.size);
  bytes.set(LINKS[way].target, NextHop.dmac.at);
  bytes.set(LINKS[way].source, NextHop.smac.at);
}

function generationOf({ staleRoutes = false }: ConnectionCase): number {
  return staleRoutes ? GENERATION - 1 : GENERATION;
}

/** What the case says, in the same words as outcome(), where its end is called so. */
export function expected(packetCase: PacketCase, verdict: VerdictName): Outcome {
  const { connection, activated = 0 } = packetCase;
  const ended = isEnded(packetCase);
  const before = connection?.slot === 'freed' || ended ? undefined : connection?.state;
  const state = packetCase.state ?? before;
  const count = connection ? COUNT : 0;
  const wasActive = ended && connection !== undefined && isActive(connection.state);
  return {
    frame: hex(packetCase.out ?? packetCase.frame),
    verdicts: { [verdict]: 1 },
    counters: packetCase.counters ?? {},
    state: state ?? 'free',
    timeoutS: packetCase.timeoutS ?? (state ? (TIMEOUTS_S[stateNumber(state)] ?? 0) : 0),
    active: count + activated - (ended && wasActive ? 1 : 0),
    inactive: count - activated - (ended && !wasActive ? 1 : 0),
  };
}

/** Whether the packet ends the connection that it finds: it asks for another one. */
function isEnded({ connection, verdict, timeoutS }: PacketCase): boolean {
  if (connection === undefined || connection.slot !== undefined) return false;
  return timeoutS === 0 || verdict === 'raised_new';
}

function isActive(state: StateName): boolean {
  return isActiveState(state.toUpperCase() as Parameters<typeof isActiveState>[0]);
}

/** What a run left in memory that was zero in all counters before. */
export function outcome(frame: Uint8Array, memory: Memory): Outcome {
  const connection = new DataView(memory.connections);
  const [at] = liveConnections(memory);
  const destination = new DataView(memory.destinations, DESTINATION * Destination.size);
  return {
    frame: hex(frame),
    verdicts: movedVerdicts(memory.verdicts),
    counters: movedCounters(memory),
    state: at === undefined ? 'free' : stateName(Connection.state(connection, at)),
    timeoutS: at === undefined ? 0 : Connection.timeoutJiffies(connection, at),
    active: Destination.active(destination, 0),
    inactive: Destination.inactive(destination, 0),
  };
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
function movedCounters({ settings, counters }: Memory): Record<string, number> {
  const moved: Record<string, number> = {};
  const words = Counters.size / 8;
  const shard = Settings.destinations(new DataView(settings), 0) * Counters.size;
  for (let first = 0; first + shard <= counters.byteLength; first += shard) {
    new BigUint64Array(counters, first, 2 * DESTINATION * words).forEach((value, at) => {
      if (value === 0n) return;
      const index = Math.floor(at / words);
      const name = COUNTERS[at % words] ?? 'pad';
      const key = index === DESTINATION ? name : `${index}.${name}`;
      moved[key] = (moved[key] ?? 0) + Number(value);
    });
  }
  return moved;
}

function serverOf({ family, method, server }: ConnectionCase): Endpoint {
  if (server) return server;
  return method === 'masq' ? SERVER[family] : { ...SERVER[family], port: VIP[family].port };
}

function stateName(word: number): string {
  const state = word & SlotPhase.STATE;
  return STATE_NAMES.get(state) ?? String(state);
}

function stateNumber(state: StateName): number {
  return ConnectionState[state.toUpperCase() as keyof typeof ConnectionState];
}

/** Sixteen bytes a line, so that a difference is found. */
function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex').replace(/.{32}/g, '$&\n');
}

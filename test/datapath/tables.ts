import { METHODS, PROTOCOLS, serviceKey, writeAddress } from '../../ts/dataplane/encoding.ts';
import { DEFAULT_TIMEOUTS, stateTimeoutsS } from '../../ts/lvs/connection.ts';
import {
  Connection,
  ConnectionState,
  Counters,
  Destination,
  Flow,
  FlowEntry,
  Limits,
  Route,
  Settings,
  Verdict,
  VerdictCounters,
} from '../../ts/native/abi.gen.ts';
import type { MemoryDirector } from '../../ts/native/addon.ts';
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
  VIP,
} from './case.ts';

/** The memory that both targets look at, and that a run leaves its traces in. */
export interface Memory {
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

/** The destination of every connection here, and what its counts begin with. */
const DESTINATION = 5;
const COUNT = 10;
const GENERATION = 7;
const TIMEOUTS_S = stateTimeoutsS(DEFAULT_TIMEOUTS);

const names = (numbers: Readonly<Record<string, number>>): Map<number, string> =>
  new Map(Object.entries(numbers).map(([name, number]) => [number, name.toLowerCase()]));
const STATE_NAMES = names(ConnectionState);
const VERDICT_NAMES = names(Verdict);

/**
 * Enters a case's services and connection. The settings' clock does not run (hz 0), so the route
 * generation holds; a tick is a second.
 */
export function fill(director: MemoryDirector, { services = SERVICES, connection }: PacketCase) {
  Settings.setRouteGeneration(new DataView(director.settings), 0, GENERATION);
  new Uint32Array(director.settings, Settings.timeoutJiffies.at).set(TIMEOUTS_S);
  for (const service of services) director.putService(serviceKey(service));
  if (!connection) return;
  putDestination(director, connection);
  const slot = director.putConnection(connectionBytes(connection));
  const view = new DataView(director.connections, slot * Connection.size, Connection.size);
  if (connection.slot === 'freed') Connection.setState(view, 0, 0);
  if (connection.slot === 'taken') Connection.setCport(view, 0, CLIENT[4].port + 1);
}

function putDestination(director: MemoryDirector, connection: ConnectionCase): void {
  const view = new DataView(director.destinations, DESTINATION * Destination.size);
  const { address, port } = serverOf(connection);
  Destination.setFamily(view, 0, writeAddress(view, Destination.daddrAt, address));
  Destination.setDport(view, 0, port);
  Destination.setMethod(view, 0, METHODS[connection.method]);
  Destination.setAvailable(view, 0, connection.removed ? 0 : 1);
  Destination.setActive(view, 0, COUNT);
  Destination.setInactive(view, 0, COUNT);
}

function connectionBytes(connection: ConnectionCase): Uint8Array {
  const view = new DataView(new ArrayBuffer(Connection.size));
  const server = serverOf(connection);
  writeAddress(view, Connection.caddrAt, CLIENT[connection.family].address);
  writeAddress(view, Connection.vaddrAt, VIP[connection.family].address);
  writeAddress(view, Connection.daddrAt, server.address);
  Connection.setCport(view, 0, CLIENT[connection.family].port);
  Connection.setVport(view, 0, VIP[connection.family].port);
  Connection.setDport(view, 0, server.port);
  Connection.setProtocol(view, 0, PROTOCOLS[connection.protocol]);
  Connection.setFamily(view, 0, connection.family);
  Connection.setDestination(view, 0, DESTINATION);
  Connection.setMethod(view, 0, METHODS[connection.method]);
  Connection.setState(view, 0, stateNumber(connection.state));
  putRoute(view, 'in', connection);
  putRoute(view, 'out', connection);
  return new Uint8Array(view.buffer);
}

function putRoute(view: DataView, direction: 'in' | 'out', connection: ConnectionCase): void {
  const at = direction === 'in' ? Connection.routeInAt : Connection.routeOutAt;
  const bytes = new Uint8Array(view.buffer, at, Route.size);
  Route.setGeneration(view, at, connection.staleRoutes ? GENERATION - 1 : GENERATION);
  Route.setIfindex(view, at, EGRESS[direction]);
  bytes.set(LINKS[direction].target, Route.dmac.at);
  bytes.set(LINKS[direction].source, Route.smac.at);
  Route.setMtu(view, at, connection.mtu ?? 1500);
}

/** The entries of the flow table, as the slow path makes them. */
export function flows({ connection }: PacketCase): { key: Uint8Array; value: Uint8Array }[] {
  if (!connection) return [];
  const { family, method } = connection;
  const client = CLIENT[family];
  const request = flow(connection, client, VIP[family]);
  const reply = flow(connection, serverOf(connection), client);
  const entries = method === 'masq' ? [request, reply] : [request];
  return entries.map((key, isReply) => {
    const view = new DataView(new ArrayBuffer(FlowEntry.size));
    FlowEntry.setReply(view, 0, isReply);
    return { key, value: new Uint8Array(view.buffer) };
  });
}

function flow({ protocol }: ConnectionCase, from: Endpoint, to: Endpoint): Uint8Array {
  const view = new DataView(new ArrayBuffer(Flow.size));
  Flow.setFamily(view, 0, writeAddress(view, Flow.saddrAt, from.address));
  writeAddress(view, Flow.daddrAt, to.address);
  Flow.setSport(view, 0, from.port);
  Flow.setDport(view, 0, to.port);
  Flow.setProtocol(view, 0, PROTOCOLS[protocol]);
  return new Uint8Array(view.buffer);
}

/** What the case says, in the same words as outcome(). */
export function expected(packetCase: PacketCase): Outcome {
  const { connection, activated = 0 } = packetCase;
  const before = connection?.slot === 'freed' ? undefined : connection?.state;
  const state = packetCase.state ?? before;
  const count = connection ? COUNT : 0;
  return {
    frame: hex(packetCase.out ?? packetCase.frame),
    verdicts: { [packetCase.verdict]: 1 },
    counters: packetCase.counters ?? {},
    state: state ?? 'free',
    timeoutS: packetCase.timeoutS ?? (state ? (TIMEOUTS_S[stateNumber(state)] ?? 0) : 0),
    active: count + activated,
    inactive: count - activated,
  };
}

/** What a run left in memory that was zero in all counters before. */
export function outcome(frame: Uint8Array, memory: Memory): Outcome {
  const connection = new DataView(memory.connections);
  const state = Connection.state(connection, 0);
  const destination = new DataView(memory.destinations, DESTINATION * Destination.size);
  return {
    frame: hex(frame),
    verdicts: movedVerdicts(memory.verdicts),
    counters: movedCounters(memory.counters),
    state: state === 0 ? 'free' : (STATE_NAMES.get(state & ~ConnectionState.LIVE) ?? String(state)),
    timeoutS: state === 0 ? 0 : Connection.timeoutJiffies(connection, 0),
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
function movedCounters(memory: ArrayBuffer): Record<string, number> {
  const moved: Record<string, number> = {};
  const words = Counters.size / 8;
  const shard = Limits.MAX_DESTINATIONS * Counters.size;
  for (let first = 0; first < memory.byteLength; first += shard) {
    new BigUint64Array(memory, first, 2 * DESTINATION * words).forEach((value, at) => {
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

function stateNumber(state: StateName): number {
  return ConnectionState[state.toUpperCase() as keyof typeof ConnectionState];
}

/** Sixteen bytes a line, so that a difference is found. */
function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex').replace(/.{32}/g, '$&\n');
}

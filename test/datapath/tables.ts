import { uptime } from 'node:os';
import { generationIn } from '../../ts/dataplane/connections.ts';
import {
  addressOf,
  PROTOCOLS,
  serviceKey,
  writeAddress,
  writeMethod,
} from '../../ts/dataplane/encoding.ts';
import { Marks } from '../../ts/dataplane/marks.ts';
import { putSettings } from '../../ts/dataplane/settings.ts';
import { Stations } from '../../ts/dataplane/stations.ts';
import { DEFAULT_TIMEOUTS, stateTimeoutsS } from '../../ts/lvs/connection.ts';
import { DEFAULT_SETTINGS } from '../../ts/lvs/settings.ts';
import {
  AddressRole,
  Connection,
  ConnectionState,
  Destination,
  Flow,
  Limits,
  NextHop,
  Refill,
  Schedule,
  Settings,
  SlotPhase,
  TicketLine,
} from '../../ts/native/abi.gen.ts';
import { type ConnectionSpec, loadAddon, type MemoryDirector } from '../../ts/native/addon.ts';
import {
  type Beginning,
  CLIENT,
  type ConnectionCase,
  DIRECTOR,
  EGRESS,
  type Endpoint,
  type Family,
  LINKS,
  type RingCase,
  SERVER,
  SERVICES,
  type StateName,
  type Ticket,
  type TunnelCase,
  VIP,
} from './case.ts';

const { AddressTable } = loadAddon();

/** The destination of every case, and what each of its counts begins with. */
export const DESTINATION = 5;
export const COUNT = 10;
/** Timeouts of connections by their states; a tick is a second. */
export const TIMEOUTS_S = stateTimeoutsS(DEFAULT_TIMEOUTS);
/** Number of the first ticket: those of a ring run over. */
export const FIRST_TICKET = 2 ** 32 - 2;

/** Destination and service of other connections than the case's own. */
const OTHER_DESTINATION = 9;
const OTHER_PORT = 1000;
/** More connections than there is room for, so that every place is tried. */
const MANY = 5000;
/** What tickets lead to. */
const TICKETS: Readonly<Record<Ticket, number>> = {
  accepting: DESTINATION,
  quiesced: 6,
  overloaded: 7,
  removed: 8,
};
/** Test runs come by lo. */
const LOOPBACK = 1;
/** Line of the only ring. */
const RING_LINE = 3;
const GENERATION = 7;
/** Indices of the next hops. */
export const HOPS = { in: 1, out: 2 } as const;
/** Any secret does. */
const SECRET = [3n, 5n, 7n, 11n, 13n, 17n, 19n, 23n].map((prime) => prime ** 15n);
/**
 * When connections were last seen: ahead of the kernel's ticks, which begin five minutes before
 * they run over, whatever their length, and so never too long ago. Longer ago than any timeout.
 */
const SEEN_JIFFIES = (1000 * Math.ceil(uptime()) + 2 ** 20) % 2 ** 32;
const LONG_JIFFIES = 2 ** 30;

/** Enters all that a case begins with. The settings' clock does not run (hz 0). */
export function fill(director: MemoryDirector, packetCase: Beginning): void {
  const { services = SERVICES, connection, ring, others } = packetCase;
  putAllSettings(director, packetCase);
  for (const [index, service] of services.entries()) {
    director.putService(serviceKey(service), index);
  }
  if (!packetCase.unknown) putAddresses(director, packetCase);
  putMarks(director, packetCase);
  if (packetCase.station) putStation(director, packetCase.station);
  const to = connection ?? ring;
  if (to) {
    putDestination(director, { ...ring, ...to });
    putHop(director, 'in', connection);
    putHop(director, 'out', connection);
    if (to.tunnel) putTunnel(director, to.tunnel);
  }
  if (ring) putTickets(director, ring);
  if (connection) enter(director, connection);
  if (others === 'a hundred of this client' && to) putOthers(director, to.family);
  if (others === 'as many as fit' && to) fillUp(director, to.family);
  const view = destinationView(director, DESTINATION);
  Destination.setActive(view, 0, COUNT);
  Destination.setInactive(view, 0, COUNT);
}

function putAllSettings(director: MemoryDirector, { settings }: Beginning): void {
  const view = new DataView(director.settings);
  Settings.setRouteGeneration(view, 0, GENERATION);
  putSettings(view, { ...DEFAULT_SETTINGS, ...settings });
  new Uint32Array(director.settings, Settings.timeoutJiffies.at).set(TIMEOUTS_S);
  new BigUint64Array(director.settings, Settings.hashKeys.at, Settings.hashKeys.count).set(SECRET);
}

function putMarks(director: MemoryDirector, { services = SERVICES, marks = [] }: Beginning): void {
  if (marks.length === 0) return;
  const table = new AddressTable(director.settings, director.addresses);
  const rules = new Marks(director.settings, director.markSteps, {
    holdMarked: (addresses) => {
      for (const address of addresses) {
        const { bytes, family } = addressOf(address);
        table.add(bytes, family, AddressRole.VIRTUAL);
      }
    },
  });
  rules.setInterfaces([{ name: 'lo', ifindex: LOOPBACK }]);
  for (const [index, { protocol }] of services.entries()) {
    if (protocol === 'fwm') rules.note('service', index, true);
  }
  rules.set(marks);
}

function putStation({ settings, stations }: MemoryDirector, station: string): void {
  const link = { ifindex: LOOPBACK, mac: station, ethernet: true };
  new Stations({ settings, stations }).update([{ ...link, deviceKind: '', lower: 0, master: 0 }]);
}

function putAddresses(director: MemoryDirector, packetCase: Beginning): void {
  const { services = SERVICES, connection, ring } = packetCase;
  const addresses = new AddressTable(director.settings, director.addresses);
  const own = (address: string, role: number): void => {
    const { bytes, family } = addressOf(address);
    addresses.add(bytes, family, role);
  };
  for (const { address, protocol } of services) {
    if (protocol !== 'fwm') own(address, AddressRole.VIRTUAL);
  }
  const to = connection ?? ring;
  if (!to) return;
  own(VIP[to.family].address, AddressRole.VIRTUAL);
  own(serverOf(to).address, AddressRole.DESTINATION);
}

/** What new and old connections have of their destination. */
type DestinationCase = Partial<ConnectionCase> & Omit<RingCase, 'tickets'>;

function putDestination(director: MemoryDirector, to: DestinationCase): void {
  const view = destinationView(director, DESTINATION);
  const { address, port } = serverOf(to);
  const { method, tunnel: { tunnel } = {} } = to;
  Destination.setFamily(view, 0, writeAddress(view, Destination.daddrAt, address));
  Destination.setDport(view, 0, port);
  writeMethod(view, 0, { address, port, method, weight: 1, ...(tunnel && { tunnel }) });
  Destination.setAvailable(view, 0, to.removed ? 0 : 1);
  Destination.setWeight(view, 0, to.quiesced ? 0 : 1);
  Destination.setUpper(view, 0, to.upper ?? 0);
  Destination.setRouteGeneration(view, 0, generationOf(to));
  Destination.setHop(view, 0, HOPS.in);
}

/** The tickets of every service, one ring for all. */
function putTickets(
  director: MemoryDirector,
  { tickets, method, used = false, askAt }: RingCase,
): void {
  for (const index of Object.values(TICKETS)) {
    if (index === DESTINATION) continue;
    const view = destinationView(director, index);
    Destination.setAvailable(view, 0, index === TICKETS.removed ? 0 : 1);
    Destination.setWeight(view, 0, index === TICKETS.quiesced ? 0 : 1);
    Destination.setOverloaded(view, 0, index === TICKETS.overloaded ? 1 : 0);
  }
  const mask = Limits.TICKETS_PER_LINE - 1;
  const line = new Uint32Array(director.rings, RING_LINE * TicketLine.size);
  tickets.forEach((ticket, i) => {
    line[((FIRST_TICKET + i) & mask) >>> 0] = TICKETS[ticket];
  });
  const limit = (FIRST_TICKET + tickets.length) % 2 ** 32;
  const view = new DataView(director.schedules);
  for (let at = 0; at < SERVICES.length * Schedule.size; at += Schedule.size) {
    Schedule.setRingLine(view, at, RING_LINE);
    Schedule.setRingMask(view, at, mask);
    Schedule.setReusable(view, at, used ? tickets.length : 0);
    if (askAt !== undefined) {
      Schedule.setRefill(view, at, (((FIRST_TICKET + askAt) << 2) | Refill.AT) >>> 0);
    }
    Schedule.setCookies(view, at, method === 'masq' ? 1 : 0);
    Schedule.setWindow(view, at, (BigInt(limit) << 32n) | BigInt(used ? limit : FIRST_TICKET));
  }
}

/** Enters the connection of the case. */
function enter(director: MemoryDirector, connection: ConnectionCase): void {
  const { family, client = CLIENT[family] } = connection;
  const spec = connectionSpec(connection, [client, VIP[family]]);
  const slot = director.putConnection({ ...spec, destination: DESTINATION });
  const entry = new DataView(director.connections, slot * Connection.size, Connection.size);
  const generation = generationIn(Connection.state(entry, 0), generationOf(connection));
  Connection.setRouteGeneration(entry, 0, generation);
  Connection.setHopIn(entry, 0, HOPS.in);
  Connection.setHopOut(entry, 0, HOPS.out);
  if (connection.slot === 'freed') Connection.setState(entry, 0, SlotPhase.FREE);
  if (connection.slot === 'taken') Connection.setCport(entry, 0, CLIENT[4].port + 1);
}

/** More connections of the client's endpoint than its buckets have room for. */
function putOthers(director: MemoryDirector, family: Family): void {
  const { address } = VIP[family];
  for (let port = OTHER_PORT; port < OTHER_PORT + 100; port++) {
    const slot = enterOther(director, family, [CLIENT[family], { address, port }]);
    if (slot < 0) throw new Error('expected room for a hundred connections');
  }
}

/** As many connections as there is room for, of as many clients. */
function fillUp(director: MemoryDirector, family: Family): void {
  const { address } = CLIENT[family];
  const virtual = { ...VIP[family], port: OTHER_PORT };
  for (let port = 1; port < MANY; port++)
    enterOther(director, family, [{ address, port }, virtual]);
}

function enterOther(director: MemoryDirector, family: Family, ends: Ends): number {
  const like: ConnectionCase = { family, protocol: 'tcp', method: 'masq', state: 'established' };
  return director.putConnection(connectionSpec(like, ends));
}

type Ends = [client: Endpoint, virtual: Endpoint];

function connectionSpec(connection: ConnectionCase, [client, virtual]: Ends): ConnectionSpec {
  const { protocol, state, expired } = connection;
  const request = new Uint8Array(Flow.size);
  const view = new DataView(request.buffer);
  Flow.setFamily(view, 0, writeAddress(view, Flow.saddrAt, client.address));
  writeAddress(view, Flow.daddrAt, virtual.address);
  Flow.setSport(view, 0, client.port);
  Flow.setDport(view, 0, virtual.port);
  Flow.setProtocol(view, 0, PROTOCOLS[protocol]);
  return {
    request,
    destination: OTHER_DESTINATION,
    state: stateNumber(state),
    seenJiffies: (SEEN_JIFFIES - (expired ? LONG_JIFFIES : 0)) >>> 0,
    timeoutJiffies: TIMEOUTS_S[stateNumber(state)] ?? 0,
  };
}

function putHop(director: MemoryDirector, way: 'in' | 'out', to: Partial<ConnectionCase> = {}) {
  const view = new DataView(director.nextHops, HOPS[way] * NextHop.size, NextHop.size);
  const key = (BigInt(generationOf(to)) << 32n) | BigInt(to.egress ?? EGRESS[way]);
  NextHop.setKey(view, 0, key);
  NextHop.setMtu(view, 0, to.mtu ?? 1500);
  const bytes = new Uint8Array(view.buffer, view.byteOffset, NextHop.size);
  bytes.set(LINKS[way].target, NextHop.dmac.at);
  bytes.set(LINKS[way].source, NextHop.smac.at);
}

/** The next hop to the server leads into a tunnel. */
function putTunnel(director: MemoryDirector, { family }: TunnelCase): void {
  const hop = new DataView(director.nextHops, HOPS.in * NextHop.size, NextHop.size);
  const to = destinationView(director, DESTINATION);
  NextHop.setFamily(hop, 0, writeAddress(hop, NextHop.saddrAt, DIRECTOR[family]));
  writeAddress(hop, NextHop.daddrAt, SERVER[family].address);
  NextHop.setTunnel(hop, 0, Destination.tunnel(to, 0));
  NextHop.setTunnelChecksum(hop, 0, Destination.tunnelChecksum(to, 0));
  NextHop.setTunnelPort(hop, 0, Destination.tunnelPort(to, 0));
}

function generationOf({ staleRoutes = false }: Partial<ConnectionCase>): number {
  return staleRoutes ? GENERATION - 1 : GENERATION;
}

function serverOf({ family, method, server, tunnel }: DestinationCase): Endpoint {
  if (server) return server;
  if (tunnel) return { ...SERVER[tunnel.family], port: VIP[family].port };
  return method === 'masq' ? SERVER[family] : { ...SERVER[family], port: VIP[family].port };
}

function destinationView(director: MemoryDirector, index: number): DataView {
  return new DataView(director.destinations, index * Destination.size, Destination.size);
}

/** A state by its number. */
export function stateNumber(state: StateName): number {
  return ConnectionState[state.toUpperCase() as keyof typeof ConnectionState];
}

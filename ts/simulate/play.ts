// Hot: runs per event.
import { destinationKey, serviceKey } from '../lvs/service.ts';
import type { EndEvent, Event, PacketEvent } from './event.ts';
import { applyRule, type RuleOutcome } from './rules.ts';
import {
  type Flow,
  NO_CONNECTION,
  NO_DESTINATION,
  type Segment,
  type Simulation,
} from './simulation.ts';

/** What came of an event: the members that are added to it. */
export type Outcome = Partial<RuleOutcome> & {
  /** The destination that a new connection got; null if none. */
  readonly chose?: string | null;
  readonly state?: string | null;
  /** Seconds until the connection expires, if no packet comes. */
  readonly expires?: number;
  /** Why a packet reached no destination. */
  readonly reason?: string;
  readonly expired?: { readonly connections: number };
  readonly destinations?: Readonly<Record<string, ListedDestination>>;
};

interface ListedDestination {
  readonly weight: number;
  readonly active: number;
  readonly inactive: number;
  /** Templates; of a persistent service. */
  readonly persistent?: number;
}

/** Lets an event happen at its time. Only a change of the rules takes its own time. */
export function play(simulation: Simulation, event: Event): Outcome | Promise<Outcome> {
  if (event.atUs !== undefined) simulation.advance(event.atUs);
  switch (event.op) {
    case 'connect':
      return connect(simulation, event.flow);
    case 'close':
    case 'reset':
      return end(simulation, event);
    case 'packet':
      return packet(simulation, event);
    case 'rule':
      return applyRule(simulation.director, event.args);
    case 'advance':
      return {
        expired: { connections: simulation.advance(simulation.nowUs + event.forUs) },
      };
    case 'list':
      return { destinations: list(simulation) };
  }
}

/** How TCP begins; and how it ends, in order, the client first, or at once. */
const SEGMENTS: Readonly<Record<'connect' | 'close' | 'reset', readonly Segment[]>> = {
  connect: [
    { direction: 'in', flags: 'S' },
    { direction: 'out', flags: 'SA' },
    { direction: 'in', flags: 'A' },
  ],
  close: [
    { direction: 'in', flags: 'FA' },
    { direction: 'out', flags: 'A' },
    { direction: 'out', flags: 'FA' },
    { direction: 'in', flags: 'A' },
  ],
  reset: [{ direction: 'in', flags: 'R' }],
};

const DATAGRAM: readonly Segment[] = [{ direction: 'in', flags: '' }];

function connect(simulation: Simulation, flow: Flow): Outcome {
  const segments = flow.service.protocol === 'tcp' ? SEGMENTS.connect : DATAGRAM;
  const { connection, reason } = simulation.packets(flow, segments);
  if (reason !== undefined) return { chose: null, reason };
  return { chose: destinationKey(connection!.destination) };
}

/** UDP has nothing that would end a connection. */
function end(simulation: Simulation, { op, flow }: EndEvent): Outcome {
  const segments = flow.service.protocol === 'tcp' ? SEGMENTS[op] : [];
  const { connection, reason } = simulation.packets(flow, segments);
  if (connection === undefined) return { state: null, reason: reason ?? NO_CONNECTION };
  return { state: connection.state, ...(reason !== undefined && { reason }) };
}

function packet(simulation: Simulation, event: PacketEvent): Outcome {
  const { connection, isNew, reason } = simulation.packet(event.flow, event);
  const why = reason !== undefined && { reason };
  if (connection === undefined) {
    return { ...(reason === NO_DESTINATION && { chose: null }), state: null, ...why };
  }
  const { state, expiresUs, destination } = connection;
  const expires = Math.floor((expiresUs - simulation.nowUs) / 1e6);
  return { ...(isNew && { chose: destinationKey(destination) }), state, expires, ...why };
}

/** A real server that belongs to several services stands under the services' names, too. */
function list({ director }: Simulation): NonNullable<Outcome['destinations']> {
  const rows = new Map<string, ListedDestination>();
  for (const service of director.services) {
    for (const destination of service.destinations) {
      const { weight, activeConnections: active, inactiveConnections: inactive } = destination;
      const own = destinationKey(destination);
      const name = rows.has(own) ? `${own} of ${serviceKey(service.id)}` : own;
      const persistent = service.persistence && { persistent: destination.persistentConnections };
      rows.set(name, { weight, active, inactive, ...persistent });
    }
  }
  return Object.fromEntries(rows);
}

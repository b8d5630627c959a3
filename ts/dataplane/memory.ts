import {
  Connection,
  Counters,
  Destination,
  Limits,
  MarkLimits,
  MarkStep,
  NextHop,
  Schedule,
  TicketLine,
} from '../native/abi.gen.ts';
import { mapSizes } from './xdp.ts';

/** Connections that a table has room for, where nothing else is said. */
export const DEFAULT_CONNECTIONS = 524_288;

/** What a data plane costs in bytes of the kernel's memory, all of it from the start. */
export interface PlaneBytes {
  /** Of the connection table alone. */
  readonly table: number;
  readonly total: number;
}

/** The cost of a data plane with a table for so many connections. */
export function bytesFor(connections: number, cpus: number): PlaneBytes {
  const sizes = mapSizes({ connections, cpus });
  const table = sizes.buckets * 8 + sizes.connections * Connection.size;
  const rest =
    sizes.destination_counters * Counters.size +
    sizes.destinations * Destination.size +
    sizes.rings * TicketLine.size +
    Limits.MAX_SERVICES * Schedule.size +
    Limits.MAX_NEXT_HOPS * NextHop.size +
    2 * MarkLimits.MAX_MARK_STEPS * MarkStep.size +
    Limits.ADDRESS_WORDS * 8;
  return { table, total: table + rest };
}

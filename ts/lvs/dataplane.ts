import type { MarkRule } from './marks/rule.ts';
import type { DestinationSpec, Persistence, ServiceId, Timeouts } from './operation.ts';
import type { Ring } from './ring.ts';
import type { Settings } from './settings.ts';

/** What was counted for one destination since its index was cleared. */
export interface Counters {
  connections: bigint;
  inPackets: bigint;
  outPackets: bigint;
  inBytes: bigint;
  outBytes: bigint;
}

/**
 * What the director asks of any data plane. Services and destinations are known to it by index,
 * which the director chooses: the index is what a decision names, and what connections hold.
 */
export interface Dataplane {
  /** The number of indices: services 0 to services-1, destinations 0 to destinations-1. */
  readonly limits: { readonly services: number; readonly destinations: number };

  /** Makes packets of the service reach the scheduler. Throws LvsError TABLE_FULL. */
  putService(index: number, id: ServiceId): void;

  /** Packets of the service go to the local stack again; its connections stay. */
  removeService(index: number, id: ServiceId): void;

  /** Says where, and by which method, new connections of a destination are to be forwarded. */
  putDestination(index: number, destination: DestinationSpec, service: ServiceId): void;

  /**
   * The destination was removed: while connections still hold the index, their packets are
   * dropped and counted.
   */
  removeDestination(index: number): void;

  /** Zeroes the counts and counters of an index that no connection holds. */
  clearDestination(index: number): void;

  /** Connections in an active state (established, or opening). Live; hot: a plain array read. */
  activeConnections(index: number): number;

  /** Connections in any other state. Live; hot: a plain array read. */
  inactiveConnections(index: number): number;

  /** Its templates: clients that are sent there again. Live. */
  persistentConnections(index: number): number;

  /** Whether it is overloaded, as threshold.ts has it. Live; hot: plain array reads. */
  isOverloaded(index: number): boolean;

  /** The destination's counters, summed over the CPUs. */
  counters(index: number): Readonly<Counters>;

  /**
   * A number of 32 bits that is another one whenever the destination's counters are. Hot: plain
   * array reads.
   */
  activity(index: number): number;

  /** The ring of tickets of the service that has the index. */
  ring(index: number): Ring;

  /** Whether SYNs of the service that has the index may be answered by cookies. */
  setCookies(index: number, allowed: boolean): void;

  /** Whether clients of the service that has the index are remembered from now on. */
  setPersistence(index: number, persistence: Persistence | undefined): void;

  /** Sets the state timeouts; no member is 0 here. */
  setTimeouts(timeouts: Timeouts): void;

  /** Sets what else the packet code obeys. */
  setSettings(settings: Settings): void;

  /** Sets the rules of firewall marks, all at one moment. Throws LvsError TABLE_FULL. */
  setMarks(rules: readonly MarkRule[]): void;
}

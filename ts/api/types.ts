import type { ConnectionView } from '../lvs/connection.ts';
import type { CountersText } from '../lvs/counters.ts';
import type { OperationResult } from '../lvs/director.ts';
import type { MarkRule } from '../lvs/marks/rule.ts';
import type { DestinationSpec, Operation, ServiceSpec, Timeouts } from '../lvs/operation.ts';

/**
 * The shapes that travel between daemon and clients: HTTP with JSON bodies over a Unix socket.
 *
 *   POST /operations           OperationsRequest  -> OperationsReply
 *   GET  /services             -> ServicesReply    one by ?protocol=&address=&port=, or 404;
 *                                                 ?figures= leaves out what is not wanted
 *   GET  /connections          -> ConnectionsReply
 *   GET  /marks                -> MarksReply
 *   GET  /timeouts             -> Timeouts
 *   GET  /settings             -> SettingsReply
 *   GET  /status               -> StatusReply
 *   GET  /statistics           -> StatisticsReply
 *   POST /recount              -> RecountReply     wrong counts are put right
 *   POST /capture              CaptureRequest -> a pcapng file that ends with the connection
 *   POST /stop                 StopRequest -> {}
 *   POST /replace              ReplaceRequest -> ReplaceReply   once the successor works
 */

export interface OperationsRequest {
  readonly operations: readonly Operation[];
  /** All or nothing: the first refusal undoes what went before it. */
  readonly atomic?: boolean;
  /** Who asks, for the log: a command line. */
  readonly caller?: string;
}

/** Which figures a listing is to have; without a word all of them. */
export type Figures = 'none' | 'counters' | 'rates';

/** One result an operation, in order; after a refusal under `atomic` the list ends. */
export interface OperationsReply {
  readonly results: readonly OperationResult[];
}

export interface DestinationView extends DestinationSpec {
  readonly activeConnections: number;
  readonly inactiveConnections: number;
  readonly persistentConnections: number;
  readonly counters?: CountersText;
  readonly rates?: CountersText;
}

export interface ServiceView extends ServiceSpec {
  readonly counters?: CountersText;
  /** What is counted a second. */
  readonly rates?: CountersText;
  /** Newest first, as LVS lists them with --nosort. */
  readonly destinations: readonly DestinationView[];
}

export interface ServicesReply {
  /** Slots of the connection table, for the listing's heading. */
  readonly tableSize: number;
  /** In the order in which they were added. */
  readonly services: readonly ServiceView[];
}

export interface ConnectionsReply {
  readonly connections: readonly ConnectionView[];
}

export interface StatusReply {
  readonly pid: number;
  readonly netnsCookie: string;
  readonly programId: number;
  readonly adopted: boolean;
  readonly interfaces: readonly {
    readonly name: string;
    readonly ifindex: number;
    readonly mode: 'native' | 'generic';
    /** No other XDP program can share the interface. */
    readonly alone: boolean;
    readonly queues: number;
    readonly zeroCopy: boolean;
  }[];
  readonly services: number;
  readonly destinations: number;
  readonly connections: number;
  /** Services whose scheduler reads connection counts, and does so ahead at the moment. */
  readonly ahead: readonly ScheduledAhead[];
  /** Services for whose tickets or table there is no room: each connection is decided on. */
  readonly cramped: readonly ServiceSpec[];
  /** A line for each service for which wlc chooses, since its own scheduler cannot. */
  readonly failed: readonly string[];
}

/** How stale the decisions for a service can be. */
export interface ScheduledAhead extends ServiceSpec {
  /** Decided, and not used yet. */
  readonly tickets: number;
  /** How old the counts were at most that a ticket was drawn by. */
  readonly ageMs: number;
}

export interface StatisticsReply {
  /** Verdict name -> packets, as decimal text. */
  readonly verdicts: Readonly<Record<string, string>>;
  /** What happened since the daemon's start, by name. */
  readonly events: Readonly<Record<string, number>>;
}

/** A comparison of counts and connections; the data plane goes on meanwhile. */
export interface RecountReply {
  readonly miscounts: readonly MiscountView[];
  /** Destinations of which nothing can be said, since connections of theirs come and go. */
  readonly unsettled: number;
}

/** A destination whose counts were not those of its connections. */
export interface MiscountView {
  readonly destination: string;
  readonly counted: CountsView;
  readonly held: CountsView;
}

export interface CountsView {
  readonly active: number;
  readonly inactive: number;
  readonly persistent: number;
}

/** The rules of firewall marks, in their order. */
export interface MarksReply {
  readonly rules: readonly MarkRule[];
}

/** Setting name -> its value as text, in the order in which they are shown. */
export type SettingsReply = Readonly<Record<string, string>>;

export interface CaptureRequest {
  /** In tcpdump's words; empty for every packet. */
  readonly filter: string;
  /** Bytes to be kept of a frame; 0 for whole ones. */
  readonly snapLength: number;
  /** Ends after so many packets. */
  readonly count?: number;
}

export interface StopRequest {
  /** Also detach the programs, so that nothing of xlvs stays behind. */
  readonly detach: boolean;
}

export interface ReplaceRequest {
  /** The command that runs the successor. */
  readonly program: readonly string[];
  /** Its options; where there are none those of the present director. */
  readonly words: readonly string[];
}

export interface ReplaceReply {
  /** The successor's own line. */
  readonly started: string;
}

export type { ConnectionView, CountersText, OperationResult, Timeouts };

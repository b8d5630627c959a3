import type { CountersText } from './counters.ts';
import type { DestinationSpec, Operation, ServiceId } from './operation.ts';

/** What the data plane had counted for a destination at one moment. */
export interface CounterSample {
  readonly index: number;
  readonly counters: CountersText;
}

/** How far a service is: the edition of its rules, and where its scheduler is in its round. */
export interface Progress {
  readonly edition: number;
  readonly cursor: readonly number[];
}

/**
 * One change of a director's state, with all that a successor cannot find out by itself any
 * more. Entries replayed in order make the same state: same indices, same order, same zero
 * points of the counters. They are plain data, so that JSON can carry them.
 */
export type JournalEntry =
  | OperationEntry
  | ReleaseEntry
  | ResumeEntry
  | TrashEntry
  /** Changes that were made together: to be written and read as one. */
  | { readonly entry: 'batch'; readonly entries: readonly JournalEntry[] };

/** An operation was carried out. */
export interface OperationEntry {
  readonly entry: 'operation';
  readonly operation: Operation;
  /** Of the service or destination that was added. */
  readonly index?: number;
  /** What the operation read in the data plane. */
  readonly counters?: readonly CounterSample[];
  /** Of the service that was changed, afterwards. */
  readonly progress?: Progress;
}

/** Destinations left the trash: their indices are free. */
export interface ReleaseEntry {
  readonly entry: 'release';
  readonly indices: readonly number[];
}

/** What a service has beyond its rules; it stands after the service's destinations. */
export interface ResumeEntry {
  readonly entry: 'resume';
  readonly service: ServiceId;
  readonly counterOffset: CountersText;
  readonly zeroPoints: readonly CounterSample[];
  readonly progress: Progress;
}

/** A destination that is in the trash. */
export interface TrashEntry {
  readonly entry: 'trash';
  readonly service: ServiceId;
  readonly destination: DestinationSpec;
  readonly index: number;
  readonly zeroPoint: CountersText;
  /** Whether the service it was removed from still exists: then its counters go on. */
  readonly owned: boolean;
}

import { seededRandom } from '../net/random.ts';
import { countersText, difference, sum } from './counters.ts';
import type { Counters, Dataplane } from './dataplane.ts';
import type { Destination } from './destination.ts';
import { type Effect, inverse, tell } from './effect.ts';
import { LvsError, type LvsErrorCode } from './error.ts';
import { Estimation } from './estimation.ts';
import { entriesOf, progressOf, replay } from './journal.ts';
import type { CounterSample, JournalEntry, OperationEntry } from './journal_entry.ts';
import type { MarkRule } from './marks/rule.ts';
import type { Operation, ServiceId, Timeouts } from './operation.ts';
import type { Ring } from './ring.ts';
import { type Change, Rules } from './rules.ts';
import type { Outside } from './scheduler.ts';
import type { Service } from './service.ts';
import type { Settings } from './settings.ts';
import { Tickets } from './tickets.ts';

/** What became of one operation. */
export type OperationResult =
  | { readonly ok: true }
  | { readonly ok: false; readonly code: LvsErrorCode; readonly message: string };

/** The operation that was refused, by its place, and why. */
interface Refusal {
  readonly at: number;
  readonly error: LvsError;
}

/** Operations that were carried out, and what it takes to take them back. */
interface Done {
  readonly changes: Change[];
  readonly entries: JournalEntry[];
  readonly told: Effect[];
}

/**
 * The director: the rules, the data plane that follows them, and the journal that remembers
 * them. An operation changes the rules first, is then told to the data plane and at last written
 * down. Where one of these refuses, everything before it is taken back.
 */
export class Director {
  readonly #dataplane: Dataplane;
  readonly #journal: (entries: readonly JournalEntry[]) => void;
  readonly #rules: Rules;
  readonly #estimation: Estimation;
  /** Indices of services that were changed, and are to be scheduled ahead anew. */
  readonly #changed = new Set<number>();

  /**
   * The journal is called for all changes of a call, before any is reported as done. Without an
   * outside, time stands still.
   */
  constructor(
    dataplane: Dataplane,
    journal: (entries: readonly JournalEntry[]) => void = () => {},
    outside: Outside = { now: () => 0, random: seededRandom(0) },
  ) {
    this.#dataplane = dataplane;
    this.#journal = journal;
    this.#rules = new Rules(dataplane.limits, dataplane, outside);
    this.#estimation = new Estimation(this.#rules, dataplane);
  }

  /** Every virtual service, in the order of adding. */
  get services(): readonly Service[] {
    return this.#rules.services;
  }

  /** The state timeouts; no member is 0. */
  get timeouts(): Timeouts {
    return this.#rules.timeouts;
  }

  /** The settings beside the rules. */
  get settings(): Settings {
    return this.#rules.settings;
  }

  /** The rules of firewall marks, in their order. */
  get marks(): readonly MarkRule[] {
    return this.#rules.marks;
  }

  /** The virtual service of that name. */
  service(id: ServiceId): Service | undefined {
    return this.#rules.find(id);
  }

  /** The virtual service that has the index. Hot. */
  serviceAt(index: number): Service | undefined {
    return this.#rules.serviceAt[index];
  }

  /** The destination that has the index, also when it was removed but is still held. Hot. */
  destinationAt(index: number): Destination | undefined {
    return this.#rules.destinationAt[index];
  }

  /** What was counted for a service, its former destinations included. O(destinations). */
  serviceCounters(service: Service): Readonly<Counters> {
    return service.destinations.reduce(
      (total, { index }) => sum(total, this.#dataplane.counters(index)),
      service.counterOffset,
    );
  }

  /** What was counted for a destination. */
  destinationCounters({ index, zeroPoint }: Destination): Readonly<Counters> {
    return difference(this.#dataplane.counters(index), zeroPoint);
  }

  /** Carries out an operation, or throws LvsError and leaves everything as it was. */
  apply(operation: Operation): void {
    const [refusal] = this.#carryOutAll([[operation]]);
    if (refusal !== undefined) throw refusal.error;
  }

  /**
   * Carries out operations in order: each for itself, or, atomic, all of them or none. There
   * is one result an operation; the results of an atomic refusal end with it.
   */
  applyAll(operations: readonly Operation[], { atomic = false } = {}): OperationResult[] {
    const parts = atomic ? [operations] : operations.map((operation) => [operation]);
    const refusals = this.#carryOutAll(parts);
    return parts.flatMap((part, i) => resultsOf(part, refusals[i]));
  }

  /**
   * Forgets removed destinations that nothing needs any more, and relieves schedulers that have
   * failed. To be called every second or so.
   */
  tick(nowS: number): void {
    this.#thenRedraw(() => this.#relieve());
    const expired = this.#rules.trash.expired(nowS, this.#dataplane);
    if (expired.length === 0) return;
    const indices = expired.map(({ destination }) => destination.index);
    for (const index of indices) this.#dataplane.clearDestination(index);
    for (const discarded of expired) this.#rules.release(discarded);
    this.#journal([{ entry: 'release', indices }]);
  }

  /** Brings the rates up to date. To be called every ESTIMATION_S. */
  estimate(): void {
    this.#estimation.tick();
  }

  /** Takes over what a journal tells; the data plane neither hears of it nor is asked. */
  replay(entry: JournalEntry): void {
    replay(this.#rules, entry);
  }

  /** The fewest entries that, replayed in a new director, make it what this one is. */
  entries(): JournalEntry[] {
    return [...entriesOf(this.#rules)];
  }

  /** Tells the data plane all rules, after a replay: what it knows already does no harm. */
  publish(): void {
    const { services, trash, timeouts, settings, marks } = this.#rules;
    this.#dataplane.setTimeouts(timeouts);
    this.#dataplane.setSettings(settings);
    for (const { destination, serviceId } of trash.content) {
      this.#dataplane.putDestination(destination.index, destination.spec, serviceId);
      this.#dataplane.removeDestination(destination.index);
    }
    for (const service of services) {
      for (const { index, spec } of service.destinations) {
        this.#dataplane.putDestination(index, spec, service.id);
      }
      this.#dataplane.putService(service.index, service.id);
    }
    this.#dataplane.setMarks(marks);
    for (const [index, service] of this.#rules.serviceAt.entries()) {
      const ring = this.#dataplane.ring(index);
      if (service === undefined) ring.release();
      else this.#adopt(service, ring);
    }
    this.#estimation.begin();
  }

  #adopt(service: Service, ring: Ring): void {
    this.#configure(service);
    service.tickets = new Tickets(service, ring);
    service.tickets.adopt();
  }

  /**
   * Carries out each part as a whole or not at all, and answers which were refused. All is
   * written down at once; where that fails, nothing has happened.
   */
  #carryOutAll(parts: readonly (readonly Operation[])[]): readonly (Refusal | undefined)[] {
    const done: Done[] = [];
    return this.#thenRedraw(() => {
      try {
        const refusals = parts.map((part) => this.#carryOut(part, done));
        const entries = done.flatMap((one) => entryOf(one) ?? []);
        if (entries.length > 0) this.#journal(entries);
        return refusals;
      } catch (error) {
        for (const one of done.toReversed()) this.#takeBack(one);
        throw error;
      }
    });
  }

  /** All of the operations; or, answering which one was refused, none of them. */
  #carryOut(operations: readonly Operation[], done: Done[]): Refusal | undefined {
    const own: Done = { changes: [], entries: [], told: [] };
    const { changes, entries, told } = own;
    let at = 0; // the operation at hand
    try {
      for (const operation of operations) {
        const { change, entry } = this.#change(operation);
        changes.push(change);
        entries.push(entry);
        at++;
      }
      at = 0;
      for (const { effects } of changes) {
        for (const effect of effects) {
          tell(this.#dataplane, effect);
          told.push(effect);
        }
        at++;
      }
      this.#note(changes);
      done.push(own);
      return undefined;
    } catch (error) {
      this.#takeBack(own);
      if (error instanceof LvsError) return { at, error };
      throw error;
    }
  }

  #takeBack({ changes, told }: Done): void {
    this.#note(changes);
    for (const effect of told.toReversed()) tell(this.#dataplane, inverse(effect));
    for (const { undo } of changes.toReversed()) undo();
  }

  #change(operation: Operation): { change: Change; entry: OperationEntry } {
    const counters: CounterSample[] = [];
    const change = this.#rules.carryOut(operation, {
      counters: (index) => {
        const counted = this.#dataplane.counters(index);
        counters.push({ index, counters: countersText(counted) });
        return counted;
      },
    });
    const { service } = change;
    const entry = {
      entry: 'operation',
      operation,
      ...(change.index !== undefined && { index: change.index }),
      ...(counters.length > 0 && { counters }),
      ...(service !== undefined && { progress: progressOf(service) }),
    } as const;
    return { change, entry };
  }

  /** Which services are to be scheduled ahead anew: those changed, and those added or deleted. */
  #note(changes: readonly Change[]): void {
    for (const { service, effects } of changes) {
      if (service !== undefined) this.#changed.add(service.index);
      for (const effect of effects) {
        if (effect.effect === 'service') this.#changed.add(effect.index);
        if (effect.effect === 'settings') this.#noteAll();
      }
    }
  }

  /** A service that a setting did not change has nothing to be scheduled anew. */
  #noteAll(): void {
    for (const { index } of this.services) this.#changed.add(index);
  }

  /**
   * Draws the tickets of every service that was changed meanwhile, however often. The journal
   * knows the changes by then: tickets of an edition that it does not know were never published.
   */
  #thenRedraw<Results>(change: () => Results): Results {
    try {
      return change();
    } finally {
      for (const index of this.#changed) this.#redraw(index);
      this.#changed.clear();
    }
  }

  /** Where a client's connections stay together, none is opened before its template: no cookies. */
  #configure({ index, isNat, persistence }: Service): void {
    this.#dataplane.setCookies(index, isNat && persistence === undefined);
    this.#dataplane.setPersistence(index, persistence);
  }

  #relieve(): void {
    for (const service of this.services) {
      const { successor } = service.scheduler;
      if (successor === undefined) continue;
      service.reschedule(successor);
      this.#changed.add(service.index);
    }
  }

  #redraw(index: number): void {
    const ring = this.#dataplane.ring(index);
    const service = this.serviceAt(index);
    // A ring outlives its service, whose index another one may have by now.
    if (service?.tickets === undefined) ring.release();
    if (service === undefined) return;
    this.#configure(service);
    service.tickets ??= new Tickets(service, ring);
    service.tickets.redraw();
  }
}

/** What was carried out as a whole is written down as a whole. */
function entryOf({ entries }: Done): JournalEntry | undefined {
  return entries.length > 1 ? { entry: 'batch', entries } : entries[0];
}

/** One result for every operation that was reached. */
function resultsOf(operations: readonly Operation[], refusal?: Refusal): OperationResult[] {
  const reached = operations.slice(0, refusal?.at).map(() => DONE);
  if (refusal === undefined) return reached;
  const { code, message } = refusal.error;
  return [...reached, { ok: false, code, message }];
}

const DONE: OperationResult = { ok: true };

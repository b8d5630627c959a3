import { checkDestination, checkTimeouts, checkUnicast } from './check.ts';
import { DEFAULT_TIMEOUTS } from './connection.ts';
import { difference, NO_COUNTERS, sum } from './counters.ts';
import type { Counters, Dataplane } from './dataplane.ts';
import { type ConnectionCounts, Destination } from './destination.ts';
import type { DestinationEffect, Effect } from './effect.ts';
import { LvsError, type LvsErrorCode } from './error.ts';
import { IndexPool } from './index_pool.ts';
import { MAX_MARK_RULES, type MarkRule, markRuleKey } from './marks/rule.ts';
import type {
  DestinationId,
  DestinationSpec,
  Operation,
  ServiceId,
  ServiceSpec,
  Timeouts,
} from './operation.ts';
import type { Makers, Outside, Scheduler, Surroundings } from './scheduler.ts';
import { makeScheduler, SCHEDULER_NAMES } from './schedulers/index.ts';
import { standIn } from './schedulers/stand_in.ts';
import { destinationKey, Service, serviceKey } from './service.ts';
import { DEFAULT_SETTINGS, type Settings } from './settings.ts';
import { type Discarded, Trash } from './trash.ts';
import { inReverse, type Undo } from './undo.ts';

/** What an operation needs beside the rules: read now, or replayed as it was then. */
export interface Given {
  /** The index to allocate; the lowest free one if undefined. */
  readonly index?: number | undefined;
  /** Whether the operation was carried out once, and so must be again. */
  readonly isPast?: true;
  /** What the data plane has counted for a destination. */
  counters(index: number): Readonly<Counters>;
}

/** What carrying out an operation did, beyond the rules themselves. */
export interface Change {
  /** What the data plane has to be told, in order. */
  readonly effects: readonly Effect[];
  /** Takes the change of the rules back. */
  readonly undo: Undo;
  /** The index that was allocated. */
  readonly index?: number;
  /** The service whose scheduler learnt of the change. */
  readonly service?: Service;
}

/**
 * The rules, and what each operation makes of them: the same services and destinations, the
 * same refusals as Linux ip_vs_ctl. It changes nothing but itself; an operation that is refused
 * changes nothing at all.
 */
export class Rules implements Surroundings {
  /** In the order of adding. */
  readonly services: Service[] = [];
  /** By index. */
  readonly serviceAt: (Service | undefined)[];
  /** By index, those in the trash included. */
  readonly destinationAt: (Destination | undefined)[];
  readonly trash = new Trash();
  timeouts = DEFAULT_TIMEOUTS;
  /** Of the service that was changed last; no two changes have the same. */
  edition = 0;
  settings = DEFAULT_SETTINGS;
  /** Of firewall marks, in their order. */
  marks: readonly MarkRule[] = [];
  readonly now: Outside['now'];
  readonly random: Outside['random'];
  readonly schedulers: Makers;
  readonly #byKey = new Map<string, Service>();
  readonly #serviceIndices: IndexPool;
  readonly #destinationIndices: IndexPool;
  readonly #counts: ConnectionCounts;

  constructor(limits: Dataplane['limits'], counts: ConnectionCounts, outside: Outside) {
    this.serviceAt = Array(limits.services).fill(undefined);
    this.destinationAt = Array(limits.destinations).fill(undefined);
    this.#serviceIndices = new IndexPool(limits.services, 'services');
    this.#destinationIndices = new IndexPool(limits.destinations, 'destinations');
    this.#counts = counts;
    this.now = outside.now;
    this.random = outside.random;
    this.schedulers = outside.schedulers ?? new Map();
  }

  /** From here on there is no destination at any index. */
  get destinationsEnd(): number {
    return this.#destinationIndices.end;
  }

  /** The service of that name. */
  find(id: ServiceId): Service | undefined {
    return this.#byKey.get(serviceKey(id));
  }

  /** Carries out one operation. Throws LvsError. */
  carryOut(operation: Operation, given: Given): Change {
    const change = this.#carryOut(operation, given);
    const { service } = change;
    if (service === undefined) return change;
    const before = service.edition;
    this.edition += 1;
    service.edition = this.edition;
    return {
      ...change,
      undo: () => {
        service.edition = before;
        change.undo();
      },
    };
  }

  #carryOut(operation: Operation, given: Given): Change {
    switch (operation.op) {
      case 'addService':
        return this.#addService(operation.service, given);
      case 'editService':
        return this.#editService(operation.service, given);
      case 'deleteService':
        return this.#deleteService(this.#service(operation.service, 'NO_SUCH_SERVICE'));
      case 'flush':
        return together([...this.services].map((service) => this.#deleteService(service)));
      case 'addDestination':
        return this.#addDestination(operation.service, operation.destination, given);
      case 'editDestination':
        return this.#editDestination(operation.service, operation.destination);
      case 'deleteDestination':
        return this.#deleteDestination(operation.service, operation.destination, given);
      case 'zero':
        return this.#zero(operation.service, given);
      case 'setTimeouts':
        return this.#setTimeouts(operation.timeouts);
      case 'setSettings':
        return this.#setSettings(operation.settings);
      case 'addMarks': {
        const { rules, at = this.marks.length + 1 } = operation;
        checkPlace(at, this.marks.length + 1);
        return this.#setMarks(this.marks.toSpliced(at - 1, 0, ...rules));
      }
      case 'deleteMark':
        return this.#setMarks(this.marks.toSpliced(placeOf(this.marks, operation.rule) - 1, 1));
      case 'setMarks':
        return this.#setMarks(operation.rules);
    }
  }

  /** Puts a destination into the trash that the rules never had: a replay's. */
  discard(
    index: number,
    spec: DestinationSpec,
    from: Pick<Discarded, 'serviceId' | 'owner'>,
  ): void {
    const destination = this.#newDestination(spec, index);
    this.trash.add({ ...from, destination, idleSinceS: undefined });
  }

  /** Forgets a destination that is in the trash. */
  release(discarded: Discarded): void {
    this.trash.remove(discarded);
    this.#forget(discarded.destination);
  }

  #addService(spec: ServiceSpec, given: Given): Change {
    if (this.find(spec) !== undefined) {
      throw new LvsError('SERVICE_EXISTS', `expected a new service, received ${serviceKey(spec)}`);
    }
    const scheduler = this.#scheduler(spec.scheduler, given);
    const service = new Service(this.#serviceIndices.take(given.index), spec, scheduler);
    this.#enlist(service, this.services.length);
    return {
      effects: [{ effect: 'service', index: service.index, id: service.id, present: true }],
      undo: () => this.#strike(service),
      index: service.index,
      service,
    };
  }

  #editService(spec: ServiceSpec, given: Given): Change {
    const service = this.#service(spec, 'NO_SUCH_SERVICE');
    const scheduler = this.#scheduler(spec.scheduler, given);
    const works = service.failure === undefined;
    const same = works && scheduler.name === service.scheduler.name;
    const undos = [same ? () => {} : service.reschedule(scheduler), service.setFlags(spec)];
    return { effects: [], undo: inReverse(undos), service };
  }

  #deleteService(service: Service): Change {
    const place = this.services.indexOf(service);
    service.tickets?.recall();
    const undo = inReverse(service.destinations.map((gone) => this.#toTrash(service, gone)));
    this.#strike(service);
    return {
      effects: [
        { effect: 'service', index: service.index, id: service.id, present: false },
        ...service.destinations.map((gone) => unavailable(service, gone)),
      ],
      undo: () => {
        this.#serviceIndices.take(service.index);
        this.#enlist(service, place);
        undo();
      },
    };
  }

  #addDestination(id: ServiceId, spec: DestinationSpec, given: Given): Change {
    const service = this.#service(id, 'SERVICE_NOT_DEFINED');
    checkDestination(service.id, spec);
    if (service.find(spec) !== undefined) {
      const received = destinationKey(spec);
      throw new LvsError('DESTINATION_EXISTS', `expected a new destination, received ${received}`);
    }
    const discarded = this.trash.find(service.id, spec);
    if (discarded !== undefined) return this.#revive(service, discarded, spec, given);

    checkUnicast(spec.address);
    const destination = this.#newDestination(spec, given.index);
    const undo = service.add(destination);
    return {
      effects: [available(service, destination)],
      undo: inReverse([() => this.#forget(destination), undo]),
      index: destination.index,
      service,
    };
  }

  /** Adds a destination that is in the trash: its connections are its own again. */
  #revive(service: Service, discarded: Discarded, spec: DestinationSpec, given: Given): Change {
    const { destination } = discarded;
    const { index } = destination;
    const counted = given.counters(index);
    // What was counted under another service, though of the same name, was not for this one.
    const isOwn = discarded.owner === service;
    const undos = [
      ...(isOwn ? [] : [destination.zero(counted), destination.estimator.zero()]),
      this.trash.remove(discarded),
      adjust(service, difference(service.counterOffset, counted)),
      destination.renew(spec),
      service.add(destination),
    ];
    return { effects: [available(service, destination)], undo: inReverse(undos), index, service };
  }

  #editDestination(id: ServiceId, spec: DestinationSpec): Change {
    const service = this.#service(id, 'SERVICE_NOT_DEFINED');
    checkDestination(service.id, spec);
    const destination = destinationOf(service, spec);
    const { spec: before } = destination;
    const undo = service.edit(destination, spec);
    return { effects: [{ ...available(service, destination), before }], undo, service };
  }

  #deleteDestination(id: ServiceId, which: DestinationId, given: Given): Change {
    const service = this.#service(id, 'SERVICE_NOT_DEFINED');
    const destination = destinationOf(service, which);
    const counted = given.counters(destination.index);
    const undos = [
      service.remove(destination),
      this.#toTrash(service, destination),
      adjust(service, sum(service.counterOffset, counted)),
    ];
    return { effects: [unavailable(service, destination)], undo: inReverse(undos), service };
  }

  #zero(id: ServiceId | undefined, given: Given): Change {
    if (id !== undefined) return zero(this.#service(id, 'NO_SUCH_SERVICE'), given);
    return together(this.services.map((service) => zero(service, given)));
  }

  #setTimeouts(wanted: Timeouts): Change {
    checkTimeouts(wanted);
    const before = this.timeouts;
    this.timeouts = {
      tcpS: wanted.tcpS || before.tcpS,
      tcpFinS: wanted.tcpFinS || before.tcpFinS,
      udpS: wanted.udpS || before.udpS,
    };
    return {
      effects: [{ effect: 'timeouts', timeouts: this.timeouts, before }],
      undo: () => {
        this.timeouts = before;
      },
    };
  }

  #setSettings(wanted: Partial<Settings>): Change {
    const before = this.settings;
    const settings = { ...before, ...wanted };
    this.settings = settings;
    const isOther = settings.mh_tab_index !== before.mh_tab_index;
    const undos = this.services
      .filter(({ scheduler }) => isOther && scheduler.name === 'mh')
      .map((service) => service.reschedule(this.#scheduler('mh')));
    return {
      effects: [{ effect: 'settings', settings, before }],
      undo: () => {
        inReverse(undos)();
        this.settings = before;
      },
    };
  }

  #setMarks(rules: readonly MarkRule[]): Change {
    if (rules.length > MAX_MARK_RULES) {
      const expected = `expected up to ${MAX_MARK_RULES} mark rules`;
      throw new LvsError('TABLE_FULL', `${expected}, received ${rules.length}`);
    }
    const before = this.marks;
    this.marks = rules;
    return {
      effects: [{ effect: 'marks', rules, before }],
      undo: () => {
        this.marks = before;
      },
    };
  }

  #scheduler(name: string, { isPast }: Pick<Given, 'isPast'> = {}): Scheduler {
    const scheduler = makeScheduler(name, this);
    if (scheduler !== undefined) return scheduler;
    if (isPast) return standIn(name, this, 'was not loaded');
    const names = [...SCHEDULER_NAMES, ...this.schedulers.keys()];
    const expected = `expected one of ${names.join(', ')} for scheduler`;
    throw new LvsError('SCHEDULER_NOT_FOUND', `${expected}, received ${name}`);
  }

  #service(id: ServiceId, otherwise: LvsErrorCode): Service {
    const service = this.find(id);
    if (service !== undefined) return service;
    throw new LvsError(otherwise, `expected an existing service, received ${serviceKey(id)}`);
  }

  #enlist(service: Service, place: number): void {
    this.services.splice(place, 0, service);
    this.serviceAt[service.index] = service;
    this.#byKey.set(serviceKey(service.id), service);
  }

  #strike(service: Service): void {
    this.services.splice(this.services.indexOf(service), 1);
    this.serviceAt[service.index] = undefined;
    this.#byKey.delete(serviceKey(service.id));
    this.#serviceIndices.release(service.index);
  }

  #toTrash(owner: Service, destination: Destination): Undo {
    return this.trash.add({ destination, serviceId: owner.id, owner, idleSinceS: undefined });
  }

  #newDestination(spec: DestinationSpec, givenIndex: number | undefined): Destination {
    const index = this.#destinationIndices.take(givenIndex);
    const destination = new Destination(index, spec, this.#counts);
    this.destinationAt[index] = destination;
    return destination;
  }

  #forget({ index }: Destination): void {
    this.destinationAt[index] = undefined;
    this.#destinationIndices.release(index);
  }
}

function destinationOf(service: Service, id: DestinationId): Destination {
  const destination = service.find(id);
  if (destination !== undefined) return destination;
  const expected = 'expected an existing destination';
  throw new LvsError('NO_SUCH_DESTINATION', `${expected}, received ${destinationKey(id)}`);
}

/** The place of the first rule that equals one, or the place given, where there is one. */
function placeOf(rules: readonly MarkRule[], rule: MarkRule | number): number {
  if (typeof rule === 'number') {
    checkPlace(rule, rules.length);
    return rule;
  }
  const key = markRuleKey(rule);
  const place = rules.findIndex((one) => markRuleKey(one) === key) + 1;
  if (place > 0) return place;
  throw new LvsError('NO_SUCH_MARK_RULE', `expected an existing mark rule, received ${key}`);
}

function checkPlace(place: number, last: number): void {
  if (place >= 1 && place <= last) return;
  const expected = `expected 1 to ${last} for the mark rule's place`;
  throw new LvsError('NO_SUCH_MARK_RULE', `${expected}, received ${place}`);
}

/** Makes the counters of a service and of its destinations begin at 0. */
function zero(service: Service, given: Given): Change {
  const undos: Undo[] = [];
  let counted: Readonly<Counters> = NO_COUNTERS;
  for (const destination of service.destinations) {
    const own = given.counters(destination.index);
    undos.push(destination.zero(own), destination.estimator.zero());
    counted = sum(counted, own);
  }
  undos.push(adjust(service, difference(NO_COUNTERS, counted)), service.estimator.zero());
  return { effects: [], undo: inReverse(undos) };
}

function adjust(service: Service, counterOffset: Readonly<Counters>): Undo {
  const before = service.counterOffset;
  service.counterOffset = counterOffset;
  return () => {
    service.counterOffset = before;
  };
}

function available({ id }: Service, { index, spec }: Destination): DestinationEffect {
  return { effect: 'destination', service: id, index, spec, before: undefined };
}

function unavailable({ id }: Service, { index, spec }: Destination): DestinationEffect {
  return { effect: 'destination', service: id, index, spec: undefined, before: spec };
}

function together(changes: readonly Change[]): Change {
  return {
    effects: changes.flatMap(({ effects }) => effects),
    undo: inReverse(changes.map(({ undo }) => undo)),
  };
}

import assert from 'node:assert/strict';
import { countersText, isZero, parseCounters } from './counters.ts';
import type { Destination } from './destination.ts';
import type {
  CounterSample,
  JournalEntry,
  OperationEntry,
  Progress,
  ResumeEntry,
} from './journal_entry.ts';
import type { ServiceId } from './operation.ts';
import type { Rules } from './rules.ts';
import { cursorOf } from './scheduler.ts';
import type { Service } from './service.ts';
import type { Discarded } from './trash.ts';

/** Makes the rules what they were after the entry was written. */
export function replay(rules: Rules, entry: JournalEntry): void {
  switch (entry.entry) {
    case 'batch':
      for (const part of entry.entries) replay(rules, part);
      break;
    case 'operation':
      replayOperation(rules, entry);
      break;
    case 'resume':
      resume(rules, entry);
      break;
    case 'trash': {
      const owner = entry.owned ? rules.find(entry.service) : undefined;
      rules.discard(entry.index, entry.destination, { serviceId: entry.service, owner });
      setZeroPoint(rules, { index: entry.index, counters: entry.zeroPoint });
      break;
    }
    case 'release': {
      const released = new Set(entry.indices);
      for (const discarded of [...rules.trash.content]) {
        if (released.has(discarded.destination.index)) rules.release(discarded);
      }
      break;
    }
  }
}

/** The fewest entries that make the rules what they are, from none. */
export function* entriesOf(rules: Rules): Generator<JournalEntry> {
  yield { entry: 'operation', operation: { op: 'setTimeouts', timeouts: rules.timeouts } };
  yield { entry: 'operation', operation: { op: 'setSettings', settings: rules.settings } };
  if (rules.marks.length > 0) {
    yield { entry: 'operation', operation: { op: 'setMarks', rules: rules.marks } };
  }
  for (const service of rules.services) {
    yield* entriesOfService(service);
  }
  const trash = [...rules.trash.content];
  for (const discarded of trash.sort((a, b) => a.destination.index - b.destination.index)) {
    const { owner, serviceId } = discarded;
    yield trashEntry(discarded, owner !== undefined && owner === rules.find(serviceId));
  }
}

function* entriesOfService(service: Service): Generator<JournalEntry> {
  const { index, id } = service;
  yield { entry: 'operation', operation: { op: 'addService', service: service.spec }, index };
  for (const destination of service.destinations.toReversed()) {
    yield* entriesOfDestination(id, destination);
  }
  yield {
    entry: 'resume',
    service: id,
    counterOffset: countersText(service.counterOffset),
    zeroPoints: service.destinations.filter(({ zeroPoint }) => !isZero(zeroPoint)).map(sample),
    progress: progressOf(service),
  };
}

function* entriesOfDestination(
  service: ServiceId,
  { index, spec, lastWeight }: Destination,
): Generator<JournalEntry> {
  const added = { ...spec, weight: lastWeight };
  const operation = { op: 'addDestination', service, destination: added } as const;
  yield { entry: 'operation', operation, index };
  if (lastWeight === spec.weight) return;
  yield { entry: 'operation', operation: { op: 'editDestination', service, destination: spec } };
}

function trashEntry({ destination, serviceId }: Discarded, owned: boolean): JournalEntry {
  const { index, spec } = destination;
  const zeroPoint = countersText(destination.zeroPoint);
  return { entry: 'trash', service: serviceId, destination: spec, index, zeroPoint, owned };
}

function sample({ index, zeroPoint }: Destination): CounterSample {
  return { index, counters: countersText(zeroPoint) };
}

function replayOperation(rules: Rules, entry: OperationEntry): void {
  const counted = new Map(entry.counters?.map(({ index, counters }) => [index, counters]));
  const { service } = rules.carryOut(entry.operation, {
    index: entry.index,
    isPast: true,
    counters: (index) => {
      const text = counted.get(index);
      assert(text, `no counters of destination ${index} in the journal`);
      return parseCounters(text);
    },
  });
  if (service !== undefined && entry.progress !== undefined) {
    makeProgress(rules, service, entry.progress);
  }
}

function resume(rules: Rules, entry: ResumeEntry): void {
  const service = rules.find(entry.service);
  assert(service, 'a service is resumed before it was added');
  service.counterOffset = parseCounters(entry.counterOffset);
  for (const zeroPoint of entry.zeroPoints) setZeroPoint(rules, zeroPoint);
  makeProgress(rules, service, entry.progress);
}

/** How far the service is, as a successor has to know it. */
export function progressOf({ edition, scheduler, tickets }: Service): Progress {
  return { edition, cursor: Array.from(tickets?.cursor ?? cursorOf(scheduler)) };
}

function makeProgress(rules: Rules, service: Service, { edition, cursor }: Progress): void {
  service.edition = edition;
  rules.edition = Math.max(rules.edition, edition);
  if (service.scheduler.kind === 'sequence') service.scheduler.load(service, cursor, 0);
}

function setZeroPoint(rules: Rules, { index, counters }: CounterSample): void {
  const destination = rules.destinationAt[index];
  assert(destination, `a zero point for index ${index}, which no destination has`);
  destination.zero(parseCounters(counters));
}

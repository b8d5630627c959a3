import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Director } from '../../ts/lvs/director.ts';
import type { JournalEntry } from '../../ts/lvs/journal_entry.ts';
import type { Operation } from '../../ts/lvs/operation.ts';
import { KilledError, MortalDataplane } from '../support/mortal_dataplane.ts';
import { destination, flow, rule, service } from '../support/rules.ts';

/** What may happen to a service that is scheduled ahead. */
type Step =
  /** A CPU takes a ticket, and will read it when some more were taken. */
  | { readonly what: 'claim'; readonly cpu: number }
  /** A connection takes a ticket, or asks the slow path. */
  | { readonly what: 'connect'; readonly times: number }
  | { readonly what: 'refill'; readonly afterMs: number }
  | { readonly what: 'change'; readonly operation: Operation; readonly killAt: number };

const to = fc
  .record({ x: fc.integer({ min: 1, max: 5 }), weight: fc.constantFrom(0, 1, 2, 3, 7) })
  .map(({ x, weight }) => destination(x, { weight }));
const operation = fc.oneof(
  { weight: 4, arbitrary: to.map((each) => rule.addDestination(each)) },
  { weight: 3, arbitrary: to.map((each) => rule.editDestination(each)) },
  { weight: 2, arbitrary: to.map((each) => rule.deleteDestination(each)) },
  { weight: 1, arbitrary: fc.constantFrom('rr', 'wrr').map((s) => rule.edit(service(), s)) },
);
const never = Number.POSITIVE_INFINITY;
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ what: fc.constant('claim'), cpu: fc.nat(3) }) },
  { weight: 4, arbitrary: fc.record({ what: fc.constant('connect'), times: fc.nat(90) }) },
  { weight: 2, arbitrary: fc.record({ what: fc.constant('refill'), afterMs: fc.nat(2_000) }) },
  {
    weight: 4,
    arbitrary: fc.record({
      what: fc.constant('change'),
      operation,
      killAt: fc.oneof(fc.constant(never), fc.nat(12)),
    }),
  },
) as fc.Arbitrary<Step>;

/** Places run over: before the sign changes, and before there is none any more. */
const firstPlace = fc.constantFrom(0, 2 ** 31 - 100, 2 ** 32 - 100);

/**
 * A director that schedules ahead, beside a twin that does not: what the data plane takes is what
 * the twin decides at the same moment, whatever happens to either.
 */
class Twins {
  readonly #dataplane = new MortalDataplane();
  readonly #journal: string[] = [];
  #director: Director;
  readonly #twin = new Director(new MortalDataplane());
  readonly #claims: { readonly cpu: number; readonly place: number; readonly due: number }[] = [];
  #nowMs = 0;

  constructor(place: number, scheduler: string) {
    this.#dataplane.begin(place);
    this.#director = this.#newDirector();
    this.#director.apply(rule.add(service(), scheduler));
    this.#twin.apply(exactly(rule.add(service(), scheduler)));
  }

  happen(step: Step): void {
    switch (step.what) {
      case 'claim':
        this.#claim(step.cpu);
        break;
      case 'connect':
        for (let i = 0; i < step.times; i++) this.#connect();
        break;
      case 'refill':
        this.#nowMs += step.afterMs;
        this.#tickets.refill(this.#nowMs);
        break;
      case 'change':
        this.#change(step.operation, step.killAt);
    }
  }

  /** Every ticket that was taken is read, and is the right one. */
  readAll(): void {
    for (const { place, due } of this.#claims.splice(0)) {
      expect(this.#dataplane.taker.read(0, place)).toBe(due);
    }
  }

  get #tickets() {
    return this.#director.serviceAt(0)!.tickets!;
  }

  #decide(): number | undefined {
    return this.#twin.serviceAt(0)!.tickets!.decide(flow())?.index;
  }

  #claim(cpu: number): void {
    if (this.#claims.some((claim) => claim.cpu === cpu)) this.readAll();
    const place = this.#dataplane.taker.claim(0);
    if (place !== undefined) this.#claims.push({ cpu, place, due: this.#decide()! });
  }

  #connect(): void {
    if (this.#claims.length > 0) this.readAll();
    expect(this.#dataplane.choose(this.#director.serviceAt(0)!)).toBe(this.#decide());
  }

  #change(operation: Operation, killAt: number): void {
    const before = this.#journal.length;
    this.#dataplane.killAt = killAt;
    const killed = this.#survive(() => this.#director.applyAll([operation]));
    if (this.#journal.length > before) this.#twin.apply(exactly(operation));
    if (killed) {
      for (const cpu of [0, 1, 2]) this.#claim(cpu);
      this.#succeed(killAt);
    }
  }

  /** Whether the director is killed meanwhile. Then nothing is left but memory and journal. */
  #survive(act: () => void): boolean {
    try {
      act();
      return false;
    } catch (error) {
      if (!(error instanceof KilledError)) throw error;
      this.#journal.length = error.journaled;
      this.#dataplane.adopt();
      return true;
    } finally {
      this.#dataplane.killAt = never;
    }
  }

  /** Another director takes over; it may be killed too, and then a third one does. */
  #succeed(killAt: number): void {
    const killed = this.#survive(() => {
      this.#dataplane.killAt = killAt;
      this.#director = this.#newDirector();
      for (const line of this.#journal) this.#director.replay(JSON.parse(line) as JournalEntry);
      this.#director.publish();
    });
    this.#claim(3);
    if (killed) this.#succeed(never);
  }

  #newDirector(): Director {
    return new Director(this.#dataplane, ([entry]) => {
      this.#dataplane.live(this.#journal.length);
      this.#journal.push(JSON.stringify(entry));
      this.#dataplane.live(this.#journal.length);
    });
  }
}

function exactly(operation: Operation): Operation {
  if (operation.op !== 'addService' && operation.op !== 'editService') return operation;
  return { ...operation, service: { ...operation.service, exact: true } };
}

test.each(['rr', 'wrr'])('tickets of %s are what it would choose one by one', (scheduler) => {
  fc.assert(
    fc.property(firstPlace, fc.array(step, { minLength: 20, maxLength: 60 }), (place, steps) => {
      const twins = new Twins(place, scheduler);
      for (const each of steps) twins.happen(each);
      twins.readAll();
    }),
    { numRuns: 150 },
  );
});

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Destination } from '../../ts/lvs/destination.ts';
import type { Flow, TableScheduler } from '../../ts/lvs/scheduler.ts';
import { makeScheduler, SCHEDULER_NAMES } from '../../ts/lvs/schedulers/index.ts';
import { MemoryDataplane } from '../support/memory_dataplane.ts';
import { destination, flow } from '../support/rules.ts';
import { surroundings } from '../support/surroundings.ts';

/** Destinations of these weights, and a scheduler for them; connections to them are held. */
class Farm {
  readonly destinations: readonly Destination[];
  readonly connections: number[];
  readonly #dataplane = new MemoryDataplane();
  readonly #scheduler;

  constructor(name: string, weights: readonly number[], seed = 0) {
    this.#scheduler = makeScheduler(name, surroundings({}, seed))!;
    this.connections = weights.map(() => 0);
    this.destinations = weights.map((weight, index) => {
      return new Destination(index, destination(index + 1, { weight }), this.#dataplane);
    });
    this.#scheduler.update(this);
  }

  connect(of: Flow = flow()): number | undefined {
    const chosen = this.#scheduler.schedule(this, of)?.index;
    if (chosen === undefined) return undefined;
    this.#dataplane.open(chosen);
    this.connections[chosen]! += 1;
    return chosen;
  }
}

const weight = fc.oneof(fc.integer({ min: 0, max: 12 }), fc.constantFrom(16, 100, 65_535));
const weights = fc.array(weight, { minLength: 1, maxLength: 8 });
const small = fc.array(fc.integer({ min: 0, max: 12 }), { minLength: 1, maxLength: 8 });
const octet = fc.nat(255);
const flows = fc.array(
  fc.record({ port: fc.nat(65_535), client: octet, virtual: fc.nat(3) }).map((of) => {
    const ends = { client: `198.51.100.${of.client}`, virtual: `192.0.2.${of.virtual}` };
    return flow({ ...ends, port: of.port });
  }),
  { minLength: 1, maxLength: 60 },
);

function total(weights: readonly number[]): number {
  return weights.reduce((sum, weight) => sum + weight, 0);
}

test.for(['wrr', 'wlc', 'sed', 'nq'])('%s gives shares as the weights over a cycle', (name) => {
  fc.assert(
    fc.property(small, fc.integer({ min: 1, max: 4 }), (weights, cycles) => {
      const farm = new Farm(name, weights);
      for (let i = 0; i < cycles * total(weights); i++) farm.connect();
      expect(farm.connections).toEqual(weights.map((weight) => weight * cycles));
    }),
  );
});

test.for(['rr', 'lc'])('%s gives equal shares to those that are not quiesced', (name) => {
  fc.assert(
    fc.property(weights, fc.integer({ min: 1, max: 4 }), (weights, cycles) => {
      const farm = new Farm(name, weights);
      const taking = weights.map((weight) => Math.sign(weight));
      for (let i = 0; i < cycles * total(taking); i++) farm.connect();
      expect(farm.connections).toEqual(taking.map((share) => share * cycles));
    }),
  );
});

test.for(SCHEDULER_NAMES)('%s never chooses a quiesced destination', (name) => {
  fc.assert(
    fc.property(weights, flows, (weights, flows) => {
      const farm = new Farm(name, weights);
      for (const each of flows) {
        const chosen = farm.connect(each);
        if (chosen !== undefined) expect(weights[chosen]).toBeGreaterThan(0);
      }
    }),
  );
});

/** They may refuse one client, or all above their capacity, although somebody is there. */
const refusing = ['dh', 'sh', 'ovf'];

test.for(SCHEDULER_NAMES.filter((name) => !refusing.includes(name)))(
  '%s chooses somebody as long as nobody is quiesced',
  (name) => {
    fc.assert(
      fc.property(weights, flows, (weights, flows) => {
        const farm = new Farm(
          name,
          weights.map((weight) => weight + 1),
        );
        for (const each of flows) expect(farm.connect(each)).toBeDefined();
      }),
    );
  },
);

test.for(SCHEDULER_NAMES)('%s chooses the same when the same happens', (name) => {
  fc.assert(
    fc.property(weights, flows, fc.nat(), (weights, flows, seed) => {
      const [one, other] = [new Farm(name, weights, seed), new Farm(name, weights, seed)];
      for (const each of flows) expect(one.connect(each)).toBe(other.connect(each));
    }),
  );
});

test.for(['rr', 'wrr', 'lc', 'wlc', 'sed', 'nq'])('%s starves nobody for over a cycle', (name) => {
  fc.assert(
    fc.property(small, fc.nat(30), (weights, before) => {
      const farm = new Farm(name, weights);
      for (let i = 0; i < before; i++) farm.connect();
      const had = [...farm.connections];
      for (let i = 0; i < 2 * total(weights); i++) farm.connect();
      weights.forEach((weight, i) => {
        if (weight > 0) expect(farm.connections[i]).toBeGreaterThan(had[i]!);
      });
    }),
  );
});

/** The part of mh's slots that lead to another destination once the first of so many is gone. */
function moved(count: number): number {
  const { destinations } = new Farm('mh', Array(count).fill(1));
  const scheduler = makeScheduler('mh', surroundings()) as TableScheduler;
  const slots = (of: readonly Destination[]) => {
    scheduler.update({ destinations: of });
    return Array.from(scheduler.slots({ destinations: of }), (place) => of[place]);
  };
  const [before, after] = [slots(destinations), slots(destinations.slice(1))];
  return before.filter((each, slot) => each !== after[slot]).length / before.length;
}

// What has to move is what the one had, 1 / n: of 100 one percent, where mh moves four.
test.for([
  [2, 50.0],
  [3, 33.4],
  [5, 20.4],
  [10, 10.9],
  [20, 6.6],
  [50, 4.1],
  [100, 4.0],
] as const)('when one of %d leaves, mh moves %f %% of the clients', ([count, percent]) => {
  expect(moved(count) * 100).toBeCloseTo(percent, 1);
  expect(percent - 100 / count).toBeLessThan(3.1);
});

import { describe, expect, test } from 'vitest';
import type {
  CountsScheduler,
  Destination,
  FlowScheduler,
  Scheduler,
  SequenceScheduler,
} from 'xlvs';
import { Director } from '../../ts/lvs/director.ts';
import type { JournalEntry } from '../../ts/lvs/journal_entry.ts';
import { adapt } from '../../ts/user/adapter.ts';
import { within } from '../../ts/user/guard.ts';
import { MemoryDataplane } from '../support/memory_dataplane.ts';
import { destination, flow, rule, service } from '../support/rules.ts';

/** A busy machine takes its time: only who loops is to reach it. */
const LIMIT_MS = 1_000;

const inTurn: SequenceScheduler = {
  name: 'own',
  kind: 'sequence',
  choose: (destinations, turn) => destinations[turn % destinations.length]!,
};
const fewest: CountsScheduler = {
  name: 'own',
  kind: 'counts',
  choose: (destinations) =>
    destinations.reduce((a, b) => (b.activeConnections < a.activeConnections ? b : a)),
};
const byPort: FlowScheduler = {
  name: 'own',
  kind: 'flow',
  choose: (destinations, { clientPort }) => destinations[clientPort % destinations.length]!,
};

function outside(...schedulers: readonly Scheduler[]) {
  const makers = schedulers.map((each) => [each.name, adapt(each, within(LIMIT_MS))] as const);
  return { now: () => 0, random: () => 0, schedulers: new Map(makers) };
}

/** A service of destinations 10.0.0.1 to 10.0.0.3, scheduled by one of the user's. */
function directed(scheduler: Scheduler, exact = false) {
  const dataplane = new MemoryDataplane();
  const journal: JournalEntry[] = [];
  const director = new Director(dataplane, (it) => journal.push(...it), outside(scheduler));
  director.apply(rule.add(service(), scheduler.name, exact));
  for (const x of [1, 2, 3]) director.apply(rule.addDestination(destination(x)));
  return {
    dataplane,
    journal,
    director,
    connect: (times: number) => connect(director, dataplane, times),
  };
}

/** What is wrong with the scheduler of the only service. */
function failureOf({ services: [of] }: Director): string | undefined {
  return /^scheduler own of tcp 192\.0\.2\.1:80 (.*): wlc chooses in its place$/.exec(
    of?.failure ?? '',
  )?.[1];
}

/** The last numbers of the addresses that so many clients get. */
function connect(director: Director, dataplane: MemoryDataplane, times: number) {
  const [of] = director.services;
  return Array.from({ length: times }, (_, i) => {
    const index = dataplane.connect(of!, flow({ port: 40_000 + i }));
    const to = index === undefined ? undefined : director.destinationAt(index);
    return Number(to?.address.split('.').at(-1));
  });
}

describe('a scheduler of the user', () => {
  test('that chooses by its turn does so across changes of the rules, ahead or not', () => {
    for (const exact of [false, true]) {
      const { director, connect } = directed(inTurn, exact);
      expect(connect(5)).toEqual([3, 2, 1, 3, 2]);
      director.apply(rule.addDestination(destination(4)));
      expect(connect(4)).toEqual([3, 2, 1, 4]); // turns 5 to 8 of 4, 3, 2, 1
      director.apply(rule.editDestination(destination(3, { weight: 0 })));
      expect(connect(200).slice(-3)).toEqual([1, 4, 2]); // turns 206 to 208 of 4, 2, 1
    }
  });

  test('that chooses by its turn goes on where a director that was killed has been', () => {
    const { dataplane, journal, connect: before } = directed(inTurn);
    expect(before(100).slice(-1)).toEqual([3]);
    const next = new Director(dataplane, () => {}, outside(inTurn));
    for (const entry of journal) next.replay(JSON.parse(JSON.stringify(entry)));
    dataplane.adopt();
    next.publish();
    expect(connect(next, dataplane, 3)).toEqual([2, 1, 3]);
  });

  test('that chooses by its turn passes over who is overloaded', () => {
    for (const exact of [false, true]) {
      const { director, connect } = directed(inTurn, exact);
      director.apply(rule.editDestination(destination(2, { upperThreshold: 1 })));
      expect(connect(6)).toEqual([3, 2, 1, 3, 1, 3]);
    }
  });

  test('that counts connections sees those drawn before', () => {
    const { director, connect } = directed(fewest);
    expect(connect(6)).toEqual([3, 2, 1, 3, 2, 1]);
    const [of] = director.services;
    const { scheduler } = of!;
    if (scheduler.kind !== 'counts') throw new Error('expected counts');
    scheduler.survey(of!);
    const drawn = Array.from({ length: 70 }, () => scheduler.draw()?.address.at(-1));
    expect(drawn.slice(-7).join('')).toBe('3213213');
  });

  test('that looks at the flow is asked for each, and shown text', () => {
    const seen: unknown[] = [];
    const watched: FlowScheduler = {
      ...byPort,
      choose(destinations, of) {
        seen.push(of);
        return byPort.choose(destinations, of);
      },
    };
    const { connect } = directed(watched);
    expect(connect(4)).toEqual([2, 1, 3, 2]); // 40000 leaves a remainder of 1
    expect(seen[0]).toEqual({
      clientAddress: '198.51.100.7',
      clientPort: 40_000,
      virtualAddress: '192.0.2.1',
    });
  });

  test('is not shown who is quiesced or overloaded, and may turn the list upside down', () => {
    const shown: string[] = [];
    const watched: FlowScheduler = {
      ...byPort,
      choose(destinations) {
        shown.push(destinations.map(({ address }) => address.at(-1)).join(''));
        (destinations as Destination[]).reverse();
        return destinations.at(-1)!;
      },
    };
    const { director, connect } = directed(watched);
    director.apply(rule.editDestination(destination(2, { weight: 0 })));
    director.apply(rule.editDestination(destination(3, { upperThreshold: 1 })));
    expect(connect(3)).toEqual([3, 1, 1]);
    expect(shown).toEqual(['31', '1', '1']);
    director.apply(rule.editDestination(destination(1, { weight: 0 })));
    expect(connect(1)).toEqual([Number.NaN]);
    expect(shown).toHaveLength(3);
  });
});

const faults = {
  'throws an error': [
    () => {
      throw new TypeError('boom\nbang');
    },
    'threw TypeError: boom',
  ],
  'throws anything': [
    () => {
      throw Object.create(null);
    },
    'threw something that is no Error',
  ],
  'overflows the stack': [
    function again(): Destination {
      return [again()][0]!;
    },
    'threw RangeError: Maximum call stack size exceeded',
  ],
  loops: [
    () => {
      try {
        for (;;);
      } finally {
        for (;;);
      }
    },
    `took longer than ${LIMIT_MS} ms`,
  ],
  'answers nothing': [() => undefined, 'chose none of those that it was given'],
  'answers a promise': [
    (all: readonly Destination[]) => Promise.resolve(all[0]),
    'chose none of those that it was given',
  ],
  'answers a likeness': [
    (all: readonly Destination[]) => ({ ...all[0] }),
    'chose none of those that it was given',
  ],
  'changes a destination': [
    ([first]: readonly Destination[]) => Object.assign(first!, { weight: 9 }),
    'threw TypeError: Cannot set property weight of #<View> which has only a getter',
  ],
} as const satisfies Readonly<Record<string, readonly [unknown, string]>>;

/** A scheduler that does so from its n-th call on. */
function faulty<Kind extends Scheduler>(good: Kind, fault: keyof typeof faults, n = 0): Kind {
  let calls = 0;
  const bad = faults[fault][0] as typeof good.choose;
  const choose = (...given: [never, never]) => {
    calls += 1;
    return calls > n ? bad(...given) : good.choose(...given);
  };
  return { ...good, choose } as Kind;
}

describe.each([inTurn, fewest, byPort])('a scheduler of kind $kind', (good) => {
  test.each(Object.keys(faults) as (keyof typeof faults)[])(
    'that %s is relieved by wlc',
    (what) => {
      const { director, dataplane, connect } = directed(faulty(good, what));
      const shares = (chosen: readonly number[]) =>
        [1, 2, 3].map((x) => chosen.filter((each) => each === x).length);
      expect(shares(connect(30))).toEqual([10, 10, 10]);
      const [of] = director.services;
      expect(failureOf(director)).toBe(faults[what][1]);
      director.tick(0);
      expect(of?.scheduler).toMatchObject({ name: 'own', kind: 'counts' });
      expect(failureOf(director)).toBe(faults[what][1]);
      expect(of?.spec.scheduler).toBe('own');
      director.apply(rule.editDestination(destination(1, { weight: 4 })));
      expect(shares(connect(30))).toEqual([30, 0, 0]);
      expect(dataplane.ring(0).size).toBeGreaterThan(0);
    },
  );

  test('that fails later keeps what it chose before, and edits and removals do no harm', () => {
    const { director, connect } = directed(faulty(good, 'throws an error', 700));
    for (let i = 0; i < 20; i++) {
      expect(connect(50)).not.toContain(Number.NaN);
      director.apply(rule.editDestination(destination(1, { weight: 1 + (i % 2) })));
    }
    expect(failureOf(director)).toBeDefined();
    director.apply(rule.deleteDestination(destination(2)));
    expect(connect(100)).not.toContain(2);
    director.tick(0);
    director.apply(rule.deleteDestination(destination(3)));
    expect(new Set(connect(100))).toEqual(new Set([1]));
  });

  test('that chooses one who is gone is relieved by wlc', () => {
    let first: Destination | undefined;
    const { director, connect } = directed({
      ...good,
      choose(destinations: readonly Destination[]) {
        first ??= destinations[0]!;
        return first;
      },
    });
    const [gone] = connect(1);
    director.apply(rule.deleteDestination(destination(gone!)));
    expect(new Set(connect(40))).toEqual(new Set([1, 2, 3].filter((x) => x !== gone)));
    expect(failureOf(director)).toBe('chose none of those that it was given');
  });
});

test('a scheduler that has failed gets another try when the service is told its name again', () => {
  let isMended = false;
  const mendable: CountsScheduler = {
    ...fewest,
    choose: (destinations) => (isMended ? fewest : faulty(fewest, 'loops')).choose(destinations),
  };
  const { director, connect } = directed(mendable);
  director.tick(0);
  expect(failureOf(director)).toBe(faults.loops[1]);
  isMended = true;
  director.apply(rule.edit(service(), 'own'));
  expect(connect(3)).toEqual([3, 2, 1]);
  expect(failureOf(director)).toBeUndefined();
});

test('a scheduler that is not there any more is named, and wlc chooses; nothing is lost', () => {
  const { dataplane, director, journal } = directed(inTurn);
  const without = new Director(dataplane);
  for (const entry of journal) without.replay(entry);
  dataplane.adopt();
  without.publish();
  expect(failureOf(without)).toBe('was not loaded');
  expect(without.services[0]?.spec).toEqual(director.services[0]?.spec);
  expect(new Set(connect(without, dataplane, 30))).toEqual(new Set([1, 2, 3]));
  expect(() => without.apply(rule.add(service({ port: 81 }), 'own'))).toThrow(/received own/);

  const again = new Director(dataplane, () => {}, outside(inTurn));
  for (const entry of without.entries()) again.replay(entry);
  dataplane.adopt();
  again.publish();
  expect(again.services[0]?.scheduler.kind).toBe('sequence');
  expect(again.services[0]?.destinations).toHaveLength(3);
});

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Destination } from '../../ts/lvs/destination.ts';
import { makeScheduler } from '../../ts/lvs/schedulers/index.ts';
import { MemoryDataplane } from '../support/memory_dataplane.ts';
import { destination } from '../support/rules.ts';
import { surroundings } from '../support/surroundings.ts';

const busy = fc.record({
  weight: fc.oneof(fc.integer({ min: 0, max: 5 }), fc.integer({ min: 2 ** 30, max: 2 ** 31 - 1 })),
  active: fc.nat(6),
  inactive: fc.oneof(fc.nat(6), fc.integer({ min: 250, max: 260 })),
});

test.each(['lc', 'wlc', 'sed', 'nq', 'fo', 'ovf'])(
  '%s draws what it would choose if the drawn were connected',
  (name) => {
    fc.assert(
      fc.property(fc.array(busy, { maxLength: 9 }), fc.nat(60), (each, draws) => {
        const dataplane = new MemoryDataplane();
        const destinations = each.map(({ weight, active, inactive }, index) => {
          for (let i = 0; i < active; i++) dataplane.open(index, 'tcp');
          for (let i = 0; i < inactive; i++) dataplane.open(index, 'udp');
          return new Destination(index, destination(index, { weight }), dataplane);
        });
        const scheduler = makeScheduler(name, surroundings())!;
        if (scheduler.kind !== 'counts') throw new Error(`expected counts, received ${name}`);
        scheduler.survey({ destinations });
        for (let i = 0; i < draws; i++) {
          const drawn = scheduler.draw();
          expect(drawn?.index).toBe(scheduler.schedule({ destinations })?.index);
          if (drawn !== undefined) dataplane.open(drawn.index, 'tcp');
        }
      }),
    );
  },
);

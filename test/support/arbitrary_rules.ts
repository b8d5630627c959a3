import fc from 'fast-check';
import type { Director } from '../../ts/lvs/director.ts';
import type { Operation } from '../../ts/lvs/operation.ts';
import { SCHEDULER_NAMES } from '../../ts/lvs/schedulers/index.ts';
import type { MemoryDataplane } from './memory_dataplane.ts';
import { destination, rule, service } from './rules.ts';

/** Something that happens to a director: rules for few names, so that many meet, and traffic. */
export type Happening =
  | { readonly operations: readonly Operation[]; readonly atomic: boolean }
  | { readonly connectTo: number }
  | { readonly endOneOf: number }
  | { readonly tick: number };

const of = fc
  .constantFrom(80, 443)
  .chain((port) => fc.constantFrom('tcp' as const, 'udp' as const).map((p) => [p, port] as const))
  .map(([protocol, port]) => service({ protocol, port }));
const to = fc
  .record({
    x: fc.integer({ min: 1, max: 4 }),
    weight: fc.constantFrom(-1, 0, 1, 2, 3, 6),
    method: fc.constantFrom('masq' as const, 'route' as const),
  })
  .map(({ x, ...other }) => destination(x, other));

const SCHEDULERS = [...SCHEDULER_NAMES, 'nosuch'];

/** Any operation, also one that will be refused. */
export const operation: fc.Arbitrary<Operation> = operationWith(SCHEDULERS);

/** A director's life. */
export const happenings: fc.Arbitrary<Happening[]> = happeningsWith(SCHEDULERS);

function operationWith(schedulers: readonly string[]): fc.Arbitrary<Operation> {
  const scheduler = fc.constantFrom(...schedulers);
  return fc.oneof(
    { weight: 3, arbitrary: fc.tuple(of, scheduler).map((args) => rule.add(...args)) },
    { weight: 1, arbitrary: fc.tuple(of, scheduler).map((args) => rule.edit(...args)) },
    { weight: 1, arbitrary: of.map(rule.delete) },
    { weight: 9, arbitrary: fc.tuple(to, of).map((args) => rule.addDestination(...args)) },
    { weight: 3, arbitrary: fc.tuple(to, of).map((args) => rule.editDestination(...args)) },
    { weight: 4, arbitrary: fc.tuple(to, of).map((args) => rule.deleteDestination(...args)) },
    { weight: 1, arbitrary: fc.option(of, { nil: undefined }).map(rule.zero) },
    { weight: 1, arbitrary: fc.constant(rule.flush) },
    { weight: 1, arbitrary: fc.nat(9).map((n) => rule.timeouts(n, 0, n + 1)) },
  );
}

/** A director's life with no other schedulers. */
export function happeningsWith(schedulers: readonly string[]): fc.Arbitrary<Happening[]> {
  const operation = operationWith(schedulers);
  return fc.array(
    fc.oneof(
      {
        weight: 4,
        arbitrary: fc.record({
          operations: fc.array(operation, { maxLength: 6 }),
          atomic: fc.boolean(),
        }),
      },
      { weight: 4, arbitrary: fc.record({ connectTo: fc.nat() }) },
      { weight: 2, arbitrary: fc.record({ endOneOf: fc.nat() }) },
      { weight: 1, arbitrary: fc.record({ tick: fc.constantFrom(1, 60, 120) }) },
    ),
    { maxLength: 40 },
  );
}

/** Lets everything happen to a director; its clock starts at 0. */
export function live(
  director: Director,
  dataplane: MemoryDataplane,
  life: readonly Happening[],
): void {
  const held: number[] = [];
  let nowS = 0;
  for (const happening of life) {
    if ('operations' in happening) {
      director.applyAll(happening.operations, happening);
    } else if ('connectTo' in happening) {
      const chosen = connect(director, dataplane, happening.connectTo);
      if (chosen !== undefined) held.push(chosen);
    } else if ('endOneOf' in happening) {
      const [index] = held.splice(happening.endOneOf % (held.length || 1), 1);
      if (index !== undefined) dataplane.expire(index);
    } else {
      nowS += happening.tick;
      director.tick(nowS);
    }
  }
}

function connect(director: Director, dataplane: MemoryDataplane, n: number): number | undefined {
  const service = director.services[n % (director.services.length || 1)];
  const chosen = service && dataplane.choose(service);
  if (chosen !== undefined) dataplane.open(chosen, 'udp');
  return chosen;
}

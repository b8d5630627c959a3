import fc from 'fast-check';
import { expect, test } from 'vitest';
import { connectionRows } from '../../ts/dataplane/connections.ts';
import { PROTOCOLS, writeAddress } from '../../ts/dataplane/encoding.ts';
import { ConnectionState, Destination, Flow, Limits, Settings } from '../../ts/native/abi.gen.ts';
import { type ConnectionSpec, loadAddon, type MemoryDirector } from '../../ts/native/addon.ts';

const { MemoryDirector: Memory } = loadAddon();
/** So few that most connections have to spill. */
const BUCKETS = 4;
const SLOTS = BUCKETS * Limits.WAYS;
const DESTINATIONS = 3;
const MOST_JIFFIES = 6;

/** A connection that is entered, or time that goes by until the table is swept. */
type Step = Entry | { readonly jiffies: number };

interface Entry {
  readonly family: 4 | 6;
  readonly protocol: 'tcp' | 'udp';
  readonly client: number;
  readonly service: number;
  readonly destination: number;
  readonly timeout: number;
}

const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    { weight: 8, arbitrary: anyEntry() },
    { weight: 1, arbitrary: fc.record({ jiffies: fc.integer({ min: 1, max: MOST_JIFFIES }) }) },
  ),
  { maxLength: 120, size: 'max' },
);

function anyEntry(): fc.Arbitrary<Entry> {
  return fc.record({
    family: fc.constantFrom(4, 6),
    protocol: fc.constantFrom('tcp', 'udp'),
    client: fc.integer({ min: 1, max: 4 }),
    service: fc.integer({ min: 1, max: 6 }),
    destination: fc.integer({ min: 0, max: DESTINATIONS - 1 }),
    timeout: fc.integer({ min: 1, max: 2 * MOST_JIFFIES }),
  });
}

/** What the table is to be like: a map, and a clock. */
class Model {
  readonly connections = new Map<string, Entry & { readonly due: number }>();
  now: number;

  constructor(now: number) {
    this.now = now;
  }

  get slots(): number {
    return [...this.connections.values()].reduce((sum, { family }) => sum + slotsOf(family), 0);
  }

  /** The number of connections that were due. */
  advance(jiffies: number): number {
    const before = this.connections.size;
    this.now += jiffies;
    for (const [key, { due }] of this.connections) {
      if (due <= this.now) this.connections.delete(key);
    }
    return before - this.connections.size;
  }
}

function slotsOf(family: 4 | 6): number {
  return family === 4 ? 1 : 2;
}

function addressOf(family: 4 | 6, network: number, host: number): string {
  return family === 4 ? `10.0.${network}.${host}` : `2001:db8:${network}::${host}`;
}

/** As listings show it. */
function keyOf({ family, protocol, client, service }: Entry): string {
  const ends = [addressOf(family, 1, client), 1000, addressOf(family, 2, 1), service];
  return [protocol, ...ends].join(' ');
}

function specOf(entry: Entry, now: number): ConnectionSpec {
  const { family, protocol, client, service, destination, timeout } = entry;
  const request = new Uint8Array(Flow.size);
  const view = new DataView(request.buffer);
  Flow.setFamily(view, 0, writeAddress(view, Flow.saddrAt, addressOf(family, 1, client)));
  writeAddress(view, Flow.daddrAt, addressOf(family, 2, 1));
  Flow.setSport(view, 0, 1000);
  Flow.setDport(view, 0, service);
  Flow.setProtocol(view, 0, PROTOCOLS[protocol]);
  const state = protocol === 'tcp' ? ConnectionState.ESTABLISHED : ConnectionState.UDP;
  return { request, destination, state, seenJiffies: now >>> 0, timeoutJiffies: timeout };
}

function newDirector(keys: bigint[]): MemoryDirector {
  const director = new Memory();
  Settings.setBuckets(new DataView(director.settings), 0, BUCKETS);
  new BigUint64Array(director.settings, Settings.hashKeys.at, Settings.hashKeys.count).set(keys);
  return director;
}

/** Does the same to both; a new connection is refused only where there is no room for it. */
function take(step: Step, director: MemoryDirector, model: Model): void {
  director.setClock(model.now >>> 0);
  if ('jiffies' in step) {
    const ended = model.advance(step.jiffies);
    director.setClock(model.now >>> 0);
    expect(director.sweep()).toBe(ended);
    return;
  }
  const entered = director.putConnection(specOf(step, model.now)) >= 0;
  const known = model.connections.has(keyOf(step));
  if (known) expect(entered).toBe(false);
  else if (step.family === 4) expect(entered).toBe(model.slots < SLOTS);
  if (entered) model.connections.set(keyOf(step), { ...step, due: model.now + step.timeout });
}

function compare(director: MemoryDirector, model: Model): void {
  const clock = () => ({ jiffies: model.now >>> 0, hz: 1 });
  const rows = Array.from(connectionRows(director, clock), (row) =>
    [row.protocol, row.clientAddress, row.clientPort, row.virtualAddress, row.virtualPort].join(
      ' ',
    ),
  );
  expect(rows.sort()).toEqual([...model.connections.keys()].sort());
  const view = new DataView(director.destinations);
  const all = [...model.connections.values()];
  for (let index = 0; index < DESTINATIONS; index++) {
    const own = all.filter(({ destination }) => destination === index);
    const active = own.filter(({ protocol }) => protocol === 'tcp').length;
    expect(Destination.active(view, index * Destination.size)).toBe(active);
    expect(Destination.inactive(view, index * Destination.size)).toBe(own.length - active);
  }
}

const keys = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });

test('the table holds what a map would hold, under any keys', () => {
  const hashKeys = fc.array(keys, { minLength: Limits.HASH_KEYS, maxLength: Limits.HASH_KEYS });
  // Also just before the clock turns over.
  const starts = fc.constantFrom(100, 2 ** 31 - 5, 2 ** 32 - 5);
  fc.assert(
    fc.property(hashKeys, starts, steps, (secret, start, sequence) => {
      const director = newDirector(secret);
      const model = new Model(start);
      for (const step of sequence) take(step, director, model);
      compare(director, model);
    }),
  );
});

import { expect, test } from 'vitest';
import { isActive } from '../../ts/lvs/connection.ts';
import type { Protocol } from '../../ts/lvs/operation.ts';
import type { Settings } from '../../ts/lvs/settings.ts';
import type { Direction } from '../../ts/lvs/state.ts';
import { flowOf, Simulation } from '../../ts/simulate/simulation.ts';
import { readRecording } from '../support/recorded.ts';
import { destination, rule, service } from '../support/rules.ts';

/** A connection's history; vectors/datapath/states.py tells how to read it. */
interface History {
  readonly protocol: Protocol;
  readonly method: 'masq' | 'route';
  readonly steps: readonly string[];
}

/** What a client's packet came to; vectors/datapath/settings.py tells how to read it. */
interface Line extends Omit<History, 'steps'> {
  readonly settings: Partial<Settings>;
  readonly before: string | null;
  readonly happened: 'quiesced' | 'removed' | null;
  readonly flags: string;
  readonly after: string;
}

test.for(readRecording<History>('datapath/states.jsonl'))(
  'segments make of a connection what they do in the kernel: $protocol, $method, $steps',
  (history) => {
    const client = new Client(history);
    for (const step of history.steps) {
      const [, direction, flags = ''] = /^(in|out) (\S+):/.exec(step)!;
      client.send(direction as Direction, flags.replace('-', ''));
      // The one difference: an RST beside the SYN closes, and the kernel forgets an ended one.
      const closes = step.endsWith(': none') && /^CLOSE 10 inactive/.test(client.shown);
      expect(`${direction} ${flags}: ${closes ? 'none' : client.shown}`).toBe(step);
      if (closes) break;
    }
  },
);

const WAYS: Readonly<Record<string, readonly (readonly [Direction, string])[]>> = {
  'masq ESTABLISHED': [],
  'masq CLOSE': [['in', 'RA']],
  'masq FIN_WAIT': [['out', 'FA']],
  'masq TIME_WAIT': [
    ['out', 'FA'],
    ['in', 'FA'],
  ],
  'route ESTABLISHED': [],
  'route CLOSE': [['in', 'RA']],
  'route FIN_WAIT': [['in', 'FA']],
};

test.for(readRecording<Line>('datapath/settings.jsonl'))(
  'under $settings, $flags on $protocol, $method, $before, $happened comes to $after',
  (line) => {
    const { protocol, method, before, happened, flags, after, settings } = line;
    const client = new Client(line, settings);
    if (before !== null) {
      client.send('in', protocol === 'tcp' ? 'S' : '');
      if (protocol === 'tcp') for (const way of OPENING) client.send(...way);
      for (const way of WAYS[`${method} ${before}`] ?? []) client.send(...way);
      expect(client.shown).toContain(before);
      if (happened !== null) client[happened]();
    }
    client.send('in', flags);
    expect(after === 'none' ? client.shown : client.state).toBe(after);
  },
);

const OPENING: readonly (readonly [Direction, string])[] = [
  ['out', 'SA'],
  ['in', 'A'],
];

/** A client of a service with two destinations in turn. */
class Client {
  readonly #simulation = new Simulation({ services: 1, destinations: 2 });
  readonly #flow;
  #isNew = false;

  constructor({ protocol, method }: Pick<History, 'protocol' | 'method'>, settings = {}) {
    const { director } = this.#simulation;
    const id = service({ protocol });
    this.#flow = flowOf(id, '198.51.100.7', 40_000);
    director.apply(rule.settings(settings));
    director.apply(rule.add(id));
    for (const x of [1, 2]) director.apply(rule.addDestination(destination(x, { method }), id));
  }

  send(direction: Direction, flags: string): void {
    this.#isNew = this.#simulation.packet(this.#flow, { direction, flags }).isNew ?? false;
  }

  get #destination() {
    return this.#simulation.find(this.#flow)!.destination;
  }

  quiesced(): void {
    const { spec, service } = this.#destination;
    this.#simulation.director.apply(rule.editDestination({ ...spec, weight: 0 }, service!.id));
  }

  removed(): void {
    const { spec, service } = this.#destination;
    this.#simulation.director.apply(rule.deleteDestination(spec, service!.id));
  }

  /** The connection's state, and whether the last packet opened it. */
  get state(): string {
    return `${this.#simulation.find(this.#flow)?.state}${this.#isNew ? ' new' : ''}`;
  }

  /** The connection as the kernel lists it. */
  get shown(): string {
    const connection = this.#simulation.find(this.#flow);
    if (connection === undefined) return 'none';
    const { state, destination, expiresUs } = connection;
    const { activeConnections: active, inactiveConnections: inactive } = destination;
    expect([active, inactive]).toEqual(isActive(state) ? [1, 0] : [0, 1]);
    const counted = active > 0 ? 'active' : 'inactive';
    return `${state} ${expiresUs / 1e6} ${counted}${this.#isNew ? ' new' : ''}`;
  }
}

import { expect } from 'vitest';
import type { Protocol } from '../../ts/lvs/operation.ts';
import { endpointText, type Family } from '../../ts/net/address.ts';
import { parseEvent } from '../../ts/simulate/event.ts';
import { type Outcome, play } from '../../ts/simulate/play.ts';
import { Simulation } from '../../ts/simulate/simulation.ts';
import { addressOf, letterOf } from './recorded_clients.ts';
import { numbersOf } from './replay.ts';

/** What was recorded of a service; the scenarios of vectors/schedulers tell what its events are. */
export interface RecordedPast {
  readonly name: string;
  readonly scheduler: string;
  readonly flags?: string;
  readonly protocol: Protocol;
  readonly family: Family;
  readonly events: readonly string[];
}

/** Who came, and which of them have numbers. */
export interface Visitors {
  /** The clients of a `choose`, by its seed; undefined where it has none. */
  readonly clients: (seed: number | undefined) => Iterator<Client, never>;
  /** Whether connections that were refused are numbered, too. */
  readonly areAllNumbered: boolean;
}

/** A client's end of a connection. */
export interface Client {
  readonly src: string;
  readonly sport: number;
}

/** A simulation to which a recorded past happens; its own choices replace the recorded ones. */
export class SimulatedPast {
  readonly #simulation = new Simulation({ services: 1, destinations: 64 });
  readonly #past: RecordedPast;
  readonly #visitors: Visitors;
  readonly #virtual: string;
  readonly #service: string;
  /** By number. */
  readonly #flows: object[] = [];

  constructor(past: RecordedPast, visitors: Visitors) {
    const { protocol, family } = past;
    this.#past = past;
    this.#visitors = visitors;
    this.#virtual = family === 6 ? '2001:db8:99::1' : '10.99.0.1';
    this.#service = `-${protocol[0]} ${endpointText(this.#virtual, 80)}`;
  }

  /** The events as they would have been recorded of us. */
  async run(): Promise<string[]> {
    const { scheduler, flags, events } = this.#past;
    await this.#schedule('-A', scheduler, flags);
    const told: string[] = [];
    for (const event of events) told.push(await this.#happen(event));
    return told;
  }

  async #happen(event: string): Promise<string> {
    const [what = '', first = '', ...words] = event.split(' ');
    const flows = () => Array.from(numbersOf([first, ...words]), (n) => this.#flows[n]!);
    switch (what) {
      case 'choose':
        return words.length === 0
          ? `choose ${await this.#choose(first.length, undefined)}`
          : `choose ${first} ${await this.#choose(words[0]!.length, Number(first))}`;
      case 'close':
      case 'reset':
        for (const flow of first === '' ? this.#flows : flows()) {
          await this.#play({ op: what, ...flow });
        }
        break;
      case 'wait':
        await this.#play({ op: 'advance', seconds: Number(first) });
        break;
      case 'expire':
        await this.#expire(flows());
        break;
      case 'scheduler':
        await this.#schedule('-E', first, words[0]);
        break;
      case 'flags':
        await this.#schedule('-E', this.#past.scheduler, first);
        break;
      default:
        await this.#edit(what, first, words);
    }
    return event;
  }

  async #choose(count: number, seed: number | undefined): Promise<string> {
    const { clients, areAllNumbered } = this.#visitors;
    const { protocol: proto } = this.#past;
    const coming = clients(seed);
    let letters = '';
    for (let i = 0; i < count; i++) {
      const flow = { proto, ...coming.next().value, dst: this.#virtual, dport: 80 };
      const { chose } = await this.#play({ op: 'connect', ...flow });
      if (chose || areAllNumbered) this.#flows.push(flow);
      letters += chose ? letterOf(chose.replace(/]?:80$/, '')) : '-';
    }
    return letters;
  }

  /** TCP's are gone by themselves; UDP's had one more packet, while its timeout was short. */
  async #expire(flows: readonly object[]): Promise<void> {
    if (this.#past.protocol === 'udp') {
      await this.#rule('--set 0 0 1');
      for (const flow of flows) await this.#play({ op: 'packet', dir: 'in', ...flow });
      await this.#rule('--set 0 0 300');
      await this.#play({ op: 'advance', seconds: 1 });
    }
    for (const flow of flows) {
      const { state } = await this.#play({ op: 'packet', dir: 'out', ...flow });
      expect(state).toBeNull();
    }
  }

  async #schedule(command: '-A' | '-E', scheduler: string, flags = ''): Promise<void> {
    const asked = flags === '' ? '' : `-b ${flags}`;
    await this.#rule(`${command} ${this.#service} -s ${scheduler} ${asked}`);
  }

  async #edit(what: string, letter: string, numbers: readonly string[]): Promise<void> {
    const command = { add: '-a', edit: '-e', delete: '-d' }[what];
    const real = endpointText(addressOf(letter, this.#past.family), 80);
    const [weight, upper = 0, lower = 0] = numbers;
    const rest = what === 'delete' ? '' : `-m -w ${weight} -x ${upper} -y ${lower}`;
    await this.#rule(`${command} ${this.#service} -r ${real} ${rest}`);
  }

  async #rule(args: string): Promise<void> {
    expect(await this.#play({ op: 'rule', args })).toEqual({ status: 0, stderr: '' });
  }

  async #play(event: object): Promise<Outcome> {
    return play(this.#simulation, parseEvent(JSON.stringify(event)));
  }
}

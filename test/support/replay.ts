import { parseSchedulerFlags, toSchedulerFlags } from '../../ts/cli/scheduler_flags.ts';
import { Director } from '../../ts/lvs/director.ts';
import type { Protocol, ServiceSpec } from '../../ts/lvs/operation.ts';
import type { Flow } from '../../ts/lvs/scheduler.ts';
import { addressBytes, type Family } from '../../ts/net/address.ts';
import { FakeClock } from './fake_clock.ts';
import { MemoryDataplane } from './memory_dataplane.ts';
import { addressOf, letterOf } from './recorded_clients.ts';
import { destination, rule, service } from './rules.ts';

/** One line of histories.jsonl; vectors/schedulers/histories.py tells what the events are. */
export interface History {
  readonly name: string;
  readonly scheduler: string;
  readonly flags: string;
  readonly protocol: Protocol;
  readonly family: Family;
  readonly slot: number;
  readonly spread: number;
  /** lblc_expiration and lblcr_expiration; 10 where it is not said. */
  readonly expirationS?: number;
  readonly events: readonly string[];
}

/** A director to which what is recorded happens; its own choices replace the recorded ones. */
export class Replay {
  readonly #history: History;
  readonly #exact: boolean;
  readonly #clock = new FakeClock();
  readonly #dataplane = new MemoryDataplane();
  readonly #director: Director;
  readonly #service;
  #scheduler: string;
  /** By number of the connection: the index of its destination, undefined where it had none. */
  readonly #held: (number | undefined)[] = [];

  constructor(history: History, { exact = false } = {}) {
    this.#history = history;
    this.#exact = exact;
    this.#scheduler = history.scheduler;
    const { protocol, family, flags, expirationS = 10 } = history;
    this.#service = service({ protocol, address: family === 6 ? '2001:db8:99::1' : '10.99.0.1' });
    const outside = { now: () => this.#clock.now(), random: Math.random };
    this.#director = new Director(this.#dataplane, () => {}, outside);
    const expirations = { lblc_expiration: expirationS, lblcr_expiration: expirationS };
    this.#director.apply(rule.settings(expirations));
    this.#director.apply({ op: 'addService', service: this.#spec(flags) });
  }

  /** The events as they would have been recorded of us. */
  run(): string[] {
    return this.#history.events.map((event) => this.happen(event));
  }

  happen(event: string): string {
    const [what = '', first = '', ...words] = event.split(' ');
    switch (what) {
      case 'choose':
        return `choose ${first} ${this.#choose(Number(first), words[0]!.length)}`;
      case 'scheduler':
        this.#scheduler = first;
        this.#director.apply({ op: 'editService', service: this.#spec(words[0] ?? '') });
        break;
      case 'wait':
        this.#clock.advance(Number(first) * 1_000);
        break;
      case 'close':
      case 'reset':
        for (const n of numbersOf([first, ...words])) this.#dataplane.close(this.#held[n]!);
        break;
      case 'expire':
        for (const n of numbersOf([first, ...words])) this.#dataplane.expire(this.#held[n]!);
        break;
      default:
        this.#director.apply(this.#operation(what, first, words.map(Number)));
    }
    return event;
  }

  #spec(flags: string): ServiceSpec {
    const scheduler = this.#scheduler;
    const given = toSchedulerFlags(scheduler, parseSchedulerFlags(flags));
    return { ...this.#service, scheduler, ...given, ...(this.#exact && { exact: true }) };
  }

  #choose(seed: number, count: number): string {
    const flows = flowsOf(seed, this.#history);
    return Array.from({ length: count }, () => this.#connect(flows.next().value)).join('');
  }

  #connect(of: Flow): string {
    const index = this.#dataplane.choose(this.#director.service(this.#service)!, of);
    this.#held.push(index);
    if (index === undefined) return '-';
    this.#dataplane.open(index, this.#service.protocol);
    return letterOf(this.#director.destinationAt(index)!.address);
  }

  #operation(what: string, letter: string, numbers: readonly number[]) {
    const [weight = 0, upperThreshold = 0, lowerThreshold = 0] = numbers;
    const address = addressOf(letter, this.#history.family);
    const to = destination(1, { address, weight, upperThreshold, lowerThreshold });
    const make = {
      add: rule.addDestination,
      edit: rule.editDestination,
      delete: rule.deleteDestination,
    }[what];
    if (make === undefined) throw new Error(`expected an event, received "${what}"`);
    return make(to, this.#service);
  }
}

/** 1-3 5 is 1 2 3 5. */
export function* numbersOf(ranges: readonly string[]): Generator<number> {
  for (const range of ranges) {
    const [from, to = from] = range.split('-').map(Number);
    for (let n = from!; n <= to!; n++) yield n;
  }
}

/** As flows() of the scenario. */
export function* flowsOf(seed: number, history: History): Generator<Flow, never> {
  let state = seed;
  const number = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state >>> 16;
  };
  for (;;) yield new RecordedFlow(history, Array.from({ length: 7 }, number));
}

/** Most schedulers do not look at it: its addresses are made when somebody does. */
class RecordedFlow implements Flow {
  readonly clientPort: number;
  readonly #slot: number;
  readonly #low: number;
  readonly #family: Family;
  readonly #numbers: readonly number[];

  constructor({ slot, spread, family }: History, numbers: readonly number[]) {
    this.clientPort = 1024 + (numbers[2]! % 60_000);
    this.#slot = slot;
    this.#low = numbers[3]! % spread;
    this.#family = family;
    this.#numbers = numbers;
  }

  get clientAddress(): Uint8Array {
    const [a, b, , , c, d] = this.#numbers as readonly [number, number, ...number[]];
    if (this.#family === 4) return addressBytes(`172.${16 + (a % 16)}.${ipv4End(b)}`);
    return addressBytes(`2001:db8:16:${[a, b, c!, d!].map(hexadecimal).join(':')}:1`);
  }

  get virtualAddress(): Uint8Array {
    if (this.#family === 4) return addressBytes(`10.${128 + this.#slot}.${ipv4End(this.#low)}`);
    return addressBytes(`2001:db8:${hexadecimal(0x100 + this.#slot)}::${hexadecimal(this.#low)}`);
  }
}

function ipv4End(low: number): string {
  return `${low >> 8}.${low & 255}`;
}

function hexadecimal(word: number): string {
  return word.toString(16);
}

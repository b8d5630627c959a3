import { parseSchedulerFlags, toSchedulerFlags } from '../../ts/cli/scheduler_flags.ts';
import { Director } from '../../ts/lvs/director.ts';
import type { Protocol, ServiceSpec } from '../../ts/lvs/operation.ts';
import type { Flow } from '../../ts/lvs/scheduler.ts';
import type { Family } from '../../ts/net/address.ts';
import type { Crowd, Held } from './crowd.ts';
import { FakeClock } from './fake_clock.ts';
import { letterOf } from './recorded_clients.ts';
import { recordedOperation } from './recorded_rules.ts';
import { rule, service } from './rules.ts';

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
export class Replay<H extends Held> {
  readonly #history: History;
  readonly #exact: boolean;
  readonly #clock = new FakeClock();
  readonly #crowd: Crowd<H>;
  readonly #director: Director;
  readonly #service;
  #scheduler: string;
  /** By number of the connection, undefined where it was refused. */
  readonly #held: (H | undefined)[] = [];

  constructor(history: History, crowd: Crowd<H>, { exact = false } = {}) {
    this.#history = history;
    this.#crowd = crowd;
    this.#exact = exact;
    this.#scheduler = history.scheduler;
    const { protocol, family, flags, expirationS = 10 } = history;
    this.#service = service({ protocol, address: family === 6 ? '2001:db8:99::1' : '10.99.0.1' });
    const outside = { now: () => this.#clock.now(), random: Math.random };
    this.#director = new Director(crowd.dataplane, () => {}, outside);
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
        for (const held of this.#heldOf([first, ...words])) this.#crowd[what](held);
        break;
      case 'expire':
        this.#crowd.expire(this.#heldOf([first, ...words]));
        break;
      default:
        this.#director.apply(recordedOperation(event, this.#service));
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
    const held = this.#crowd.connect(this.#director, this.#service, of);
    this.#held.push(held);
    return held === undefined ? '-' : letterOf(held.server);
  }

  /** What has become another way than it was recorded may have refused some. */
  #heldOf(ranges: readonly string[]): H[] {
    return Array.from(numbersOf(ranges), (n) => this.#held[n]).filter((held) => held !== undefined);
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
    if (this.#family === 4) return Uint8Array.of(172, 16 + (a % 16), b >> 8, b & 255);
    return bytesOf(0x2001, 0xdb8, 0x16, a, b, c!, d!, 1);
  }

  get virtualAddress(): Uint8Array {
    const low = this.#low;
    if (this.#family === 4) return Uint8Array.of(10, 128 + this.#slot, low >> 8, low & 255);
    return bytesOf(0x2001, 0xdb8, 0x100 + this.#slot, 0, 0, 0, 0, low);
  }
}

/** In network order. */
function bytesOf(...words: readonly number[]): Uint8Array {
  return Uint8Array.from(words.flatMap((word) => [word >> 8, word & 255]));
}

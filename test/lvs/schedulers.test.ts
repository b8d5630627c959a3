import { expect, test } from 'vitest';
import { Director } from '../../ts/lvs/director.ts';
import type { Operation, Protocol } from '../../ts/lvs/operation.ts';
import type { Family } from '../../ts/net/address.ts';
import { MemoryDataplane } from '../support/memory_dataplane.ts';
import { readRecording } from '../support/recorded.ts';
import { destination, rule, service } from '../support/rules.ts';

/** One line of the recording; vectors/schedulers/schedulers.py tells what the events are. */
interface Case {
  readonly name: string;
  readonly scheduler: string;
  readonly protocol: Protocol;
  readonly family: Family;
  readonly events: readonly string[];
}

const recording = readRecording<Case>('schedulers/schedulers.jsonl');

test.for(recording)('kernel IPVS chose as we do: $name', (recorded) => {
  const replay = new Replay(recorded);
  const events = eventsAhead(recorded);
  expect(events.map((event) => replay.happen(event))).toEqual(events);
});

/**
 * What scheduling ahead does as LVS does. Where everybody is overloaded, tickets are used up, so
 * that weighted round robin goes on from another place of its round than LVS.
 */
function eventsAhead({ name, events }: Case): readonly string[] {
  const refusal = events.findIndex((event) => /^choose .*-/.test(event));
  const isUsedUp = /^wrr (limited|with every destination overloaded)/.test(name);
  return isUsedUp && refusal >= 0 ? events.slice(0, refusal) : events;
}

test('and as we do one by one', () => {
  for (const recorded of recording) {
    const replay = new Replay(recorded, { exact: true });
    expect(recorded.events.map((event) => replay.happen(event))).toEqual(recorded.events);
  }
});

/** A director to which the events of a case happen; its own choices replace the recorded ones. */
class Replay {
  readonly #dataplane = new MemoryDataplane();
  readonly #director = new Director(this.#dataplane);
  readonly #family: Family;
  readonly #service;
  readonly #exact: boolean;
  readonly #held: number[] = [];

  constructor({ scheduler, protocol, family }: Case, { exact = false } = {}) {
    this.#exact = exact;
    const address = family === 6 ? '2001:db8:99::1' : '10.99.0.1';
    this.#family = family;
    this.#service = service({ protocol, address });
    this.#director.apply(rule.add(this.#service, scheduler, exact));
  }

  happen(event: string): string {
    const [what = '', ...words] = event.split(' ');
    if (what === 'choose') return `choose ${[...words[0]!].map(() => this.#choose()).join('')}`;
    if (what === 'close' || what === 'reset') {
      for (const number of words) this.#dataplane.close(this.#held[Number(number)]!);
    } else if (what === 'expire') {
      for (const number of words) this.#dataplane.expire(this.#held[Number(number)]!);
    } else {
      this.#director.apply(this.#operation(what, words));
    }
    return event;
  }

  #choose(): string {
    const chosen = this.#director.service(this.#service)!;
    const index = this.#dataplane.choose(chosen);
    if (index === undefined) return '-';
    this.#dataplane.open(index, this.#service.protocol);
    this.#held.push(index);
    return String.fromCharCode(this.#director.destinationAt(index)!.port);
  }

  /** The letter of a destination travels as its port, since only who it is matters here. */
  #operation(what: string, [word = '', ...numbers]: string[]): Operation {
    const address = this.#family === 6 ? '2001:db8:2::1' : '10.2.0.1';
    const port = word.charCodeAt(0);
    const [weight = 0, upperThreshold = 0, lowerThreshold = 0] = numbers.map(Number);
    const to = destination(1, { address, port, weight, upperThreshold, lowerThreshold });
    switch (what) {
      case 'add':
        return rule.addDestination(to, this.#service);
      case 'edit':
        return rule.editDestination(to, this.#service);
      case 'delete':
        return rule.deleteDestination(to, this.#service);
      case 'scheduler':
        return rule.edit(this.#service, word, this.#exact);
      default:
        throw new Error(`expected an event, received "${what}"`);
    }
  }
}

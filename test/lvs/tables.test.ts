import { expect, test } from 'vitest';
import { parseSchedulerFlags, toSchedulerFlags } from '../../ts/cli/scheduler_flags.ts';
import { Director } from '../../ts/lvs/director.ts';
import type { Protocol, ServiceSpec } from '../../ts/lvs/operation.ts';
import type { Flow } from '../../ts/lvs/scheduler.ts';
import type { Family } from '../../ts/net/address.ts';
import { MemoryDataplane } from '../support/memory_dataplane.ts';
import { readRecording, testRecording } from '../support/recorded.ts';
import { destination, flow, rule, service } from '../support/rules.ts';

const RECORDING = 'schedulers/tables.jsonl';

/** One line of the recording; vectors/schedulers/tables.py tells what the events are. */
interface Case {
  readonly name: string;
  readonly scheduler: string;
  readonly flags: string;
  readonly protocol: Protocol;
  readonly family: Family;
  readonly events: readonly string[];
}

testRecording(RECORDING);

const recording = readRecording<Case>(RECORDING);

test.for(recording)('kernel IPVS chose as we do: $name', (recorded) => {
  const replay = new Replay(recorded);
  expect(recorded.events.map((event) => replay.happen(event))).toEqual(recorded.events);
});

test('and as we do one by one', () => {
  for (const recorded of recording) {
    const replay = new Replay(recorded, { exact: true });
    expect(recorded.events.map((event) => replay.happen(event))).toEqual(recorded.events);
  }
});

test.for(['dh', 'sh', 'mh'])('thousands of choices of %s were compared', (scheduler) => {
  const choices = recording
    .filter((recorded) => recorded.scheduler === scheduler)
    .flatMap(({ events }) => events.filter((event) => event.startsWith('choose')))
    .reduce((count, event) => count + event.split(' ')[2]!.length, 0);
  expect(choices).toBeGreaterThan(4_000);
});

/** A director to which the events of a case happen; its own choices replace the recorded ones. */
class Replay {
  readonly #case: Case;
  readonly #exact: boolean;
  readonly #dataplane = new MemoryDataplane();
  readonly #director = new Director(this.#dataplane);
  readonly #service;
  readonly #held: number[] = [];

  constructor(recorded: Case, { exact = false } = {}) {
    const { protocol, family, flags } = recorded;
    this.#case = recorded;
    this.#exact = exact;
    this.#service = service({ protocol, address: family === 6 ? '2001:db8:99::1' : '10.99.0.1' });
    this.#director.apply({ op: 'addService', service: this.#spec(flags) });
  }

  happen(event: string): string {
    const [what, first = '', ...words] = event.split(' ');
    switch (what) {
      case 'choose':
        return `choose ${first} ${this.#choose(Number(first), words[0]!.length)}`;
      case 'flags':
        this.#director.apply({ op: 'editService', service: this.#spec(first) });
        break;
      case 'reset': // where there are no thresholds: nobody looks at connections
        break;
      case 'expire':
        for (const number of [first, ...words]) this.#dataplane.expire(this.#held[Number(number)]!);
        break;
      default:
        this.#edit(what, first, words.map(Number));
    }
    return event;
  }

  #spec(flags: string): ServiceSpec {
    const { scheduler } = this.#case;
    const given = toSchedulerFlags(scheduler, parseSchedulerFlags(flags));
    return { ...this.#service, scheduler, ...given, ...(this.#exact && { exact: true }) };
  }

  #choose(seed: number, count: number): string {
    const flows = flowsOf(seed, this.#case.family);
    return Array.from({ length: count }, () => this.#connect(flows.next().value)).join('');
  }

  #connect(of: Flow): string {
    const index = this.#dataplane.choose(this.#director.service(this.#service)!, of);
    if (index === undefined) return '-';
    this.#dataplane.open(index, this.#service.protocol);
    this.#held.push(index);
    return letterOf(this.#director.destinationAt(index)!.address);
  }

  #edit(what: string | undefined, letter: string, numbers: number[]): void {
    const [weight = 0, upperThreshold = 0, lowerThreshold = 0] = numbers;
    const address = addressOf(letter, this.#case.family);
    const to = destination(1, { address, weight, upperThreshold, lowerThreshold });
    const operation = {
      add: rule.addDestination,
      edit: rule.editDestination,
      delete: rule.deleteDestination,
    }[what as 'add' | 'edit' | 'delete'];
    this.#director.apply(operation(to, this.#service));
  }
}

function addressOf(letter: string, family: Family): string {
  return `${family === 6 ? '2001:db8:2::' : '10.2.0.'}${letter.charCodeAt(0) - 54}`;
}

function letterOf(address: string): string {
  return String.fromCharCode(Number(/\d+$/.exec(address)![0]) + 54);
}

/** As flows() of the scenario. */
function* flowsOf(seed: number, family: Family): Generator<Flow, never> {
  let state = seed;
  const number = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state >>> 16;
  };
  for (;;) {
    const n = Array.from({ length: 7 }, number) as [number, number, number, ...number[]];
    const port = 1024 + (n[2] % 60_000);
    yield family === 4 ? flow({ ...ipv4Ends(n), port }) : flow({ ...ipv6Ends(n), port });
  }
}

function ipv4Ends([first, second, , third = 0]: readonly number[]) {
  const low = (number = 0) => `${number >> 8}.${number & 255}`;
  return { client: `172.${16 + (first! % 16)}.${low(second)}`, virtual: `10.100.${low(third)}` };
}

function ipv6Ends(n: readonly number[]) {
  const words = (of: readonly number[]) => of.map((word) => word.toString(16)).join(':');
  return {
    client: `2001:db8:16:${words([...n.slice(0, 2), ...n.slice(3, 5)])}:1`,
    virtual: `2001:db8:100:${words(n.slice(3, 7))}:1`,
  };
}

import { parseSchedulerFlags, toSchedulerFlags } from '../../ts/cli/scheduler_flags.ts';
import type { Dataplane } from '../../ts/lvs/dataplane.ts';
import { Director } from '../../ts/lvs/director.ts';
import type { Protocol, ServiceSpec } from '../../ts/lvs/operation.ts';
import type { Flow } from '../../ts/lvs/scheduler.ts';
import type { Service } from '../../ts/lvs/service.ts';
import type { Family } from '../../ts/net/address.ts';
import { readRecording } from './recorded.ts';
import { clientsOf, letterOf } from './recorded_clients.ts';
import { recordedOperation } from './recorded_rules.ts';
import { flow, service } from './rules.ts';

/** What kernel IPVS's hash schedulers chose. */
/** One line of the recording; vectors/schedulers/tables.py tells what the events are. */
export interface TableCase {
  readonly name: string;
  readonly scheduler: string;
  readonly flags: string;
  readonly protocol: Protocol;
  readonly family: Family;
  readonly events: readonly string[];
}

/** Every line of it. */
export const RECORDED_TABLES = readRecording<TableCase>('schedulers/tables.jsonl');

/** A data plane with clients. */
export interface TableCrowd extends Dataplane {
  /** A new connection to the service: the index of its destination, undefined if none. */
  connect(service: Service, flow: Flow): number | undefined;
  /** A connection of the destination expires. */
  expire(index: number): void;
}

/** A director to which the events of a case happen; its own choices replace the recorded ones. */
export class TableReplay {
  readonly #case: TableCase;
  readonly #exact: boolean;
  readonly #crowd: TableCrowd;
  readonly #director: Director;
  readonly #service;
  readonly #held: number[] = [];

  constructor(recorded: TableCase, crowd: TableCrowd, { exact = false } = {}) {
    const { protocol, family, flags } = recorded;
    this.#crowd = crowd;
    this.#director = new Director(crowd);
    this.#case = recorded;
    this.#exact = exact;
    this.#service = service({ protocol, address: family === 6 ? '2001:db8:99::1' : '10.99.0.1' });
    this.#director.apply({ op: 'addService', service: this.#spec(flags) });
  }

  /** Lets an event happen; returns it with the choices that were made. */
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
        for (const number of [first, ...words]) this.#crowd.expire(this.#held[Number(number)]!);
        break;
      default:
        this.#director.apply(recordedOperation(event, this.#service));
    }
    return event;
  }

  #spec(flags: string): ServiceSpec {
    const { scheduler } = this.#case;
    const given = toSchedulerFlags(scheduler, parseSchedulerFlags(flags));
    return { ...this.#service, scheduler, ...given, ...(this.#exact && { exact: true }) };
  }

  #choose(seed: number, count: number): string {
    const clients = clientsOf(seed, this.#case.family);
    return Array.from({ length: count }, () => this.#connect(flow(clients.next().value))).join('');
  }

  #connect(of: Flow): string {
    const index = this.#crowd.connect(this.#director.service(this.#service)!, of);
    if (index === undefined) return '-';
    this.#held.push(index);
    return letterOf(this.#director.destinationAt(index)!.address);
  }
}

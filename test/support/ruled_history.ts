import type { Flow } from '../../ts/lvs/scheduler.ts';
import { addressText } from '../../ts/net/address.ts';
import { isExact } from './histories.ts';
import { addressOf } from './recorded_clients.ts';
import { flowsOf, type History, numbersOf } from './replay.ts';

/** What happens between two bursts of clients, and the burst: as ipvsadm is told, and flows. */
export interface Phase {
  /** Lines of ipvsadm -R. */
  readonly rules: readonly string[];
  /** Numbers of the connections that their clients close. */
  readonly closed: readonly number[];
  /** Of flowsOf: who comes. */
  readonly seed: number;
  /** By letter who serves each, or nobody. */
  readonly chosen: string;
}

/** A history as ipvsadm's lines, of a service at the only virtual address that it has. */
export class RuledHistory {
  readonly history: History;
  readonly isExact: boolean;
  /** Up to a wait, or a reset, since what is reset expires soon. */
  readonly phases: readonly Phase[];
  /** Of its connections, by their numbers. */
  readonly flows: Flow[] = [];
  #coming: { readonly phase: Phase; readonly flows: Iterator<Flow, never> } | undefined;

  constructor(history: History) {
    this.history = history;
    this.isExact = isExact(history);
    this.phases = this.#readPhases();
  }

  /** The next client of a phase: the number of its connection. */
  come(phase: Phase): number {
    if (this.#coming?.phase !== phase) {
      this.#coming = { phase, flows: flowsOf(phase.seed, this.history) };
    }
    return this.flows.push(this.#coming.flows.next().value) - 1;
  }

  #readPhases(): Phase[] {
    const { scheduler, flags, events } = this.history;
    const phases: Phase[] = [];
    let rules = [`-A ${this.#id} ${this.#how(scheduler, flags)}`];
    let closed: number[] = [];
    for (const event of events) {
      const [what = '', first = '', ...words] = event.split(' ');
      if (what === 'wait' || what === 'reset') break;
      if (what === 'close') closed = [...numbersOf([first, ...words])];
      else if (what === 'scheduler') rules.push(`-E ${this.#id} ${this.#how(first, words[0])}`);
      else if (what !== 'choose') rules.push(this.#destination(what, first, words));
      else {
        phases.push({ rules, closed, seed: Number(first), chosen: words[0]! });
        [rules, closed] = [[], []];
      }
    }
    return phases;
  }

  get #id(): string {
    const { protocol } = this.history;
    const { virtualAddress } = flowsOf(0, this.history).next().value;
    const address = addressText(virtualAddress);
    return `-${protocol[0]} ${virtualAddress.length === 4 ? address : `[${address}]`}:80`;
  }

  #how(scheduler: string, flags = ''): string {
    const all = [...flags.split(',').filter(Boolean), ...(this.isExact ? ['exact'] : [])];
    return `-s ${scheduler}${all.length > 0 ? ` -b ${all.join()}` : ''}`;
  }

  #destination(what: string, letter: string, numbers: readonly string[]): string {
    const { family } = this.history;
    const address = addressOf(letter, family);
    const name = `${this.#id} -r ${family === 6 ? `[${address}]` : address}:80`;
    if (what === 'delete') return `-d ${name}`;
    const [weight, upper = 0, lower = 0] = numbers;
    const option = what === 'add' ? '-a' : '-e';
    return `${option} ${name} -m -w ${weight} -x ${upper} -y ${lower}`;
  }
}

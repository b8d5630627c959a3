import type { Event } from './event.ts';
import { Moves } from './moves.ts';
import { type Outcome, play } from './play.ts';
import type { Added, Report } from './run.ts';
import type { Simulation } from './simulation.ts';

/**
 * Tells the connections that another destination would serve under other rules: the event with
 * both choices, `instead` being the other rules' one. To be summarized, it only counts them.
 */
export class Comparison implements Report {
  readonly #other: Simulation;
  readonly #isSummary: boolean;
  readonly #moves = new Moves();
  readonly #clients = new Set<string>();
  readonly #movedClients = new Set<string>();
  #connections = 0;
  #moved = 0;

  constructor(other: Simulation, isSummary: boolean) {
    this.#other = other;
    this.#isSummary = isSummary;
  }

  note(event: Event, outcome: Outcome): Added | Promise<Added> {
    const instead = play(this.#other, event);
    if (instead instanceof Promise) return instead.then(() => undefined);
    return this.#compare(event, outcome, instead);
  }

  #compare(event: Event, outcome: Outcome, { chose: instead = null }: Outcome): Added {
    const { chose } = outcome;
    if (chose === undefined || !('flow' in event)) return undefined;
    const { clientAddress } = event.flow;
    this.#connections += 1;
    this.#clients.add(clientAddress);
    if (chose === instead) return undefined;
    this.#moved += 1;
    this.#movedClients.add(clientAddress);
    this.#moves.add(chose, instead);
    return this.#isSummary ? undefined : { ...outcome, instead };
  }

  end(): string {
    if (!this.#isSummary) return '';
    const of = (moved: number, all: number): string => `${moved} of ${all}`;
    const connections = of(this.#moved, this.#connections);
    const clients = of(this.#movedClients.size, this.#clients.size);
    const first = `${connections} connections, by ${clients} clients, get another destination`;
    return `${[first, ...this.#moves.lines()].join('\n')}\n`;
  }
}

import type { Destination } from '../lvs/destination.ts';
import {
  accepting,
  type CountsScheduler,
  type FlowScheduler,
  type MakeScheduler,
  type Pool,
  type SequenceScheduler,
  type Surroundings,
} from '../lvs/scheduler.ts';
import { standIn } from '../lvs/schedulers/stand_in.ts';
import { wlc } from '../lvs/schedulers/wlc.ts';
import { addressText } from '../net/address.ts';
import type * as own from './scheduler.ts';

/** Runs the user's code; throws what that throws, and a Fault when it takes too long. */
export type Guard = (work: () => void) => void;

/** What the user's code did wrong, without throwing. */
export class Fault extends Error {
  override readonly name = 'Fault';
}

/** Choices that are made in one guarded call, which costs more than most choices. */
const SEQUENCE_BATCH = 256;
const COUNTS_BATCH = 32;

/**
 * The director's scheduler for one of the user's. From its first fault on it chooses as wlc does,
 * until the director has put the successor in its place.
 */
export function adapt(scheduler: own.Scheduler, guard: Guard): MakeScheduler {
  return (surroundings) => {
    const desk = new Desk(scheduler.name, surroundings, guard);
    switch (scheduler.kind) {
      case 'sequence':
        return sequence(scheduler, desk);
      case 'counts':
        return counts(scheduler, desk);
      case 'flow':
        return flow(scheduler, desk);
    }
  };
}

/** The cursor is the turn; a choice is the same whenever it is made, so many are made at once. */
function sequence(scheduler: own.SequenceScheduler, desk: Desk): SequenceScheduler {
  let turn = 0; // modulo 2^32
  let first = 0; // turn of the batch's first choice
  let batch: readonly Destination[] = [];

  function begin(pool: Pool): void {
    desk.offer({ destinations: pool.destinations, isAhead: true });
    batch = [];
    if (desk.successor !== undefined) desk.least.survey(pool);
  }

  function next(pool: Pool): Destination | undefined {
    if (batch[(turn - first) >>> 0] === undefined) {
      first = turn;
      batch = desk.choose(SEQUENCE_BATCH, (offered, i) =>
        scheduler.choose(offered, (first + i) >>> 0),
      );
      if (desk.successor !== undefined) desk.least.survey(pool);
    }
    const chosen = batch[(turn - first) >>> 0];
    turn = (turn + 1) >>> 0;
    return chosen;
  }

  return {
    name: scheduler.name,
    kind: 'sequence',
    get successor() {
      return desk.successor;
    },

    update: begin,

    schedule(pool): Destination | undefined {
      if (desk.isEmpty) return undefined;
      for (let tries = 0; tries < SEQUENCE_BATCH && desk.successor === undefined; tries++) {
        const chosen = next(pool);
        if (chosen !== undefined && accepting(chosen, pool)) return chosen;
      }
      return desk.successor === undefined ? desk.least.schedule(pool) : desk.least.draw();
    },

    save(into, at) {
      into[at] = turn;
    },

    load(pool, from, at) {
      begin(pool);
      turn = from[at]! >>> 0;
    },

    round: () => Number.POSITIVE_INFINITY,
  };
}

function counts(scheduler: own.CountsScheduler, desk: Desk): CountsScheduler {
  const { least } = desk;
  let surveyed: Pool = { destinations: [] };
  let batch: Destination[] = [];

  return {
    name: scheduler.name,
    kind: 'counts',
    get successor() {
      return desk.successor;
    },

    update() {},

    schedule(pool): Destination | undefined {
      desk.offer(pool);
      const [chosen] = desk.choose(1, (offered) => scheduler.choose(offered));
      return chosen ?? least.schedule(pool);
    },

    survey(pool) {
      surveyed = pool;
      batch = [];
      desk.offer(pool);
      if (desk.successor !== undefined) least.survey(pool);
    },

    draw(): Destination | undefined {
      if (batch.length === 0 && desk.successor === undefined) {
        batch = desk.choose(COUNTS_BATCH, (offered) => scheduler.choose(offered)).reverse();
        if (desk.successor !== undefined) least.survey(surveyed);
      }
      return batch.pop() ?? (desk.successor && least.draw());
    },
  };
}

function flow(scheduler: own.FlowScheduler, desk: Desk): FlowScheduler {
  const { least } = desk;
  return {
    name: scheduler.name,
    kind: 'flow',
    substitute: least,
    get successor() {
      return desk.successor;
    },

    update() {},

    schedule(pool, { clientAddress, clientPort, virtualAddress }): Destination | undefined {
      desk.offer(pool);
      const seen: own.Flow = {
        clientAddress: addressText(clientAddress),
        clientPort,
        virtualAddress: addressText(virtualAddress),
      };
      const [chosen] = desk.choose(1, (offered) => scheduler.choose(offered, seen));
      return chosen ?? least.schedule(pool);
    },
  };
}

/** Where the user's code is asked: what it is shown, and what is thought of its answers. */
class Desk {
  /** Who chooses where the user's code does not. */
  readonly least: CountsScheduler;
  /** Set by the first fault; from then on the user's code is not asked any more. */
  successor: CountsScheduler | undefined;
  readonly #name: string;
  readonly #surroundings: Surroundings;
  readonly #guard: Guard;
  #offered: readonly own.Destination[] = [];
  /** By destination, and by what is shown of it. */
  readonly #shown = new WeakMap<object, Shown>();
  #offers = 0;

  constructor(name: string, surroundings: Surroundings, guard: Guard) {
    this.#name = name;
    this.#surroundings = surroundings;
    this.#guard = guard;
    this.least = wlc(surroundings);
  }

  get isEmpty(): boolean {
    return this.#offered.length === 0;
  }

  /** Shows the destinations that are accepting. */
  offer(pool: Pool): void {
    this.#offers += 1;
    const offered: own.Destination[] = [];
    for (const each of pool.destinations) {
      if (accepting(each, pool)) offered.push(this.#show(each));
    }
    this.#offered = offered;
  }

  /** So many choices, each as if those before it were connections already; fewer after a fault. */
  choose(
    count: number,
    ask: (offered: readonly own.Destination[], i: number) => unknown,
  ): Destination[] {
    const chosen: Destination[] = [];
    if (this.isEmpty || this.successor !== undefined) return chosen;
    // A copy, since a frozen array is ten times as slow to filter.
    const offered = [...this.#offered];
    try {
      this.#guard(() => {
        for (let i = 0; i < count; i++) chosen.push(this.#take(ask(offered, i)));
      });
    } catch (error) {
      this.successor = standIn(this.#name, this.#surroundings, complaint(error));
    }
    return chosen;
  }

  #show(destination: Destination): own.Destination {
    const shown = this.#shown.get(destination) ?? new Shown(destination);
    this.#shown.set(destination, shown).set(shown.view, shown);
    shown.offer = this.#offers;
    shown.drawn = 0;
    return shown.view;
  }

  #take(answer: unknown): Destination {
    const shown = this.#shown.get(answer as object);
    if (shown?.offer !== this.#offers) throw new Fault('chose none of those that it was given');
    shown.drawn += 1;
    return shown.destination;
  }
}

/** A destination, and what the user's code sees of it. */
class Shown {
  readonly destination: Destination;
  readonly view: own.Destination;
  /** The offer that it was in last. */
  offer = 0;
  /** How often it was chosen since. */
  drawn = 0;

  constructor(destination: Destination) {
    this.destination = destination;
    this.view = new View(this);
  }
}

/** Cannot be changed. Its class has the getters: with ones of their own, objects would be slow. */
class View implements own.Destination {
  readonly address: string;
  readonly port: number;
  readonly #shown: Shown;

  constructor(shown: Shown) {
    this.address = shown.destination.address;
    this.port = shown.destination.port;
    this.#shown = shown;
    Object.freeze(this);
  }

  get weight(): number {
    return this.#shown.destination.weight;
  }

  get activeConnections(): number {
    return this.#shown.destination.activeConnections + this.#shown.drawn;
  }

  get inactiveConnections(): number {
    return this.#shown.destination.inactiveConnections;
  }
}

function complaint(error: unknown): string {
  if (error instanceof Fault) return error.message;
  if (!(error instanceof Error)) return 'threw something that is no Error';
  return `threw ${error.name}: ${error.message.split('\n')[0]}`;
}

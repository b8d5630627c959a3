import { FakeClock } from '../test/support/fake_clock.ts';
import { MemoryDataplane } from '../test/support/memory_dataplane.ts';
import { destination, rule, service } from '../test/support/rules.ts';
import { Refill } from '../ts/dataplane/refill.ts';
import { Director } from '../ts/lvs/director.ts';
import { type Benchmark, compared, type Result, type Run, summary } from './benchmark.ts';

/** New connections a second that XDP is to open by ticket. */
const WANTED_PER_S = 1_500_000;
const PER_MS = WANTED_PER_S / 1000;

/** How long connections come until rings are as long as they have to be; how long they count. */
const BEFORE_MS = 60;
const MEASURED_MS = 60;

/** Connections that there are at a time, so that counts go up and down. */
const HELD = 10_000;

const SCHEDULERS = ['rr', 'wrr', 'lc', 'wlc', 'sed', 'nq', 'fo', 'ovf', 'twos'];

/** By number of the destination its weight. */
const WEIGHTS: Readonly<Record<string, (number: number) => number>> = {
  one: () => 1,
  // No two neighbours have a common divisor, so that a round is as long as can be.
  coprime: (number) => 65_535 - number,
  far: (number) => (number === 0 ? 65_535 : 1),
};

/** How fast tickets are drawn, by the code that does it, at the rate at which XDP takes them. */
export const tickets: Benchmark = {
  name: 'tickets',
  legend:
    'tickets a second of CPU time that TypeScript draws and publishes while 1,500,000 are taken\n' +
    'a second, over 2, 8 and 256 destinations, whose weights are 1, or 65,535, 65,534, …, or\n' +
    '65,535 and 1 for all others: the slowest of these. Baseline: the rate at which they are\n' +
    'taken, so the ratio is how many such services one CPU could keep in tickets. Simulated time',

  async *measure({ quick, progress }: Run): AsyncGenerator<Result> {
    for (const scheduler of SCHEDULERS) {
      for (const count of [2, 8, 256]) {
        const name = `tickets.${scheduler}.${count}`;
        progress(name);
        const rounds = Array.from({ length: quick ? 2 : 5 }, () => {
          const rates = Object.values(WEIGHTS).map((of) =>
            rate({ scheduler, count, weightOf: of }),
          );
          return compared(Math.min(...rates), WANTED_PER_S);
        });
        yield summary(name, '1/s', rounds);
      }
    }
  },
};

interface Case {
  readonly scheduler: string;
  readonly count: number;
  readonly weightOf: (number: number) => number;
}

/** Tickets that are drawn in a second. */
function rate({ scheduler, count, weightOf }: Case): number {
  const dataplane = new MemoryDataplane({ services: 1, destinations: count }, 8_192);
  const director = new Director(dataplane);
  director.apply(rule.add(service(), scheduler));
  for (let port = 0; port < count; port++) {
    director.apply(rule.addDestination(destination(1, { port, weight: weightOf(port) })));
  }
  const clock = new FakeClock();
  const refill = new Refill(director, clock);
  const clients = new Clients(director, dataplane, refill);
  let spentUs = 0;
  for (let ms = 0; ms < BEFORE_MS + MEASURED_MS; ms++) {
    clients.come();
    const before = process.cpuUsage();
    clock.advance(1);
    const { user, system } = process.cpuUsage(before);
    if (ms >= BEFORE_MS) spentUs += user + system;
  }
  refill.stop();
  return (MEASURED_MS * PER_MS * 1e6) / spentUs;
}

/** Takes tickets as XDP does. */
class Clients {
  readonly #director: Director;
  readonly #dataplane: MemoryDataplane;
  readonly #refill: Refill;
  readonly #held = new Int32Array(HELD).fill(-1);
  #next = 0;

  constructor(director: Director, dataplane: MemoryDataplane, refill: Refill) {
    this.#director = director;
    this.#dataplane = dataplane;
    this.#refill = refill;
  }

  /** So many as come in a millisecond, each in the place of the oldest one. */
  come(): void {
    const [of] = this.#director.services;
    for (let i = 0; i < PER_MS; i++) {
      let index = this.#dataplane.taker.take(0);
      if (index === undefined) this.#refill.wake(0);
      index ??= this.#dataplane.choose(of!);
      const oldest = this.#held[this.#next]!;
      if (oldest >= 0) this.#dataplane.dismiss(oldest, true);
      if (index !== undefined) this.#dataplane.admit(index, true);
      this.#held[this.#next] = index ?? -1;
      this.#next = (this.#next + 1) % HELD;
    }
  }
}

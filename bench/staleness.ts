import { FakeClock } from '../test/support/fake_clock.ts';
import { MemoryDataplane } from '../test/support/memory_dataplane.ts';
import { destination, rule, service } from '../test/support/rules.ts';
import { Refill } from '../ts/dataplane/refill.ts';
import { Director } from '../ts/lvs/director.ts';
import type { Service } from '../ts/lvs/service.ts';
import { type Benchmark, type Result, type Round, type Run, summary } from './benchmark.ts';

/** One connection: when it comes, and how long it is active. */
interface Arrival {
  readonly atMs: number;
  readonly lastsMs: number;
}

/** What became of the arrivals. */
interface Outcome {
  readonly chosen: readonly (number | undefined)[];
  /** By how many connections the worst destination is off its share, on the average. */
  readonly off: number;
  readonly ageMs: number;
}

const MEAN_LIFE_MS = 100;

/** Connections end, and are looked at, in steps. */
const STEP_MS = 0.05;

/** How late timers are at most. */
const LATE_MS = 1;
const WEIGHTS = [1, 2, 3, 5];

/** How well connections are spread that were scheduled ahead, by the code that does it. */
export const staleness: Benchmark = {
  name: 'staleness',
  legend:
    'connections by which the worst destination is off its share, on the average, in bursts of ' +
    '100,000 connections/s (100 ms of every 200; 2,000/s between; each lives 100 ms): by ticket ' +
    'against decided one by one. .slow: decisions in a thousand that are the same at 1,000/s. ' +
    '.age: how old the counts were at most that a ticket of the bursts was drawn by, against ' +
    'one refill, in ms. ' +
    'Simulated time, with timers that are up to 1 ms late.',

  async *measure({ quick, progress }: Run): AsyncGenerator<Result> {
    for (const scheduler of ['lc', 'wlc']) {
      for (const count of [2, 8, 256]) {
        const name = `staleness.${scheduler}.${count}`;
        progress(name);
        const bursts: Round[] = [];
        const ages: Round[] = [];
        const slow: Round[] = [];
        for (let round = 0; round < (quick ? 2 : 5); round++) {
          const burst = arrivals(round, 600, (ms) => (ms % 200 < 100 ? 100 : 2));
          const ahead = new World(scheduler, count, false).run(burst);
          const exact = new World(scheduler, count, true).run(burst);
          bursts.push({ value: ahead.off, baseline: exact.off, ratio: ahead.off / exact.off });
          ages.push({ value: ahead.ageMs, baseline: 1, ratio: ahead.ageMs });
          slow.push(sameInAThousand(scheduler, count, round));
        }
        yield summary(name, 'connections', bursts);
        yield summary(`${name}.age`, 'ms', ages);
        yield summary(`${name}.slow`, 'of 1,000', slow);
      }
    }
  },
};

function sameInAThousand(scheduler: string, count: number, seed: number): Round {
  const few = arrivals(seed, 2_000, () => 1);
  const { chosen } = new World(scheduler, count, false).run(few);
  const exact = new World(scheduler, count, true).run(few).chosen;
  const same = chosen.filter((index, i) => index === exact[i]).length;
  const value = (same / chosen.length) * 1_000;
  return { value, baseline: 1_000, ratio: value / 1_000 };
}

/** A Poisson process of a rate, in connections a millisecond, that changes with time. */
function arrivals(seed: number, untilMs: number, rateAt: (ms: number) => number): Arrival[] {
  const random = randomNumbers(seed);
  const exponential = (mean: number) => -Math.log(1 - random()) * mean;
  const all: Arrival[] = [];
  for (let atMs = 0; atMs < untilMs; atMs += exponential(1 / rateAt(atMs))) {
    all.push({ atMs, lastsMs: exponential(MEAN_LIFE_MS) });
  }
  return all;
}

/** One service and its connections, in simulated time. */
class World {
  readonly #dataplane: MemoryDataplane;
  readonly #director: Director;
  readonly #clock = new FakeClock();
  readonly #refill: Refill;
  readonly #shares: readonly number[];
  /** Destinations whose connections end, by step. */
  readonly #ending: number[][] = [];

  constructor(scheduler: string, count: number, exact: boolean) {
    this.#dataplane = new MemoryDataplane({ services: 1, destinations: count }, 8_192);
    this.#director = new Director(this.#dataplane);
    this.#director.apply(rule.add(service(), scheduler, exact));
    const weights = Array.from({ length: count }, (_, i) => WEIGHTS[i % WEIGHTS.length]!);
    this.#director.applyAll(
      weights.map((weight, port) => rule.addDestination(destination(1, { port, weight }))),
    );
    const counted = scheduler === 'lc' ? weights.map(() => 1) : weights;
    const sum = counted.reduce((a, b) => a + b);
    this.#shares = counted.map((weight) => weight / sum);
    const clock = this.#clock;
    const late = randomNumbers(count);
    this.#refill = new Refill(this.#director, {
      now: () => clock.now(),
      after: (ms, run) => clock.after(ms + late() * LATE_MS, run),
      every: (ms, run) => clock.every(ms, run),
    });
  }

  run(all: readonly Arrival[]): Outcome {
    const of = this.#director.services[0]!;
    const chosen: (number | undefined)[] = [];
    let off = 0;
    let step = 0;
    let ageMs = 0;
    for (const { atMs, lastsMs } of all) {
      for (; step * STEP_MS < atMs; step++) {
        this.#clock.advance(step * STEP_MS - this.#clock.now());
        for (const index of this.#ending[step] ?? []) this.#end(index);
        off += this.#off();
        ageMs = Math.max(ageMs, of.tickets!.ageMs ?? 0);
      }
      const index = this.#connect(of);
      chosen.push(index);
      if (index !== undefined) {
        const end = step + Math.ceil(lastsMs / STEP_MS);
        this.#ending[end] ??= [];
        this.#ending[end].push(index);
      }
    }
    this.#refill.stop();
    return { chosen, off: off / step, ageMs };
  }

  #connect(of: Service): number | undefined {
    const ticket = this.#dataplane.taker.take(of.index);
    if (ticket === undefined) this.#refill.wake(of.index);
    const index = ticket ?? this.#dataplane.choose(of);
    if (index !== undefined) this.#dataplane.open(index);
    return index;
  }

  #end(index: number): void {
    this.#dataplane.close(index);
    this.#dataplane.expire(index);
  }

  #off(): number {
    const counts = this.#shares.map((_, index) => this.#dataplane.activeConnections(index));
    const total = counts.reduce((a, b) => a + b);
    return Math.max(...counts.map((count, i) => Math.abs(count - total * this.#shares[i]!)));
  }
}

/** Numbers from 0 to 1, the same for the same seed. Source: Marsaglia, xorshift. */
function randomNumbers(seed: number): () => number {
  let state = seed * 2 + 2_463_534_243;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}

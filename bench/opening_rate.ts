import { type Entrant, inTurn, withEntrants } from './arena.ts';
import { compared, type Result, type Run, summary } from './benchmark.ts';
import { bareRedirect, type Contender, direct, xlvs } from './contenders.ts';
import { sendFrames } from './load.ts';
import { PORTS, type Rig, VIP } from './rig.ts';

/** Room for the flows of all rounds, of which each is sent one packet, until they are forgotten. */
const ROOM = { connections: 1 << 22, udpTimeoutS: 2 };

const tickets = xlvs({ name: 'tickets', method: '-m', ...ROOM });

/** The same where the slow path decides every connection. */
const exact: Contender = {
  ...tickets,
  name: 'exact',
  async start(rig) {
    await tickets.start(rig);
    await direct(rig, `bin/compat/ipvsadm -E -u ${VIP}:${PORTS.sink} -s rr -b exact`);
  },
};

/** The rates between which the highest one is looked for. */
const LOWEST = 50_000;
const HIGHEST = 4_000_000;
const STEPS = 6;
/** As a busy interface delivers them: one wake-up for many. */
const BURST = 128;
/** Of so many frames one may be lost: the machine has other things to do as well. */
const FRAMES_FOR_A_LOSS = 10_000;

/** `connection_rate.tickets` and `.exact`: flows opened a second, as many as get through. */
export function openingRates(run: Run): AsyncGenerator<Result> {
  const entrants = [bareRedirect, tickets, exact];
  return withEntrants(run, 'connection_rate', entrants, (all) => measureRates(run, all));
}

async function* measureRates(run: Run, entrants: readonly Entrant[]): AsyncGenerator<Result> {
  const wanted = run.quick ? 3 : 9;
  const rounds: Map<Contender, number>[] = [];
  const seekers = entrants.map(({ contender, rig }) => ({
    contender,
    seeker: new Seeker(rig, contender.targets[0]!, run.quick ? 0.2 : 0.5),
  }));
  for (let round = 0; round < wanted; round++) {
    const rates = new Map<Contender, number>();
    for (const { contender, seeker } of inTurn(seekers, round)) {
      run.progress(`connection_rate ${round + 1}/${wanted}: ${contender.name}`, round / wanted);
      rates.set(contender, await seeker.highestRate());
    }
    rounds.push(rates);
  }
  for (const contender of [tickets, exact]) {
    const pairs = rounds.map((rates) => compared(rates.get(contender)!, rates.get(bareRedirect)!));
    yield summary(`connection_rate.${contender.name}`, '1/s', pairs);
  }
}

/** Looks for the highest rate of new flows at which nothing is lost. */
class Seeker {
  readonly #rig: Rig;
  readonly #to: string;
  readonly #seconds: number;
  #opened = 0;

  constructor(rig: Rig, to: string, seconds: number) {
    this.#rig = rig;
    this.#to = to;
    this.#seconds = seconds;
  }

  /** By halves, on a logarithmic scale; 0 where even the lowest is too much. */
  async highestRate(): Promise<number> {
    let [low, high] = [LOWEST, HIGHEST];
    let best = 0;
    for (let step = 0; step < STEPS; step++) {
      const rate = Math.sqrt(low * high);
      const reached = await this.#reached(rate);
      if (reached === undefined) {
        high = rate;
        continue;
      }
      best = Math.max(best, reached);
      low = rate;
    }
    return best;
  }

  /** What was sent a second, if all of it arrived. */
  async #reached(rate: number): Promise<number | undefined> {
    const { sent, received } = await sendFrames(this.#rig, {
      to: this.#to,
      protocol: 'udp',
      seconds: this.#seconds,
      rate: Math.round(rate),
      burst: BURST,
      new_every: 1,
      first_new: this.#opened,
    });
    const [all, arrived] = [sent, received].map(({ known, opening }) => known + opening);
    this.#opened += all!;
    const isLossless = (all! - arrived!) * FRAMES_FOR_A_LOSS <= all!;
    return isLossless ? all! / this.#seconds : undefined;
  }
}

import { type Frames, type Passage, sendFrames } from './load.ts';
import { REAL_SERVERS, type Rig, VIP } from './rig.ts';

const FLOW_BITS = 10;
const OPENED_PER_S = 20_000;
/** On a busy machine. */
const LEAST_OPENED_PER_S = 300;

/** What traffic is like. */
export type TrafficOptions = Required<Pick<Frames, 'protocol' | 'rate' | 'new_every'>>;

/** Frames of established and of new connections together; a new one comes once in a life. */
export class Traffic {
  readonly #rig: Rig;
  readonly #options: TrafficOptions;
  #opened = 0;

  constructor(rig: Rig, options: TrafficOptions) {
    this.#rig = rig;
    this.#options = options;
  }

  /** So many seconds of it, at the longest until then. */
  async run(seconds: number, until?: Promise<unknown>): Promise<Passage> {
    const frames = { to: VIP, seconds, flow_bits: FLOW_BITS, first_new: this.#opened };
    const passage = await sendFrames(this.#rig, { ...frames, ...this.#options }, until);
    this.#opened += passage.sent.opening;
    return passage;
  }
}

/**
 * The established TCP connections: a SYN for each of them, and the frames of traffic go on. Where
 * the director has no CPU time to take all of them, they are sent again, more slowly.
 */
export async function openFlows(rig: Rig): Promise<void> {
  // The director knows them by then.
  for (const server of REAL_SERVERS) await rig.must('director', ['ping', '-qc', '1', server]);
  const limit = 1 << FLOW_BITS;
  for (let rate = OPENED_PER_S; rate > LEAST_OPENED_PER_S; rate /= 2) {
    const { sent, received } = await sendFrames(rig, {
      to: VIP,
      protocol: 'tcp',
      seconds: limit / rate + 0.1,
      rate,
      limit,
      flow_bits: FLOW_BITS,
      open: 1,
    });
    if (received.opening === limit && sent.known === limit) return;
  }
  throw new Error(`expected ${limit} connections at ${LEAST_OPENED_PER_S} a second`);
}

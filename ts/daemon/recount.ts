import type { CountsView, MiscountView, RecountReply } from '../api/types.ts';
import type { Miscount, Recounted } from '../native/addon.ts';
import type { Cancel, Clock } from '../net/clock.ts';

/** From one look to the next where nothing is in doubt. */
const PERIOD_MS = 10_000;

/** Where something is: so many times what the look took, so that it takes 0.5 % of a core. */
const RESTS_PER_LOOK = 200;

/** Between the looks that somebody waits for. */
const PAUSE_MS = 20;

/** What a recount works on. */
export interface RecountOptions {
  /** One look; see SlowPath. */
  readonly look: () => Promise<Recounted>;
  /** Makes the counts those of the connections; false where they have moved since. */
  readonly correct: (miscount: Miscount) => boolean;
  /** What a destination is called, by its index. */
  readonly nameOf: (destination: number) => string;
  readonly clock: Clock;
  readonly warn: (message: string) => void;
}

/**
 * Keeps the counts of destinations equal to the connections that there are: whoever was killed
 * between changing the one and the other has left them apart. Packets go on to change both, so
 * a look says nothing of destinations whose connections come and go meanwhile, and a difference is
 * a mistake when the next look finds the same; only then is it put right.
 */
export class Recount {
  readonly #options: RecountOptions;
  #stop: Cancel;
  /** What the last look that could tell has found, by destination. */
  readonly #suspects = new Map<number, Miscount>();
  #unsettled = 0;
  #cpuMs = 0;
  #corrected = 0;
  #stopped = false;

  constructor(options: RecountOptions) {
    this.#options = options;
    this.#stop = options.clock.after(PERIOD_MS, () => void this.#goOn());
  }

  /** Destinations that were put right since the start. */
  get corrected(): number {
    return this.#corrected;
  }

  get #isInDoubt(): boolean {
    return this.#unsettled > 0 || this.#suspects.size > 0;
  }

  /**
   * Looks until nothing is left to be doubted, but no more often than that. Resolves to what was
   * put right, and of how many destinations nothing can be said.
   */
  async settle(looks: number): Promise<RecountReply> {
    const miscounts: MiscountView[] = [];
    for (let look = 1; ; look++) {
      const { unsettled, miscounts: corrected } = await this.#look();
      miscounts.push(...corrected);
      if (look >= looks || !this.#isInDoubt) return { miscounts, unsettled };
      await new Promise<void>((resolve) => this.#options.clock.after(PAUSE_MS, resolve));
    }
  }

  stop(): void {
    this.#stop();
    this.#stopped = true;
  }

  /** Looks, and again later, for as long as it is not stopped. */
  async #goOn(): Promise<void> {
    const { clock } = this.#options;
    await this.#look();
    if (this.#stopped) return;
    const restMs = Math.max(PAUSE_MS, RESTS_PER_LOOK * this.#cpuMs);
    this.#stop = clock.after(this.#isInDoubt ? restMs : PERIOD_MS, () => void this.#goOn());
  }

  /** Looks once, and puts right what the look before has found as well. */
  async #look(): Promise<RecountReply> {
    const { look, correct, warn } = this.#options;
    const { miscounts, unsettled, templates, cpuMs } = await look();
    if (templates > 0)
      warn(`${templates} templates waited for connections that are gone: put right`);
    const corrected = miscounts.filter(
      (miscount) => isSame(this.#suspects.get(miscount.destination), miscount) && correct(miscount),
    );
    if (unsettled === 0) this.#suspects.clear();
    this.#unsettled = unsettled;
    this.#cpuMs = cpuMs;
    for (const miscount of miscounts) this.#suspects.set(miscount.destination, miscount);
    return { miscounts: corrected.map((miscount) => this.#tell(miscount)), unsettled };
  }

  #tell({ destination: index, counted, held }: Miscount): MiscountView {
    const { nameOf, warn } = this.#options;
    const destination = nameOf(index);
    this.#suspects.delete(index);
    this.#corrected += 1;
    const was = countsText(counted);
    const are = countsText(held);
    warn(`counts of ${destination} put right: counted ${was}; there are ${are}`);
    return { destination, counted, held };
  }
}

function countsText({ active, inactive, persistent }: CountsView): string {
  return `${active} active, ${inactive} inactive, ${persistent} persistent`;
}

function isSame(before: Miscount | undefined, now: Miscount): boolean {
  return (
    before !== undefined &&
    before.counted.active - before.held.active === now.counted.active - now.held.active &&
    before.counted.inactive - before.held.inactive === now.counted.inactive - now.held.inactive &&
    before.counted.persistent - before.held.persistent ===
      now.counted.persistent - now.held.persistent
  );
}

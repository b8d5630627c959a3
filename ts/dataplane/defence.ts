import {
  type CookieState,
  decideCookies,
  decideRelief,
  NO_COOKIES,
  type Relief,
} from '../lvs/defence.ts';
import type { Settings } from '../lvs/settings.ts';
import type { SlowPath } from '../native/addon.ts';
import type { XdpDataplane } from './xdp.ts';

/** What a defence watches, and tells. */
export interface DefenceOptions {
  readonly dataplane: Pick<
    XdpDataplane,
    'slots' | 'tableSize' | 'cookieCounters' | 'setRelief' | 'noteAttack'
  >;
  readonly slowPath: Pick<SlowPath, 'census'>;
  readonly settings: () => Settings;
}

/** Watches the table and the SYNs, and tells the data plane how to defend itself. */
export class Defence {
  readonly #options: DefenceOptions;
  #relief: Relief = 'none';
  #cookies: CookieState = NO_COOKIES;
  #counted: ReturnType<XdpDataplane['cookieCounters']>;

  constructor(options: DefenceOptions) {
    this.#options = options;
    this.#counted = options.dataplane.cookieCounters();
  }

  /** Decides anew. To be called every second. */
  tick(nowS: number): void {
    const { dataplane, slowPath, settings } = this.#options;
    const { slots, halfOpen } = slowPath.census();
    const fill = slots / dataplane.slots;
    this.#relief = decideRelief(this.#relief, fill, settings().drop_entry);
    dataplane.setRelief(this.#relief);

    const before = this.#counted;
    this.#counted = dataplane.cookieCounters();
    const answered = this.#counted.answered - before.answered;
    const proven = this.#counted.proven - before.proven;
    const load = { nowS, fill, halfOpen, answered, proven };
    this.#cookies = decideCookies(this.#cookies, load, dataplane.tableSize);
    if (this.#cookies.on) dataplane.noteAttack();
  }
}

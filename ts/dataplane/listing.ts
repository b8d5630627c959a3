/** What is listed, in this order: neighbours mean nothing without their links. */
const TABLES = ['link', 'neighbour'] as const;

/**
 * A list of links and neighbours, one table after the other, since the kernel makes one list at
 * a time for a socket. What changed while it was listed is listed again.
 */
export class Listing {
  readonly #ask: (table: (typeof TABLES)[number]) => number;
  readonly #complete: () => void;
  #place = 0; // in TABLES
  #seq = 0; // of the request under way; 0 for none
  #spoilt = false; // begun again before it was complete

  /** `ask` sends a request and returns its sequence number. */
  constructor(ask: (table: (typeof TABLES)[number]) => number, complete: () => void) {
    this.#ask = ask;
    this.#complete = complete;
  }

  /** Begins; where a list is under way, once that has ended. */
  begin(): void {
    this.#spoilt = this.#seq !== 0;
    if (!this.#spoilt) this.#continue(0);
  }

  /** The end of the request with that number, if it is the one under way. */
  end(seq: number, sound: boolean): void {
    if (seq !== this.#seq) return;
    const again = this.#spoilt || !sound;
    this.#seq = 0;
    this.#spoilt = false;
    this.#continue(again ? 0 : this.#place + 1);
  }

  #continue(place: number): void {
    const table = TABLES[place];
    this.#place = place;
    if (table === undefined) this.#complete();
    else this.#seq = this.#ask(table);
  }
}

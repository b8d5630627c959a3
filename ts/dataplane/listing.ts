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
  #answered = false;
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

  /**
   * Whether an answer with that number is the first of a list. What the socket handed out before
   * it may be older than the list, since the kernel tells of lost news ahead of those it kept.
   */
  isFirst(seq: number): boolean {
    if (seq !== this.#seq || seq === 0 || this.#answered) return false;
    this.#answered = true;
    return true;
  }

  /** The table changed under the list with that number: it is made again. */
  interrupt(seq: number): void {
    if (seq === this.#seq && seq !== 0) this.#spoilt = true;
  }

  /** The end of the request with that number, if it is the one under way. */
  end(seq: number): void {
    if (seq !== this.#seq) return;
    const again = this.#spoilt;
    this.#seq = 0;
    this.#spoilt = false;
    this.#continue(again ? 0 : this.#place + 1);
  }

  #continue(place: number): void {
    const table = TABLES[place];
    this.#place = place;
    if (place === 0) this.#answered = false;
    if (table === undefined) this.#complete();
    else this.#seq = this.#ask(table);
  }
}

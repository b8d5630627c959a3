// Hot: plays per connection. Do not allocate there.
import type { Destination } from '../destination.ts';
import { FULL, type Load, lighter } from './overhead.ts';

/** Stands where no player is. */
const NOBODY = -1;

/**
 * Destinations that compete for connections: the one with the least load for its weight wins,
 * the first of equals. The winner gets one more and plays again: one match a level, against those
 * who lost to it and to its like.
 *
 *            match 1                A match keeps its loser; its winner goes on to match / 2.
 *          2        3               Player p of n begins in match (p + n) / 2.
 *        p0 p1    p2 p3
 *
 * Source: Knuth, The Art of Computer Programming, volume 3, section 5.4.1, "tree of losers".
 */
export class Tournament {
  readonly #load: Load;
  #count = 0;
  #winner = NOBODY;
  // By player.
  #destinations: Destination[] = [];
  #active = new Float64Array(0);
  #inactive = new Float64Array(0);
  #weights = new Float64Array(0);
  #quotients = new Float64Array(0); // load / weight
  // By match.
  #losers = new Int32Array(0);

  constructor(load: Load) {
    this.#load = load;
  }

  /** Ends the tournament, and makes room for so many players in the next. */
  clear(room: number): void {
    this.#count = 0;
    this.#winner = NOBODY;
    this.#destinations.length = 0;
    if (room <= this.#losers.length) return;
    this.#active = new Float64Array(room * 2);
    this.#inactive = new Float64Array(room * 2);
    this.#weights = new Float64Array(room * 2);
    this.#quotients = new Float64Array(room * 2);
    this.#losers = new Int32Array(room * 2);
  }

  /** Lets a destination take part, with the connections that it has now. */
  enter(destination: Destination, weight: number): void {
    const player = this.#count;
    this.#count += 1;
    this.#destinations.push(destination);
    this.#active[player] = destination.activeConnections;
    this.#inactive[player] = destination.inactiveConnections;
    this.#weights[player] = weight;
    this.#weigh(player);
  }

  /** Finds the first winner, when all have entered. */
  begin(): void {
    this.#losers.fill(NOBODY, 0, this.#count);
    for (let player = 0; player < this.#count; player++) this.#play(player);
  }

  /** The winner, which gets an active connection; undefined if nobody takes one. */
  next(): Destination | undefined {
    const winner = this.#winner;
    if (winner === NOBODY || this.#loadOf(winner) === FULL) return undefined;
    this.#active[winner]! += 1;
    this.#weigh(winner);
    this.#play(winner);
    return this.#destinations[winner];
  }

  /** Plays from a player's first match on, to the end or until there is nobody to play yet. */
  #play(player: number): void {
    const losers = this.#losers;
    let winner = player;
    for (let match = (player + this.#count) >> 1; match > 0; match >>= 1) {
      const other = losers[match]!;
      if (other !== NOBODY && !this.#beats(other, winner)) continue;
      losers[match] = winner;
      winner = other;
      if (other === NOBODY) break;
    }
    this.#winner = winner;
  }

  #weigh(player: number): void {
    this.#quotients[player] = this.#loadOf(player) / this.#weights[player]!;
  }

  #loadOf(player: number): number {
    return this.#load(this.#active[player]!, this.#inactive[player]!, this.#weights[player]!);
  }

  // Rounding keeps the order of quotients: only where they are the same it may hide something.
  #beats(a: number, b: number): boolean {
    const left = this.#quotients[a]!;
    const right = this.#quotients[b]!;
    return left < right || (left === right && this.#beatsExactly(a, b));
  }

  #beatsExactly(a: number, b: number): boolean {
    const loadA = this.#loadOf(a);
    const loadB = this.#loadOf(b);
    const weightA = this.#weights[a]!;
    const weightB = this.#weights[b]!;
    if (lighter(loadA, weightA, loadB, weightB)) return true;
    return a < b && !lighter(loadB, weightB, loadA, weightA);
  }
}

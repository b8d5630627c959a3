import type { Destination } from './destination.ts';
import { guardedPlaces, MARK_LENGTH, type Mark, type Ring } from './ring.ts';
import {
  accepting,
  type CountsScheduler,
  cursorOf,
  type Flow,
  type Pool,
  type SequenceScheduler,
  type TableScheduler,
} from './scheduler.ts';
import type { Service } from './service.ts';

/** Tickets of the smallest and of the largest ring. */
const SMALLEST = 64;
const LARGEST = 65_536;

/**
 * Tickets of a ring that is used, where memory is plenty, and as long as it is not short: a burst
 * out of nothing finds some thousands, and takes milliseconds for the first half of them.
 */
const AMPLE = 8_192;
const PLENTY = 0.5;
const SHORT = 0.25;

/** Places between two marks: going back costs so many choices at most. */
const MARK_SHIFT = 4;
const MARK_EVERY = 2 ** MARK_SHIFT;

/**
 * A reserve holds a round of the scheduler's, but not more tickets than there are destinations,
 * or than this; the second one where memory is plenty.
 */
const RESERVE = 32;
const GOOD_RESERVE = 192;

/** How long the tickets of a sequence are to last at least, at the rate at which they go. */
const LASTING_MS = 40;

/** How long a ring has to be too large until it is made smaller, and how long a sleeper waits. */
const CALM_MS = 10_000;
const LONGEST_WAIT_MS = 1_000;

/** Connections a millisecond from which, and down to which, counts are read ahead. */
const AHEAD_FROM = 2;
const AHEAD_TO = 1;

/** How soon the rate is looked at after a rest, and how often as long as it is low. */
const LOOK_MS = 50;

/** How soon at the earliest tickets are drawn again, and how long those drawn by counts last. */
const SOON_MS = 1;
const AHEAD_MS = 3;

/** Tickets that are tried for one packet: TICKET_TRIES of bpf/connection.h. */
const TRIES = 8;

/** How long the rate that was seen is remembered. */
const MEMORY_MS = 20;

/**
 * One service's scheduling ahead. What is drawn, and when, follows from what the service's
 * scheduler depends on:
 *
 *   sequence   as many tickets as the ring has places for, filled up when about a quarter is
 *              used; when half are, a connection asks for more. Before the rules change, the
 *              unused ones are recalled: the scheduler goes back to where it was before the first
 *              of them, and draws them anew under the new rules. So the order of choices is what
 *              it would be one by one.
 *   counts     one by one, by the slow path. When many connections come, a few tickets, drawn anew
 *              every millisecond or two, each as if those before it were connections already.
 *   table      nothing but the table, whole: the data plane hashes the flow and looks it up.
 *   flow       one by one, by the slow path; its substitute draws the reserve.
 *   exact      one by one, whatever the scheduler.
 *
 * In front of the limit, used or never published, there is always a reserve of tickets for the
 * time when the director is dead; a table serves then, too, also in exact mode.
 */
export class Tickets {
  readonly #service: Service;
  readonly #ring: Ring;
  /** A mark for every MARK_EVERY places of the ring, with the first of them that was drawn. */
  #marks = new Int32Array(0);
  /** The mark of a decision. */
  readonly #mark = new Int32Array(MARK_LENGTH);
  #isRecalled = true;
  #lacksRoom = false;
  /** The smallest size that holds a reserve. */
  #leastSize = SMALLEST;

  // What the slow path asked for.
  #decided = 0;
  #asked = 0;
  #askedAt = 0;

  // The pace: connections a millisecond, and where they were counted last.
  #rate = 0;
  #seenHead = 0;
  #seenMs = 0;
  #largeSinceMs = 0;
  #isAhead = false;
  #ageMs = 0;

  constructor(service: Service, ring: Ring) {
    this.#service = service;
    this.#ring = ring;
  }

  /** Whether a new connection without a ticket waits for tickets, and not for a decision. Hot. */
  get areAwaited(): boolean {
    const { exact, scheduler } = this.#service;
    return scheduler.kind === 'sequence' && !exact && this.#ring.size > 0;
  }

  /** Whether a connection has asked for more tickets, before all were used. */
  get isAsked(): boolean {
    return this.#ring.isAsked;
  }

  /** Tickets that may be used at the moment. */
  get ahead(): number {
    return (this.#ring.limit - this.#ring.head) | 0;
  }

  /**
   * How old, in milliseconds, the counts have been at most by which connections are scheduled;
   * undefined where they are read for each connection, or do not matter.
   */
  get ageMs(): number | undefined {
    return this.#isAhead ? this.#ageMs : undefined;
  }

  /** Whether there was no room for its ring or table, so that the slow path decides. */
  get lacksRoom(): boolean {
    return this.#lacksRoom;
  }

  /** Whether tickets were used that refill has not seen. */
  get areUsed(): boolean {
    return this.#ring.head !== this.#seenHead;
  }

  /** Where the scheduler was before the ticket that will be used next. */
  get cursor(): Int32Array {
    const { head, limit } = this.#ring;
    const { scheduler } = this.#service;
    const atLimit = cursorOf(scheduler);
    if (scheduler.kind !== 'sequence' || head === limit) return atLimit;
    this.#rewind(scheduler, head);
    const atHead = cursorOf(scheduler);
    scheduler.load(this.#service, atLimit, 0);
    return atHead;
  }

  /** Takes back the tickets that are not used yet. Every change of the rules begins so. */
  recall(): void {
    if (this.#isRecalled) return;
    this.#isRecalled = true;
    const { scheduler } = this.#service;
    const { limit } = this.#ring;
    const head = this.#ring.freeze();
    this.#ring.askAt(undefined);
    if (scheduler.kind === 'sequence' && head !== limit) this.#rewind(scheduler, head);
  }

  /** Draws anew what was recalled. Every change of the rules ends so. */
  redraw(): void {
    if (!this.#isRecalled) return;
    this.#isRecalled = false;
    const { destinations, scheduler } = this.#service;
    if (scheduler.kind === 'table') {
      this.#redrawTable(scheduler);
      return;
    }
    this.#ring.setTable(undefined);
    this.#lacksRoom = destinations.length > 0 && !this.#hasRing();
    if (destinations.length === 0) this.#ring.setReusable(0);
    else if (this.#lacksRoom) return;
    else if (scheduler.kind === 'sequence') this.#redrawSequence(scheduler);
    else this.#redrawReserve(scheduler.kind === 'flow' ? scheduler.substitute : scheduler);
  }

  /** Goes on with the ring of a director that is gone, under the rules that it had. */
  adopt(): void {
    const { scheduler, edition } = this.#service;
    const head = this.#ring.freeze();
    const mark = this.#ring.readMark(edition);
    if (scheduler.kind === 'sequence' && mark !== undefined) {
      this.#goOn(scheduler, mark, 0, head);
    }
    this.redraw();
  }

  /**
   * Sees to it that there is a ticket for one more connection that has met none; false when no
   * destination is accepting. Hot.
   */
  replenish(): boolean {
    const service = this.#service;
    if (!service.destinations.some((each) => accepting(each, service))) return false;
    const { head } = this.#ring;
    if (head !== this.#askedAt) this.#asked = 0;
    this.#askedAt = head;
    this.#asked += 1;
    if (this.isAsked || this.ahead < this.#asked) this.#append();
    if (this.ahead < this.#asked) this.#grow(this.#ring.size * 2);
    return this.ahead > 0;
  }

  /**
   * Whether a packet would meet nothing but tickets of overloaded destinations, though others are
   * accepting: then it is decided on by itself.
   */
  get areRefused(): boolean {
    const service = this.#service;
    const { destinations } = service;
    if (this.ahead < TRIES || !destinations.some(({ isOverloaded }) => isOverloaded)) return false;
    if (!destinations.some((each) => accepting(each, service))) return false;
    const { tickets, first, head, size } = this.#ring;
    for (let place = head; place !== ((head + TRIES) | 0); place = (place + 1) | 0) {
      const ticket = tickets[first + (place & (size - 1))]!;
      const destination = destinations.find(({ index }) => index === ticket);
      if (destination !== undefined && accepting(destination, service)) return false;
    }
    return true;
  }

  /** As decide, with the tickets behind it drawn anew: those before its own are passed over. */
  decideAnew(flow: Flow): Destination | undefined {
    this.recall();
    const chosen = this.decide(flow);
    this.redraw();
    return chosen;
  }

  /** The destination for a new connection, of this very moment; undefined if none. Hot. */
  decide(flow: Flow): Destination | undefined {
    this.#decided += 1;
    const { scheduler, edition } = this.#service;
    const chosen = scheduler.schedule(this.#service, flow);
    if (scheduler.kind === 'sequence') {
      this.#mark[0] = this.#ring.head;
      scheduler.save(this.#mark, 1);
      this.#ring.writeMark(edition, this.#mark, 0);
    }
    return chosen;
  }

  /** Begins to look at the pace, after a rest. Returns when to refill first, in milliseconds. */
  wake(nowMs: number): number {
    this.#seenMs = nowMs;
    this.#largeSinceMs = nowMs;
    this.#seenHead = this.#ring.head;
    this.#rate = 0;
    return this.isAsked ? SOON_MS : LOOK_MS;
  }

  /**
   * Draws what is used up by now, and more or less of it as the pace wants. Returns when to be
   * called again, in milliseconds; undefined where it may rest, until something is used.
   */
  refill(nowMs: number): number | undefined {
    const { head } = this.#ring;
    const elapsedMs = Math.max(nowMs - this.#seenMs, Number.EPSILON);
    const used = ((head - this.#seenHead) | 0) + this.#decided;
    const memory = Math.min(1, elapsedMs / MEMORY_MS);
    this.#rate += (used / elapsedMs - this.#rate) * memory;
    this.#seenHead = head;
    this.#seenMs = nowMs;
    this.#decided = 0;
    const { scheduler, exact } = this.#service;
    if (scheduler.kind === 'table') {
      if (this.#lacksRoom) this.#redrawTable(scheduler);
      return undefined;
    }
    if (this.#ring.size === 0) this.#resize(SMALLEST); // there was no room for it
    if (exact || scheduler.kind === 'flow' || this.#ring.size === 0) return undefined;
    if (scheduler.kind === 'counts') return this.#refillAhead(scheduler, used, elapsedMs);
    return this.#refillSequence(used, nowMs);
  }

  #refillSequence(used: number, nowMs: number): number | undefined {
    const { size } = this.#ring;
    const least = this.#restingSize;
    const wanted = Math.max(least, sizeFor(this.#rate * LASTING_MS));
    if (wanted * 4 > size) this.#largeSinceMs = nowMs;
    if (wanted > size) this.#grow(wanted);
    else if (nowMs - this.#largeSinceMs > CALM_MS) this.#resize(wanted);
    else this.#append();
    if (used === 0 && this.#ring.size <= least) return undefined;
    return Math.min(
      LONGEST_WAIT_MS,
      Math.max(SOON_MS, this.ahead / (4 * this.#rate + Number.EPSILON)),
    );
  }

  /** Of the ring of a sequence that was used, when no more are. */
  get #restingSize(): number {
    const { freeMemory, size } = this.#ring;
    if (freeMemory > PLENTY) return Math.max(AMPLE, this.#leastSize);
    const kept = freeMemory > SHORT ? Math.min(AMPLE, size) : 0;
    return Math.max(kept, this.#leastSize);
  }

  #refillAhead(scheduler: CountsScheduler, used: number, elapsedMs: number): number | undefined {
    if (!this.#isAhead) {
      if (used === 0) return undefined;
      if (used / elapsedMs < AHEAD_FROM) return LOOK_MS;
      this.#isAhead = true;
      this.#ageMs = 0;
    } else if (this.#rate < AHEAD_TO) {
      this.#isAhead = false;
      this.#ring.freeze();
      return LOOK_MS;
    } else {
      this.#ageMs = Math.max(this.#ageMs, elapsedMs);
    }
    this.#drawAhead(scheduler, Math.ceil(this.#rate * AHEAD_MS));
    return SOON_MS;
  }

  #drawAhead(scheduler: CountsScheduler, count: number): void {
    if (sizeFor(count) > this.#ring.size) this.#resize(sizeFor(count));
    const { head } = this.#ring;
    scheduler.survey(this.#service);
    const drawn = this.#drawByCounts(scheduler, head, Math.min(count, this.#room));
    this.#ring.publish((head + drawn) | 0);
  }

  /** As many tickets as there are places for; where none may take them, as a reserve alone. */
  #redrawSequence(scheduler: SequenceScheduler): void {
    const { destinations, exact, edition } = this.#service;
    const { head } = this.#ring;
    const round = scheduler.round(this.#service);
    const good = this.#ring.freeMemory > PLENTY ? GOOD_RESERVE : RESERVE;
    this.#reserve(Math.min(round, Math.max(good, destinations.length)));
    const start = cursorOf(scheduler);
    const from = exact ? (head - this.#room) | 0 : head;
    this.#setMark(scheduler, from);
    const drawn = this.#drawSequence(scheduler, from, this.#room);
    this.#ring.setReusable(Math.min(round, drawn));
    this.#ring.writeMark(edition, [head, ...start], 0);
    if (exact) scheduler.load(this.#service, start, 0);
    else this.#publish((head + drawn) | 0);
  }

  #redrawTable(scheduler: TableScheduler): void {
    const { destinations, exact } = this.#service;
    const hashing = scheduler.hashing(this.#service);
    const slots = scheduler.slots(this.#service);
    const members = destinations.map(({ index }) => index);
    if (slots.length === 0) this.#ring.release();
    this.#lacksRoom =
      slots.length > 0 && !this.#ring.setTable({ hashing, slots, members, isReserve: exact });
  }

  #hasRing(): boolean {
    return this.#ring.size > 0 || this.#ring.resize(SMALLEST);
  }

  /** The next choices, where none may take them. */
  #redrawReserve(scheduler: CountsScheduler): void {
    const wanted = Math.max(RESERVE, this.#service.destinations.length);
    this.#reserve(wanted);
    scheduler.survey(this.#service);
    const count = Math.min(wanted, this.#room);
    this.#ring.setReusable(this.#drawByCounts(scheduler, (this.#ring.head - count) | 0, count));
  }

  /** Fills up the published tickets. */
  #append(): void {
    const { scheduler, edition } = this.#service;
    if (scheduler.kind !== 'sequence') return;
    const { head, limit } = this.#ring;
    const drawn = this.#drawSequence(scheduler, limit, this.#room - ((limit - head) | 0));
    if (drawn > 0) this.#ring.writeMark(edition, this.#marks, this.#markAt(head));
    if (drawn > 0 || this.isAsked) this.#publish((limit + drawn) | 0);
  }

  /** Of a sequence: when half are used, more are asked for. */
  #publish(limit: number): void {
    this.#ring.publish(limit);
    const half = this.ahead >> 1;
    this.#ring.askAt(half > 0 ? (this.#ring.head + half) | 0 : undefined);
  }

  /** Gives a sequence a larger ring, and fills it, while its tickets are taken. */
  #grow(size: number): void {
    if (size > LARGEST || size <= this.#ring.size || !this.#ring.resize(size)) return;
    const { head, limit } = this.#ring;
    const before = this.#marks;
    this.#marks = new Int32Array((size / MARK_EVERY) * MARK_LENGTH);
    for (let place = head & -MARK_EVERY; ((limit - place) | 0) > 0; place += MARK_EVERY) {
      const from = markAt(before, place);
      this.#marks.set(before.subarray(from, from + MARK_LENGTH), this.#markAt(place));
    }
    this.#append();
  }

  #resize(size: number): void {
    if (size > LARGEST || size === this.#ring.size) return;
    if (size < this.#ring.size) this.recall();
    if (this.#ring.resize(size)) this.recall();
    this.redraw();
  }

  /** Sees to it that the frozen ring has places for so many tickets, if there is room. */
  #reserve(count: number): void {
    this.#leastSize = sizeFor(count);
    if (this.#leastSize > this.#ring.size) this.#ring.resize(this.#leastSize);
    const marks = (this.#ring.size / MARK_EVERY) * MARK_LENGTH;
    if (this.#marks.length !== marks) this.#marks = new Int32Array(marks);
  }

  /** The service, to choose ahead from. */
  get #pool(): Pool {
    return { destinations: this.#service.destinations, isAhead: true };
  }

  /** How many tickets may be published at a time. */
  get #room(): number {
    return this.#ring.size - guardedPlaces(this.#ring.size);
  }

  /** Draws tickets for places from one on; returns how many there were. */
  #drawSequence(scheduler: SequenceScheduler, from: number, count: number): number {
    const { tickets, first, size } = this.#ring;
    const pool = this.#pool;
    for (let i = 0; i < count; i++) {
      const place = (from + i) | 0;
      if (place % MARK_EVERY === 0) this.#setMark(scheduler, place);
      const destination = scheduler.schedule(pool);
      if (destination === undefined) return i;
      tickets[first + (place & (size - 1))] = destination.index;
    }
    return count;
  }

  #drawByCounts(scheduler: CountsScheduler, from: number, count: number): number {
    const { tickets, first, size } = this.#ring;
    for (let i = 0; i < count; i++) {
      const destination = scheduler.draw();
      if (destination === undefined) return i;
      tickets[first + ((from + i) & (size - 1))] = destination.index;
    }
    return count;
  }

  #setMark(scheduler: SequenceScheduler, place: number): void {
    const at = this.#markAt(place);
    this.#marks[at] = place;
    scheduler.save(this.#marks, at + 1);
  }

  /** Where in the marks the last one up to a place stands. */
  #markAt(place: number): number {
    return markAt(this.#marks, place);
  }

  /** Puts the scheduler back to where it was before it drew the ticket of the place. */
  #rewind(scheduler: SequenceScheduler, place: number): void {
    this.#goOn(scheduler, this.#marks, this.#markAt(place), place);
  }

  /** Puts the scheduler to a mark, and lets it go on from there to a place. */
  #goOn(scheduler: SequenceScheduler, marks: Mark, at: number, place: number): void {
    scheduler.load(this.#service, marks, at + 1);
    const choices = Math.min((place - marks[at]!) | 0, LARGEST + MARK_EVERY);
    for (let i = 0; i < choices; i++) scheduler.schedule(this.#pool);
  }
}

function markAt(marks: Mark, place: number): number {
  return ((place >> MARK_SHIFT) & (marks.length / MARK_LENGTH - 1)) * MARK_LENGTH;
}

/** The smallest ring in which so many tickets can be published. */
function sizeFor(count: number): number {
  const wanted = count + guardedPlaces(2 * count);
  return Math.min(LARGEST, Math.max(SMALLEST, 2 ** Math.ceil(Math.log2(wanted))));
}

import type { Director } from '../lvs/director.ts';
import type { Cancel, Clock } from '../net/clock.ts';

/** How often services that rest are looked at. */
const SCAN_MS = 1_000;

/** Time in one step: no two refills of any services are closer together. */
const STEP_MS = 1;

/**
 * Refills the rings while their tickets are used, each service when its `Tickets` want it, and
 * not at all while nothing happens: then there is one look a second at what was used.
 */
export class Refill {
  readonly #director: Pick<Director, 'services' | 'serviceAt'>;
  readonly #clock: Clock;
  /** Indices of the services that do not rest, and when each is due, by index. */
  readonly #awake: number[] = [];
  readonly #dueMs = new Map<number, number>();
  #next: { readonly atMs: number; readonly cancel: Cancel } | undefined;
  readonly #stopScan: Cancel;

  constructor(director: Pick<Director, 'services' | 'serviceAt'>, clock: Clock) {
    this.#director = director;
    this.#clock = clock;
    this.#stopScan = clock.every(SCAN_MS, () => this.#scan());
  }

  /** A connection of the service came to the slow path. Hot. */
  wake(index: number): void {
    const tickets = this.#director.serviceAt(index)?.tickets;
    const isAwake = this.#dueMs.has(index);
    if (tickets === undefined || (isAwake && !tickets.isAsked)) return;
    const nowMs = this.#clock.now();
    const dueMs = isAwake ? nowMs : nowMs + tickets.wake(nowMs);
    this.#dueMs.set(index, dueMs);
    if (!isAwake) this.#awake.push(index);
    this.#arm(dueMs, nowMs);
  }

  stop(): void {
    this.#stopScan();
    this.#next?.cancel();
  }

  #scan(): void {
    for (const { index, tickets } of this.#director.services) {
      if (tickets?.areUsed) this.wake(index);
    }
  }

  #arm(atMs: number, nowMs: number): void {
    if (this.#next !== undefined && this.#next.atMs <= atMs) return;
    this.#next?.cancel();
    const cancel = this.#clock.after(Math.max(STEP_MS, atMs - nowMs), () => this.#refillDue());
    this.#next = { atMs, cancel };
  }

  #refillDue(): void {
    this.#next = undefined;
    const nowMs = this.#clock.now();
    let nextMs = Number.POSITIVE_INFINITY;
    let kept = 0;
    for (const index of this.#awake) {
      const dueMs = this.#refill(index, nowMs);
      if (dueMs === undefined) continue;
      nextMs = Math.min(nextMs, dueMs);
      this.#awake[kept] = index;
      kept += 1;
    }
    this.#awake.length = kept;
    if (kept > 0) this.#arm(nextMs, nowMs);
  }

  /** Refills a service where it is due; returns when it is next, undefined where it may rest. */
  #refill(index: number, nowMs: number): number | undefined {
    const dueMs = this.#dueMs.get(index)!;
    if (dueMs > nowMs) return dueMs;
    const waitMs = this.#director.serviceAt(index)?.tickets?.refill(nowMs);
    if (waitMs === undefined) this.#dueMs.delete(index);
    else this.#dueMs.set(index, nowMs + waitMs);
    return waitMs && nowMs + waitMs;
  }
}

import { Refill, Schedule, TicketLine } from '../../ts/native/abi.gen.ts';

/**
 * The data plane's part of scheduling ahead, as bpf/schedule.h plays it: claims the place at the
 * head by compare-and-swap, and reads its ticket afterwards.
 */
export class TicketTaker {
  readonly #schedules: DataView;
  readonly #windows: BigUint64Array;
  readonly #lines: DataView;

  constructor(schedules: ArrayBuffer, lines: ArrayBuffer) {
    this.#schedules = new DataView(schedules);
    this.#windows = new BigUint64Array(schedules);
    this.#lines = new DataView(lines);
  }

  /** The next ticket of a service; undefined where it has none. */
  take(service: number): number | undefined {
    const place = this.claim(service);
    return place === undefined ? undefined : this.read(service, place);
  }

  /** As asks_for_more. */
  #asks(service: number, head: bigint): boolean {
    const at = service * Schedule.size;
    const here = ((Number(head) << 2) | Refill.AT) >>> 0;
    if (Schedule.refill(this.#schedules, at) !== here) return false;
    Schedule.setRefill(this.#schedules, at, Refill.WANTED);
    return true;
  }

  /** The place whose ticket is the claimer's, until now the head. */
  claim(service: number): number | undefined {
    const at = (service * Schedule.size + Schedule.windowAt) / 8;
    const window = Atomics.load(this.#windows, at);
    const head = BigInt.asUintN(32, window);
    const limit = window >> 32n;
    if (head === limit || this.#asks(service, head)) return undefined;
    const next = BigInt.asUintN(32, head + 1n);
    const before = Atomics.compareExchange(this.#windows, at, window, (limit << 32n) | next);
    return before === window ? Number(head) : this.claim(service);
  }

  read(service: number, place: number): number {
    const at = service * Schedule.size;
    const line = Schedule.ringLine(this.#schedules, at);
    const mask = Schedule.ringMask(this.#schedules, at);
    const ticket = ((place & mask) >>> 0) * 4;
    return this.#lines.getUint32(line * TicketLine.size + ticket, true);
  }

  /** The ticket that is used for the n-th time without anybody who publishes new ones. */
  reuse(service: number, n: number): number | undefined {
    const at = service * Schedule.size;
    const limit = Number(Schedule.window(this.#schedules, at) >> 32n);
    const reusable = Schedule.reusable(this.#schedules, at);
    return reusable === 0 ? undefined : this.read(service, limit - reusable + (n % reusable));
  }
}

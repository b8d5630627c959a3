import type { Ring } from '../../ts/lvs/ring.ts';
import { Schedule } from '../../ts/native/abi.gen.ts';
import { MemoryDataplane } from './memory_dataplane.ts';

/** The director was killed. */
export class KilledError extends Error {
  /** Lines that the journal had then. */
  readonly journaled: number;

  constructor(journaled: number) {
    super('killed');
    this.journaled = journaled;
  }
}

/** A data plane whose director is killed before a given store of its own in the memory of rings. */
export class MortalDataplane extends MemoryDataplane {
  /** Stores until then. */
  killAt = Number.POSITIVE_INFINITY;
  #journaled = 0;
  #remains: readonly ArrayBuffer[] = [];

  /** Lets the first service's ring begin at a place. */
  begin(place: number): void {
    new BigUint64Array(this.schedules)[Schedule.windowAt / 8] = BigInt(place) * (2n ** 32n + 1n);
  }

  /** A store is about to happen; the journal has so many lines. Throws KilledError. */
  live(journaled = this.#journaled): void {
    this.#journaled = journaled;
    this.killAt -= 1;
    if (this.killAt >= 0) return;
    this.#remains = [this.schedules.slice(0), this.lines.slice(0)];
    this.killAt = Number.POSITIVE_INFINITY;
    throw new KilledError(journaled);
  }

  /** What was stored while the dead director's calls ended is not there. */
  override adopt(): void {
    for (const [i, remains] of this.#remains.entries()) {
      new Uint8Array(i === 0 ? this.schedules : this.lines).set(new Uint8Array(remains));
    }
    this.#remains = [];
    super.adopt();
  }

  override ring(index: number): Ring {
    const ring = super.ring(index);
    const live = () => this.live();
    return new Proxy(ring, {
      get(target, name) {
        const member: unknown = Reflect.get(target, name, target);
        if (typeof member !== 'function') return member;
        return (...given: unknown[]) => {
          live();
          return Reflect.apply(
            member,
            target,
            given.map((each) => inSteps(each, live)),
          );
        };
      },
    });
  }
}

/** An array whose elements are read one store after the other. */
function inSteps(value: unknown, live: () => void): unknown {
  if (typeof value !== 'object' || value === null) return value;
  return new Proxy(value, {
    get(target, name) {
      if (typeof name === 'string' && /^\d+$/.test(name)) live();
      return Reflect.get(target, name) as unknown;
    },
  });
}

import { NO_COUNTERS, sum } from './counters.ts';
import type { Counters, Dataplane } from './dataplane.ts';
import type { Destination } from './destination.ts';
import type { Rules } from './rules.ts';
import type { Service } from './service.ts';

/**
 * Samples the estimators of all destinations and services. Most stand still most of the time:
 * of each the data plane is asked for one number, and only those for which it is another than at
 * the last tick, or whose rates have not come down to zero yet, cost more than that.
 */
export class Estimation {
  readonly #rules: Rules;
  readonly #dataplane: Dataplane;
  /** By destination index: its activity at the last tick. */
  readonly #seen: Uint32Array;
  readonly #moving = new Set<Destination>();
  readonly #movingServices = new Set<Service>();

  constructor(rules: Rules, dataplane: Dataplane) {
    this.#rules = rules;
    this.#dataplane = dataplane;
    this.#seen = new Uint32Array(dataplane.limits.destinations);
  }

  /** Takes what was counted by now as counted long ago, so that a start is no burst. */
  begin(): void {
    this.#notice();
    for (const { estimator, index } of this.#moving) {
      estimator.skip(this.#dataplane.counters(index));
    }
    this.#moving.clear();
  }

  /** To be called every ESTIMATION_S. O(destinations), but cheap for those that stand still. */
  tick(): void {
    this.#notice();
    const counted = new Map<Service, Readonly<Counters>>();
    for (const destination of this.#moving) {
      const { service } = destination;
      const more = this.#sample(destination);
      if (service === undefined) continue;
      counted.set(service, sum(counted.get(service) ?? service.estimator.counted, more));
      this.#movingServices.add(service);
    }
    for (const service of this.#movingServices) {
      const { estimator } = service;
      estimator.sample(counted.get(service) ?? estimator.counted);
      if (estimator.isIdle || !this.#isThere(service)) this.#movingServices.delete(service);
    }
  }

  /** What was counted for a destination since the last tick. */
  #sample(destination: Destination): Readonly<Counters> {
    const { index, service, estimator } = destination;
    if (this.#rules.destinationAt[index] !== destination) {
      this.#moving.delete(destination);
      return NO_COUNTERS;
    }
    const counted = this.#dataplane.counters(index);
    // In the trash, rates stay as they are: a destination that comes back has them still.
    if (service?.find(destination) !== destination) return estimator.skip(counted);
    const more = estimator.sample(counted);
    if (estimator.isIdle) this.#moving.delete(destination);
    return more;
  }

  /** Adds those to the moving ones that the data plane has counted something for. */
  #notice(): void {
    const { destinationAt, destinationsEnd } = this.#rules;
    for (let index = 0; index < destinationsEnd; index++) {
      const activity = this.#dataplane.activity(index);
      if (activity === this.#seen[index]) continue;
      this.#seen[index] = activity;
      const destination = destinationAt[index];
      if (destination !== undefined) this.#moving.add(destination);
    }
  }

  #isThere(service: Service): boolean {
    return this.#rules.serviceAt[service.index] === service;
  }
}

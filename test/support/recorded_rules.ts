import type { Operation, ServiceId } from '../../ts/lvs/operation.ts';
import { addressOf } from './recorded_clients.ts';
import { destination, rule } from './rules.ts';

const MAKE = {
  add: rule.addDestination,
  edit: rule.editDestination,
  delete: rule.deleteDestination,
} as const;

/**
 * The change of a destination that a recorded event tells, as `add A 5 4 2`: its letter, weight,
 * upper and lower threshold. Throws where the event is none.
 */
export function recordedOperation(event: string, service: ServiceId): Operation {
  const [what = '', letter = '', ...numbers] = event.split(' ');
  if (!Object.hasOwn(MAKE, what)) throw new Error(`expected an event, received "${event}"`);
  const [weight = 0, upperThreshold = 0, lowerThreshold = 0] = numbers.map(Number);
  const address = addressOf(letter, service.family);
  const to = destination(1, { address, weight, upperThreshold, lowerThreshold });
  return MAKE[what as keyof typeof MAKE](to, service);
}

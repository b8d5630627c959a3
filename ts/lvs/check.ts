import { addressBytes, familyOf } from '../net/address.ts';
import { LvsError } from './error.ts';
import type { DestinationSpec, ServiceId, Timeouts } from './operation.ts';

/**
 * What is wrong with a rule in itself, whatever other rules there are: the kernel's checks, in
 * the kernel's order. What a message quotes was checked for its type by whoever read it.
 */

const MAX_WEIGHT = 2 ** 31 - 1;
const MAX_TIMEOUT_S = 31 * 86_400;

/** Throws LvsError INVALID or OUT_OF_RANGE unless the service could have such a destination. */
export function checkDestination(service: ServiceId, destination: DestinationSpec): void {
  const { address, weight, upperThreshold: upper = 0, lowerThreshold: lower = 0 } = destination;
  if (familyOf(address) !== service.family && destination.method !== 'tunnel') {
    const expected = `expected an IPv${service.family} address for destination`;
    throw new LvsError('INVALID', `${expected}, received ${address}`);
  }
  if (!Number.isInteger(weight) || weight < 0 || weight > MAX_WEIGHT) {
    const expected = `expected 0 to ${MAX_WEIGHT} for weight`;
    throw new LvsError('OUT_OF_RANGE', `${expected}, received ${weight}`);
  }
  if (lower > upper) {
    const expected = `expected up to ${upper}, the upper threshold, for the lower threshold`;
    throw new LvsError('OUT_OF_RANGE', `${expected}, received ${lower}`);
  }
}

/** Throws LvsError INVALID unless a real server can have the address. */
export function checkUnicast(address: string): void {
  const bytes = addressBytes(address);
  if (bytes.length === 4 ? isUnicast4(bytes) : isUnicast6(bytes)) return;
  throw new LvsError('INVALID', `expected a unicast address for destination, received ${address}`);
}

/** Throws LvsError INVALID unless every timeout is 0 (keep) to 31 days. */
export function checkTimeouts(timeouts: Timeouts): void {
  for (const [name, value] of Object.entries(timeouts)) {
    if (Number.isInteger(value) && value >= 0 && value <= MAX_TIMEOUT_S) continue;
    const expected = `expected 0 to ${MAX_TIMEOUT_S} for ${name}`;
    throw new LvsError('INVALID', `${expected}, received ${value}`);
  }
}

/** Not 0.0.0.0, 224.0.0.0/4 or 255.255.255.255. */
function isUnicast4(bytes: Uint8Array): boolean {
  const same = bytes.every((byte) => byte === bytes[0]);
  return !(same && (bytes[0] === 0 || bytes[0] === 255)) && bytes[0]! >> 4 !== 14;
}

/** Not ::, ff00::/8, fe80::/10 (which needs an interface) or ::ffff:0:0/96 (which is IPv4). */
function isUnicast6(bytes: Uint8Array): boolean {
  if (bytes[0] === 0xff) return false;
  if (bytes[0] === 0xfe && bytes[1]! >> 6 === 2) return false;
  if (bytes.subarray(0, 10).some((byte) => byte !== 0)) return true;
  if (bytes[10] === 0xff && bytes[11] === 0xff) return false;
  return bytes.subarray(10).some((byte) => byte !== 0);
}

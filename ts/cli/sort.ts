import type { DestinationView, ServiceView } from '../api/types.ts';
import { addressBytes } from '../net/address.ts';

/**
 * The order of ipvsadm's listings. It compares addresses by the sign of a 32-bit difference, so
 * that 200.0.0.1 comes before 10.0.0.1, and three addresses far apart may each come before the
 * next: only the same merge sort, begun from the same order, then ends with the same list.
 */

/** Services by family, protocol, address and port. */
export function sortServices(services: readonly ServiceView[]): ServiceView[] {
  return mergeSort(
    services,
    (a, b) => a.family - b.family || compareText(a.protocol, b.protocol) || compareEndpoints(a, b),
  );
}

/** Destinations by address and port. */
export function sortDestinations(destinations: readonly DestinationView[]): DestinationView[] {
  return mergeSort(destinations, compareEndpoints);
}

interface Endpoint {
  readonly address: string;
  readonly port: number;
}

function compareEndpoints(a: Endpoint, b: Endpoint): number {
  return compareAddresses(a.address, b.address) || a.port - b.port;
}

function compareAddresses(a: string, b: string): number {
  const words = (text: string) => new DataView(addressBytes(text).buffer);
  const [left, right] = [words(a), words(b)];
  for (let at = 0; at < left.byteLength; at += 4) {
    const difference = (left.getUint32(at) - right.getUint32(at)) | 0;
    if (difference !== 0) return difference;
  }
  return 0;
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}

/** The merge sort of glibc's qsort: the first half is the shorter one, ties keep their order. */
function mergeSort<T>(items: readonly T[], compare: (a: T, b: T) => number): T[] {
  if (items.length < 2) return [...items];
  const middle = Math.floor(items.length / 2);
  const left = mergeSort(items.slice(0, middle), compare);
  const right = mergeSort(items.slice(middle), compare);
  const merged: T[] = [];
  let [l, r] = [0, 0];
  while (l < left.length && r < right.length) {
    if (compare(left[l]!, right[r]!) <= 0) merged.push(left[l++]!);
    else merged.push(right[r++]!);
  }
  return [...merged, ...left.slice(l), ...right.slice(r)];
}

import type { DestinationView, ServiceView } from '../api/types.ts';
import { addressBytes } from '../net/address.ts';
import { markOf } from '../net/mark.ts';

/**
 * The order of ipvsadm's listings. It compares addresses by the sign of a 32-bit difference, so
 * that 200.0.0.1 comes before 10.0.0.1, and three addresses far apart may each come before the
 * next: only the same merge sort, begun from the same order, then ends with the same list.
 */

/** Services by firewall mark, 0 where they have none, then family, protocol, address and port. */
export function sortServices(services: readonly ServiceView[]): ServiceView[] {
  return sorted(
    services,
    (a, b) =>
      (markNumber(a.of) - markNumber(b.of)) | 0 ||
      a.of.family - b.of.family ||
      compareText(a.of.protocol, b.of.protocol) ||
      compareEndpoints(a, b),
  );
}

function markNumber({ protocol, address }: ServiceView): number {
  return protocol === 'fwm' ? markOf(address) : 0;
}

/** Destinations by address and port. */
export function sortDestinations(destinations: readonly DestinationView[]): DestinationView[] {
  return sorted(destinations, compareEndpoints);
}

/** Something to be sorted, and its address as words of 32 bits, which are looked at often. */
interface Sortable<T> {
  readonly of: T;
  readonly words: readonly number[];
}

interface Endpoint {
  readonly address: string;
  readonly port: number;
}

function sorted<T extends Endpoint>(
  items: readonly T[],
  compare: (a: Sortable<T>, b: Sortable<T>) => number,
): T[] {
  const sortable = items.map((of) => ({ of, words: wordsOf(of.address) }));
  return mergeSort(sortable, compare).map(({ of }) => of);
}

function wordsOf(address: string): readonly number[] {
  const bytes = addressBytes(address);
  const words: number[] = [];
  for (let at = 0; at < bytes.length; at += 4) {
    const high = (bytes[at]! << 24) | (bytes[at + 1]! << 16);
    words.push(high | (bytes[at + 2]! << 8) | bytes[at + 3]!);
  }
  return words;
}

function compareEndpoints(a: Sortable<Endpoint>, b: Sortable<Endpoint>): number {
  for (let i = 0; i < a.words.length; i++) {
    const difference = (a.words[i]! - b.words[i]!) | 0;
    if (difference !== 0) return difference;
  }
  return a.of.port - b.of.port;
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}

/** The merge sort of glibc's qsort: the first half is the shorter one, ties keep their order. */
function mergeSort<T>(items: readonly T[], compare: (a: T, b: T) => number): readonly T[] {
  if (items.length < 2) return items;
  const middle = Math.floor(items.length / 2);
  const left = mergeSort(items.slice(0, middle), compare);
  const right = mergeSort(items.slice(middle), compare);
  const merged: T[] = [];
  let [l, r] = [0, 0];
  while (l < left.length && r < right.length) {
    if (compare(left[l]!, right[r]!) <= 0) merged.push(left[l++]!);
    else merged.push(right[r++]!);
  }
  return merged.concat(left.slice(l), right.slice(r));
}

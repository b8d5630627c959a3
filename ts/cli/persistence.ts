import type { Persistence, ServiceSpec } from '../lvs/operation.ts';
import type { Family } from '../net/address.ts';
import { parseIpv4, parseNumber } from './endpoint.ts';
import { UsageError } from './messages.ts';

/** What -p and -M say of a service, and how listings say it. */

/** The longest timeout ipvsadm takes: 31 days. */
const maxTimeoutS = 86400 * 31;

/** ipvsadm(8) says so; ipvsadm 1.31 itself takes 360. */
const defaultTimeoutS = 300;

/** The masks of a single client, which are as good as none. */
const wholeAddress: Readonly<Record<Family, string>> = { 4: '255.255.255.255', 6: '128' };

/** Seconds from min to 31 days. Throws UsageError. */
export function parseTimeout(text: string, min: number): number {
  const seconds = parseNumber(text, min, maxTimeoutS);
  if (seconds === undefined) throw new UsageError(`invalid timeout value \`${text}' specified`);
  return seconds;
}

/** A mask of IPv4 in dots, or the length of an IPv6 prefix. Throws UsageError. */
export function parseNetmask(text: string, family: Family): string {
  if (family === 6) {
    const length = parseNumber(text, 1, 128);
    if (length !== undefined) return String(length);
    throw new UsageError('illegal ipv6 netmask specified');
  }
  const mask = parseIpv4(text);
  if (mask !== undefined) return mask;
  throw new UsageError('illegal virtual server persistent mask specified');
}

/** The persistence of a service for which -p was given, with what, and -M. */
export function toPersistence(
  family: Family,
  timeoutS: number | undefined,
  netmask: string | undefined,
): Persistence {
  const hasMask = netmask !== undefined && netmask !== wholeAddress[family];
  return { timeoutS: timeoutS ?? defaultTimeoutS, ...(hasMask && { netmask }) };
}

/** As listings show it: a blank and the rest of the line, or nothing. */
export function showPersistence({ persistence }: Pick<ServiceSpec, 'persistence'>): string {
  if (persistence === undefined) return '';
  const { timeoutS, netmask } = persistence;
  return ` persistent ${timeoutS}${netmask === undefined ? '' : ` mask ${netmask}`}`;
}

/** The same as options. */
export function savePersistence({ persistence }: Pick<ServiceSpec, 'persistence'>): string {
  if (persistence === undefined) return '';
  const { timeoutS, netmask } = persistence;
  return ` -p ${timeoutS}${netmask === undefined ? '' : ` -M ${netmask}`}`;
}

import { isIPv6 } from 'node:net';
import type { Family } from '../net/address.ts';
import { parseIpv4, parseNumber } from './endpoint.ts';
import { UsageError } from './messages.ts';
import type { OptionName } from './options.ts';

/**
 * Options that are read, and whose mistakes are told, as ipvsadm does, but that xlvs does not
 * carry out yet: a command line that is right in every other respect is refused because of them.
 */

/** The longest timeout ipvsadm takes: 31 days. */
export const maxTimeoutS = 86400 * 31;

/** The longest sync message: a datagram without its IP and UDP headers. */
const maxSyncLength = 65535 - 20 - 8;

/** Options whose value is a number: smallest, largest, and how a wrong one is refused. */
const numbers: Partial<Record<OptionName, readonly [number, number, string]>> = {
  syncid: [0, 255, 'illegal syncid specified'],
  'sync-maxlen': [1, maxSyncLength, 'illegal sync-maxlen specified'],
  'mcast-port': [1, 65535, 'illegal mcast-port specified'],
  'mcast-ttl': [1, 255, 'illegal mcast-ttl specified'],
  'tun-port': [1, 65535, 'illegal tunnel port specified'],
};

/** Throws UsageError where an option of these has a value that ipvsadm would not take. */
export function checkLaterValue(name: OptionName, value: string, family: Family): void {
  const range = numbers[name];
  if (range !== undefined) {
    const [min, max, refusal] = range;
    if (parseNumber(value, min, max) === undefined) throw new UsageError(refusal);
  } else if (name === 'persistent') {
    parseTimeout(value, 1);
  } else if (name === 'netmask') {
    checkNetmask(value, family);
  } else if (name === 'mcast-group') {
    checkGroup(value);
  } else if (name === 'tun-type' && !/^(ipip|gue|gre)$/.test(value)) {
    throw new UsageError('illegal tunnel type specified');
  }
}

/** Seconds from min to 31 days. Throws UsageError. */
export function parseTimeout(text: string, min: number): number {
  const seconds = parseNumber(text, min, maxTimeoutS);
  if (seconds === undefined) throw new UsageError(`invalid timeout value \`${text}' specified`);
  return seconds;
}

/** Throws UsageError where the value is no firewall mark. */
export function checkFirewallMark(text: string): void {
  if (parseNumber(text, 1, 2 ** 32 - 1) === undefined) {
    throw new UsageError(`invalid fwmark value \`${text}' specified`);
  }
}

function checkNetmask(value: string, family: Family): void {
  if (family === 6) {
    if (parseNumber(value, 1, 128) !== undefined) return;
    throw new UsageError('illegal ipv6 netmask specified');
  }
  if (parseIpv4(value) === undefined) {
    throw new UsageError('illegal virtual server persistent mask specified');
  }
}

function checkGroup(value: string): void {
  if (isIPv6(value)) {
    if (/^ff/i.test(value)) return;
    throw new UsageError(`invalid IPv6 mcast-group \`${value}'`);
  }
  const first = Number(parseIpv4(value)?.split('.')[0] ?? 0);
  if (first < 224 || first > 239) throw new UsageError(`invalid IPv4 mcast-group \`${value}'`);
}

import { isIPv6 } from 'node:net';
import { parseIpv4, parseNumber } from './endpoint.ts';
import { UsageError } from './messages.ts';
import type { OptionName } from './options.ts';

/**
 * Options that are read, and whose mistakes are told, as ipvsadm does, but that xlvs does not
 * carry out yet: a command line that is right in every other respect is refused because of them.
 */

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
export function checkLaterValue(name: OptionName, value: string): void {
  const range = numbers[name];
  if (range !== undefined) {
    const [min, max, refusal] = range;
    if (parseNumber(value, min, max) === undefined) throw new UsageError(refusal);
  } else if (name === 'mcast-group') {
    checkGroup(value);
  } else if (name === 'tun-type' && !/^(ipip|gue|gre)$/.test(value)) {
    throw new UsageError('illegal tunnel type specified');
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

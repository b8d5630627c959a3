import type { ConnectionView } from '../lvs/connection.ts';
import type { ServiceProtocol } from '../lvs/operation.ts';
import { addressBytes, familyOf } from '../net/address.ts';
import type { Names } from './names.ts';

/** How addresses and ports are written in a listing: address:port, IPv6 in brackets. */
export type Label = (
  address: string,
  port: number,
  protocol: ServiceProtocol | ConnectionView['protocol'],
) => Promise<string>;

/** Labels of numbers only. */
export const numericLabel: Label = async (address, port) =>
  `${bracketed(address, printedAddress(address))}:${port}`;

/** Labels with the names of hosts and services, where they have some. */
export function namedLabel(names: Names): Label {
  return async (address, port, protocol) => {
    const host = (await names.host(address)) ?? printedAddress(address);
    // By a mark ports have no names.
    const hasNames = protocol === 'tcp' || protocol === 'udp';
    const service = hasNames ? names.service(port, protocol) : undefined;
    return `${bracketed(address, host)}:${service ?? port}`;
  };
}

function bracketed(address: string, host: string): string {
  return familyOf(address) === 6 ? `[${host}]` : host;
}

/** An address as inet_ntop(3) writes it: IPv4-mapped IPv6 ends in dotted decimal. */
function printedAddress(address: string): string {
  if (!address.startsWith('::ffff:')) return address;
  return `::ffff:${addressBytes(address).slice(12).join('.')}`;
}

import { isIPv4, isIPv6 } from 'node:net';
import { type Address, parseAddress } from '../net/address.ts';
import type { NamedProtocol, Names } from './names.ts';

/** An address with or without a port, as ipvsadm reads it from `-t`, `-u` and `-r`. */
export interface Endpoint {
  readonly address: Address;
  readonly port?: number;
}

/** A decimal number from min to max as strtol reads it, or undefined. */
export function parseNumber(text: string, min: number, max: number): number | undefined {
  if (!/^[ \t\n\v\f\r]*[+-]?\d+$/.test(text)) return undefined;
  const number = Number(text);
  // Adding zero turns the -0 of "-0" into 0.
  return number >= min && number <= max ? number + 0 : undefined;
}

/**
 * The endpoint that a text names, or undefined. IPv6 with a port needs brackets, without one it
 * may not have them; a name is looked up for IPv4 only; a bare number is a port, never an
 * address; and a port behind a bracketed IPv4 address is not seen: all of it as ipvsadm does.
 */
export async function parseEndpoint(
  text: string,
  names: Names,
  protocol?: NamedProtocol,
): Promise<Endpoint | undefined> {
  if (text.startsWith('[')) return parseBracketed(text, names, protocol);
  if (isIPv6(text)) return addressOnly(parseAddress(text));
  const colon = text.indexOf(':');
  if (colon < 0) return /^\d+$/.test(text) ? undefined : addressOnly(await parseHost(text, names));
  return withPort(await parseHost(text.slice(0, colon), names), text.slice(colon + 1), {
    names,
    protocol,
  });
}

async function parseBracketed(
  text: string,
  names: Names,
  protocol: NamedProtocol | undefined,
): Promise<Endpoint | undefined> {
  const close = text.indexOf(']');
  if (close < 0 || text[close + 1] !== ':') return undefined;
  const inside = text.slice(1, close);
  if (!isIPv6(inside)) return addressOnly(await parseHost(inside, names));
  return withPort(parseAddress(inside), text.slice(close + 2), { names, protocol });
}

function addressOnly(address: Address | undefined): Endpoint | undefined {
  return address === undefined ? undefined : { address };
}

function withPort(
  address: Address | undefined,
  text: string,
  services: { readonly names: Names; readonly protocol: NamedProtocol | undefined },
): Endpoint | undefined {
  const port = parseNumber(text, 0, 65535) ?? namedPort(text, services.names, services.protocol);
  return address === undefined || port === undefined ? undefined : { address, port };
}

function namedPort(text: string, names: Names, protocol?: NamedProtocol): number | undefined {
  return protocol === undefined ? undefined : names.port(text, protocol);
}

/** An IPv4 address, spelled out or by name. */
async function parseHost(text: string, names: Names): Promise<Address | undefined> {
  const spelled = parseIpv4(text) ?? (text === '' ? undefined : await names.address(text));
  return spelled === undefined ? undefined : parseAddress(spelled);
}

/**
 * Dotted text in any form inet_aton(3) takes, as four decimal parts: one to four parts, decimal,
 * octal or hexadecimal, the last filling the bytes that are left; blanks and more may follow.
 */
export function parseIpv4(text: string): string | undefined {
  if (isIPv4(text)) return text;
  const parts = text.match(/^[^ \t\n\v\f\r]*/)![0].split('.');
  if (parts.length > 4 || !parts.every((part) => /^(0x[\da-f]*|0[0-7]*|[1-9]\d*)$/i.test(part))) {
    return undefined;
  }
  const numbers = parts.map((part) => Number(/^0\d/.test(part) ? `0o${part.slice(1)}` : part));
  const last = numbers.pop()!;
  if (numbers.some((byte) => byte > 255) || !(last < 256 ** (4 - numbers.length))) return undefined;
  const value = numbers.reduce((sum, byte, i) => sum + byte * 256 ** (3 - i), last);
  return [24, 16, 8, 0].map((shift) => Math.floor(value / 2 ** shift) % 256).join('.');
}

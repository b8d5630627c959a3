import { isIPv4, isIPv6, SocketAddress } from 'node:net';

/** Address family by the number that operators use for it. */
export type Family = 4 | 6;

/**
 * An address in its one canonical spelling: as inet_ntop writes it.
 * Canonical text compares with ===, so rules and tables use it as a key.
 */
export interface Address {
  readonly family: Family;
  readonly text: string;
}

/** The address that the text spells, or undefined where it spells none. */
export function parseAddress(text: string): Address | undefined {
  if (isIPv4(text)) return { family: 4, text };
  if (!isIPv6(text) || text.includes('%')) return undefined;
  return { family: 6, text: new SocketAddress({ address: text, family: 'ipv6' }).address };
}

/** The family of a canonical address text. */
export function familyOf(text: string): Family {
  return text.includes(':') ? 6 : 4;
}

/** The 4 or 16 bytes of a canonical address text, in network order. */
export function addressBytes(text: string): Uint8Array {
  if (familyOf(text) === 4) return bytes4(text);
  const [head = '', tail] = text.replace(/\d+\.\d+\.\d+\.\d+$/, hexGroups).split('::');
  const before = groups(head);
  const after = groups(tail ?? '');
  const zeros = new Array<number>(8 - before.length - after.length).fill(0);
  return Uint8Array.from(
    [...before, ...zeros, ...after].flatMap((group) => [group >> 8, group & 255]),
  );
}

/** The canonical text of 4 or 16 bytes in network order. */
export function addressText(bytes: Uint8Array): string {
  if (bytes.length === 4) return bytes.join('.');
  const text = Array.from({ length: 8 }, (_, i) =>
    (((bytes[2 * i] ?? 0) << 8) | (bytes[2 * i + 1] ?? 0)).toString(16),
  ).join(':');
  return new SocketAddress({ address: text, family: 'ipv6' }).address;
}

/** address:port as ipvsadm writes it, IPv6 in brackets. */
export function endpointText(address: string, port: number | string): string {
  return familyOf(address) === 6 ? `[${address}]:${port}` : `${address}:${port}`;
}

/** Digit by digit: rules come by the hundred thousand. */
function bytes4(text: string): Uint8Array {
  const bytes = new Uint8Array(4);
  let at = 0;
  for (let i = 0; i < text.length; i++) {
    const digit = text.charCodeAt(i) - ZERO;
    if (digit < 0) at += 1;
    else bytes[at] = bytes[at]! * 10 + digit;
  }
  return bytes;
}

const ZERO = '0'.charCodeAt(0);

function groups(text: string): number[] {
  return text === '' ? [] : text.split(':').map((group) => Number.parseInt(group, 16));
}

/** a.b.c.d at the end of an IPv6 address as its last two groups. */
function hexGroups(dotted: string): string {
  const [a = 0, b = 0, c = 0, d = 0] = dotted.split('.').map(Number);
  return `${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}`;
}

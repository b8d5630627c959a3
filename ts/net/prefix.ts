import { addressBytes, addressText, parseAddress } from './address.ts';

/**
 * The canonical text of a prefix: the address with its other bits zero, and the length. An address
 * alone is a prefix, too; IPv4 takes a mask in place of the length. Undefined for any other text.
 */
export function parsePrefix(text: string): string | undefined {
  const [spelled = '', length, ...more] = text.split('/');
  const address = parseAddress(spelled);
  if (address === undefined || more.length > 0) return undefined;
  const bytes = addressBytes(address.text);
  const bits = length === undefined ? 8 * bytes.length : lengthOf(length, bytes.length);
  if (bits === undefined) return undefined;
  const kept = bytes.map((byte, i) => byte & (0xff00 >> Math.min(8, Math.max(0, bits - 8 * i))));
  return `${addressText(kept)}/${bits}`;
}

/** Of digits, or of a mask without gaps. */
function lengthOf(text: string, size: number): number | undefined {
  if (/^\d{1,3}$/.test(text)) return Number(text) <= 8 * size ? Number(text) : undefined;
  const mask = parseAddress(text);
  if (mask?.family !== 4 || size !== 4) return undefined;
  const bits = [...addressBytes(mask.text)]
    .map((byte) => byte.toString(2).padStart(8, '0'))
    .join('');
  return /^1*0*$/.test(bits) ? bits.replaceAll('0', '').length : undefined;
}

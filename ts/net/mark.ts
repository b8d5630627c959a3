import { addressBytes, addressText, type Family } from './address.ts';

/**
 * The address that stands for a firewall mark, as LVS has it in connection templates: mark 8 is
 * 0.0.0.8, or 0:8::.
 */
export function markAddress(mark: number, family: Family): string {
  const bytes = new Uint8Array(family === 4 ? 4 : 16);
  new DataView(bytes.buffer).setUint32(0, mark);
  return addressText(bytes);
}

/** The firewall mark that an address stands for. */
export function markOf(address: string): number {
  const { buffer, byteOffset } = addressBytes(address);
  return new DataView(buffer, byteOffset).getUint32(0);
}

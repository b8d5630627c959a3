/** A TCP segment without data. Addresses are of 4 or 16 bytes, in network order. */
export interface Segment {
  readonly saddr: Uint8Array;
  readonly daddr: Uint8Array;
  readonly sport: number;
  readonly dport: number;
  readonly flags: number;
}

/** Bits of `Segment.flags`: RFC 9293 section 3.1. */
export const TCP_SYN = 0x02;
export const TCP_ACK = 0x10;

/** Bytes of a frame: its headers, zeros behind. FRAME_BYTES of bench/bpf/trampoline.bpf.c. */
export const FRAME_BYTES = 80;

const ETHERNET_BYTES = 14;
const ETHERTYPE = { ipv4: 0x0800, ipv6: 0x86dd } as const;
const TTL = 64;
const TCP = 6;

/** Writes the segment as an Ethernet frame of FRAME_BYTES bytes. */
export function writeFrame(to: DataView, segment: Segment): void {
  new Uint8Array(to.buffer, to.byteOffset, FRAME_BYTES).fill(0);
  const ipv4 = segment.saddr.length === 4;
  to.setUint16(12, ipv4 ? ETHERTYPE.ipv4 : ETHERTYPE.ipv6);
  const tcp = ipv4 ? writeIpv4(to, segment) : writeIpv6(to, segment);
  to.setUint16(tcp, segment.sport);
  to.setUint16(tcp + 2, segment.dport);
  to.setUint8(tcp + 12, 5 << 4); // header length in words
  to.setUint8(tcp + 13, segment.flags);
  // The director updates the transport checksum and never judges it: zero does as well.
}

/** RFC 791. Returns where the transport header starts. */
function writeIpv4(to: DataView, { saddr, daddr }: Segment): number {
  const at = ETHERNET_BYTES;
  to.setUint8(at, 0x45);
  to.setUint16(at + 2, FRAME_BYTES - at);
  to.setUint8(at + 8, TTL);
  to.setUint8(at + 9, TCP);
  writeBytes(to, at + 12, saddr);
  writeBytes(to, at + 16, daddr);
  to.setUint16(at + 10, checksum(to, at, 20));
  return at + 20;
}

/** RFC 8200. Returns where the transport header starts. */
function writeIpv6(to: DataView, { saddr, daddr }: Segment): number {
  const at = ETHERNET_BYTES;
  to.setUint8(at, 0x60);
  to.setUint16(at + 4, FRAME_BYTES - at - 40);
  to.setUint8(at + 6, TCP);
  to.setUint8(at + 7, TTL);
  writeBytes(to, at + 8, saddr);
  writeBytes(to, at + 24, daddr);
  return at + 40;
}

/** RFC 1071, over bytes whose own checksum is still zero. */
function checksum(view: DataView, at: number, bytes: number): number {
  let sum = 0;
  for (let i = 0; i < bytes; i += 2) sum += view.getUint16(at + i);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
  return ~sum & 0xffff;
}

/** Copies bytes into a view. */
export function writeBytes(to: DataView, at: number, bytes: Uint8Array): void {
  new Uint8Array(to.buffer, to.byteOffset + at, bytes.length).set(bytes);
}

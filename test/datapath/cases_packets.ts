import { readRecording } from '../support/recorded.ts';
import { connection, EGRESS, LINKS, type PacketCase, type Way, wayText } from './case.ts';

/** A packet and what came of it, in hexadecimal from the IP header on. */
interface Line extends Way {
  readonly name: string;
  readonly before: string;
  readonly after: string;
}

/** A packet that the kernel answered with an ICMP error. */
export interface RecordedError {
  readonly title: string;
  readonly before: string;
  readonly after: string;
  readonly error: 'unreachable' | 'ttl' | 'mtu';
  readonly mtu: number;
}

const lines = readRecording<Line | (Line & RecordedError)>('datapath/packets.jsonl');

/** Packets that end at the director with an error. */
export const RECORDED_ERRORS: readonly RecordedError[] = lines
  .filter((line) => 'error' in line)
  .map((line) => ({ ...line, title: `${line.error}, ${line.name}: ${wayText(line)}` }));

/** Packets of established connections. */
export const RECORDED_PACKETS: readonly PacketCase[] = lines
  .filter((line) => !('error' in line))
  .map((line) => {
    const bytes = line.before.length / 2;
    const incoming = line.direction === 'in';
    return {
      name: `${line.name}: ${wayText(line)}`,
      connection: connection(line),
      frame: framed(line.before, LINKS.arriving),
      verdict: incoming ? 'forwarded_in' : 'forwarded_out',
      out: framed(ours(line), LINKS[line.direction]),
      egress: EGRESS[line.direction],
      counters: incoming ? { inPackets: 1, inBytes: bytes } : { outPackets: 1, outBytes: bytes },
    };
  });

/**
 * The one difference. The kernel gives a datagram that came without a checksum one of its own;
 * here it stays without, since XDP does not read whole packets.
 */
function ours({ name, family, after }: Line): string {
  if (name !== 'no checksum') return after;
  const at = 2 * ((family === 4 ? 20 : 40) + 6);
  return `${after.slice(0, at)}0000${after.slice(at + 4)}`;
}

/** A recorded packet behind an Ethernet header, with VLAN tags where there are any. */
export function framed(
  packet: string,
  { target, source }: typeof LINKS.in,
  tags: readonly number[] = [],
): Uint8Array {
  const type = packet.startsWith('4') ? [0x08, 0x00] : [0x86, 0xdd];
  const between = tags.flatMap((tag) => [0x81, 0, tag >> 8, tag & 255]);
  return Uint8Array.of(...target, ...source, ...between, ...type, ...Buffer.from(packet, 'hex'));
}

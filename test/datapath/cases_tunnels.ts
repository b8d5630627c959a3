import type { Tunnel } from '../../ts/lvs/operation.ts';
import { readRecording } from '../support/recorded.ts';
import {
  type ConnectionCase,
  connection,
  EGRESS,
  type Family,
  LINKS,
  type PacketCase,
  type Protocol,
} from './case.ts';
import { framed, type RecordedError } from './cases_packets.ts';

/** The recording of packets in tunnels, made by the scenario beside it. */
export const TUNNELS_RECORDING = 'datapath/tunnels.jsonl';

/** A packet and what came of it, in hexadecimal from the IP header on. */
interface Line {
  readonly name: string;
  readonly family: Family;
  readonly outer: Family;
  readonly protocol: Protocol;
  readonly tunnel: string;
  readonly settings?: { readonly pmtu_disc: number };
  readonly mtu?: number;
  readonly error?: 'mtu';
  readonly before: string;
  readonly after: string;
}

const gue = { type: 'gue', port: 6080 } as const;
const TUNNELS: Readonly<Record<string, Tunnel | undefined>> = {
  ipip: undefined,
  gue: { ...gue, checksum: 'none' },
  'gue csum': { ...gue, checksum: 'full' },
  'gue remcsum': { ...gue, checksum: 'remote' },
  gre: { type: 'gre', checksum: 'none' },
  'gre csum': { type: 'gre', checksum: 'full' },
};

const lines = readRecording<Line>(TUNNELS_RECORDING);
const whole = lines.filter(({ error }) => error === undefined);
const tooLong = lines.filter(({ error }) => error !== undefined);

/** Packets that no tunnel takes. */
export const TUNNEL_ERRORS: readonly RecordedError[] = tooLong.map((line) => ({
  title: title(line),
  before: line.before,
  after: line.after,
  error: 'mtu',
  mtu: line.mtu!,
}));

const forwarded = whole.map((line) => tunnelled(line));
const plain = whole.filter(({ name, settings }) => name === 'plain' && settings === undefined);
const tagged = plain.flatMap((line) => [tunnelled(line, [10]), tunnelled(line, [100, 10])]);

const raised = tooLong.map((line): PacketCase => {
  const frame = framed(line.before, LINKS.arriving);
  const name = `too long: ${title(line)}`;
  return { name, connection: through(line), frame, verdict: 'raised_mtu' };
});

/** A datagram opens its connection. */
const opened = plain
  .filter(({ protocol }) => protocol === 'udp')
  .map((line): PacketCase => {
    const { connection: to, ...rest } = tunnelled(line);
    return {
      ...rest,
      name: `new: ${title(line)}`,
      ring: { ...to!, tickets: ['accepting'] },
      counters: { connections: 1, inPackets: 1, inBytes: line.before.length / 2 },
      state: 'udp',
      opens: true,
      taken: 1,
    };
  });

const removed = plain.map(
  (line): PacketCase => ({
    ...tunnelled(line),
    name: `destination removed: ${title(line)}`,
    connection: { ...through(line), removed: true },
    verdict: 'dropped_destination_removed',
    out: framed(line.before, LINKS.arriving),
    egress: 0,
    counters: {},
  }),
);

/** Packets that leave by tunnels, and those that are too long for them. */
export const TUNNELLED: readonly PacketCase[] = [
  ...forwarded,
  ...tagged,
  ...raised,
  ...opened,
  ...removed,
];

function tunnelled(line: Line, tags: readonly number[] = []): PacketCase {
  const bytes = line.before.length / 2;
  return {
    name: `${title(line)}${tags.map((tag) => `, tag ${tag}`).join('')}`,
    ...(line.settings && { settings: line.settings }),
    connection: through(line),
    frame: framed(line.before, LINKS.arriving, tags),
    verdict: 'forwarded_in',
    out: framed(ours(line), LINKS.in, tags),
    egress: EGRESS.in,
    counters: { inPackets: 1, inBytes: bytes },
  };
}

function through({ family, protocol, outer, tunnel, mtu }: Line): ConnectionCase {
  const to = TUNNELS[tunnel];
  return {
    ...connection({ family, protocol, method: 'route', direction: 'in' }),
    method: 'tunnel',
    tunnel: { family: outer, ...(to && { tunnel: to }) },
    ...(mtu && { mtu }),
  };
}

function title({ name, family, outer, protocol, tunnel, settings }: Line): string {
  const set = settings ? ', pmtu_disc 0' : '';
  return `${name}: IPv${family} ${protocol.toUpperCase()} in IPv${outer}, ${tunnel}${set}`;
}

/** What is recorded, with our own choice of what the kernel makes up. */
function ours(line: Line): string {
  const after = Buffer.from(line.after, 'hex');
  const { id, port } = choices(line);
  const isIpv4 = after[0]! >> 4 === 4;
  if (isIpv4 && (after[6]! & 0x40) === 0) {
    after.writeUInt16BE(id, 4);
    addToSum(after, 10, id);
  }
  if (!line.tunnel.startsWith('gue')) return after.toString('hex');
  const udp = isIpv4 ? 20 : 40;
  after.writeUInt16BE(port, udp);
  if (after.readUInt16BE(udp + 6) !== 0) addToSum(after, udp + 6, port);
  return after.toString('hex');
}

/** Identification and source port by the flow, a multiplicative hash, and by the packet. */
function choices({ before, protocol }: Line): { readonly id: number; readonly port: number } {
  const packet = Buffer.from(before, 'hex');
  const isIpv4 = packet[0]! >> 4 === 4;
  const word = (at: number) => packet.readBigUInt64LE(at);
  const extensions = !isIpv4 && packet[6] === 60 ? 8 : 0;
  const transport = isIpv4 ? (packet[0]! & 15) * 4 : 40 + extensions;
  const addresses = isIpv4 ? word(12) : word(8) ^ word(16) ^ word(24) ^ word(32);
  const ends = addresses ^ (BigInt(packet.readUInt32LE(transport)) << 16n);
  const number = BigInt.asUintN(64, ends * 0x9e3779b97f4a7c15n) >> 32n;
  const checksum = packet.readUInt16BE(transport + (protocol === 'tcp' ? 16 : 6));
  const own = isIpv4 ? packet.readUInt16BE(4) : 0;
  const low = Number(number & 0xffffn);
  const swapped = ((low & 0xff) << 8) | (low >> 8);
  return { id: swapped ^ checksum ^ own, port: 32768 + Number((number * 28232n) >> 32n) };
}

/** A word that was 0 has another value now. */
function addToSum(packet: Buffer, at: number, value: number): void {
  const sum = (~packet.readUInt16BE(at) & 0xffff) + value;
  packet.writeUInt16BE(~((sum & 0xffff) + (sum >> 16)) & 0xffff, at);
}

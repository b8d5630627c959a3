import { addressBytes, addressText } from '../../ts/net/address.ts';
import { checksum, eth, type Frame, PROTOCOL } from './packet.ts';

/** What a TCP segment says; what is left out is zero or empty. */
export interface Tcp {
  readonly from: string;
  readonly to: string;
  readonly ports: readonly [from: number, to: number];
  readonly flags: string;
  readonly sequence: number;
  readonly acknowledgement: number;
  readonly window: number;
  readonly options: readonly TcpOption[];
  readonly data: string;
}

/** An option by its name; RFC 9293 section 3.2, RFC 7323, RFC 2018. */
export type TcpOption =
  | readonly ['nop']
  | readonly ['mss', number]
  | readonly ['scale', number]
  | readonly ['sackPermitted']
  | readonly ['sack', ...edges: number[]]
  | readonly ['timestamps', value: number, echo: number];

/** A frame as it was read, with whether its checksums are right. */
export interface ReadFrame extends Tcp {
  readonly targetMac: string;
  readonly sourceMac: string;
  readonly ttl: number;
  readonly headerChecksum: boolean;
  readonly checksum: boolean;
}

const FLAGS = 'FSRPAUEC';
const KINDS = { nop: 1, mss: 2, scale: 3, sackPermitted: 4, sack: 5, timestamps: 8 } as const;

/** The segment in a frame; `frame` has the IP header already when it is not plain. */
export function tcpFrame(tcp: Partial<Tcp> & Pick<Tcp, 'from' | 'to'>, frame?: Frame): Uint8Array {
  const network = frame ?? ipFrame(tcp.from, tcp.to);
  const segment = segmentBytes(tcp);
  const sum = checksum(Uint8Array.from([...pseudo(tcp.from, tcp.to, segment.length), ...segment]));
  new DataView(segment.buffer).setUint16(16, sum);
  return network.payload(PROTOCOL.tcp, segment).bytes();
}

function ipFrame(from: string, to: string): Frame {
  const link = { target: Uint8Array.of(2, 0, 0, 0, 0, 1), source: Uint8Array.of(2, 0, 0, 0, 0, 2) };
  return from.includes(':') ? eth(link).ip6(from, to) : eth(link).ip4(from, to);
}

function segmentBytes(tcp: Partial<Tcp>): Uint8Array {
  const options = (tcp.options ?? []).flatMap(optionBytes);
  while (options.length % 4 !== 0) options.push(0);
  const data = new TextEncoder().encode(tcp.data ?? '');
  const bytes = new Uint8Array(20 + options.length + data.length);
  const view = new DataView(bytes.buffer);
  const [from, to] = tcp.ports ?? [0, 0];
  view.setUint16(0, from);
  view.setUint16(2, to);
  view.setUint32(4, tcp.sequence ?? 0);
  view.setUint32(8, tcp.acknowledgement ?? 0);
  bytes[12] = (20 + options.length) << 2;
  bytes[13] = [...(tcp.flags ?? '')].reduce((bits, flag) => bits | (1 << FLAGS.indexOf(flag)), 0);
  view.setUint16(14, tcp.window ?? 0);
  bytes.set(options, 20);
  bytes.set(data, 20 + options.length);
  return bytes;
}

function optionBytes([name, ...values]: TcpOption): number[] {
  const kind = KINDS[name];
  if (name === 'nop') return [kind];
  const width = { mss: 2, scale: 1, sackPermitted: 0, sack: 4, timestamps: 4 }[name];
  const bytes = (values as number[]).flatMap((value) =>
    Array.from({ length: width }, (_, i) => (value >>> ((width - 1 - i) * 8)) & 255),
  );
  return [kind, bytes.length + 2, ...bytes];
}

/** Reads a frame that its headers alone describe: what is behind the packet is not looked at. */
export function readFrame(frame: Uint8Array): ReadFrame {
  const view = new DataView(frame.buffer, frame.byteOffset, frame.length);
  let at = 12;
  while (view.getUint16(at) === 0x8100 || view.getUint16(at) === 0x88a8) at += 4;
  at += 2;
  const six = frame[at]! >> 4 === 6;
  const ip = six ? readIp6(frame, at) : readIp4(frame, at);
  const segment = frame.subarray(ip.payloadAt, ip.end);
  const sum = checksum(Uint8Array.from([...pseudo(ip.from, ip.to, segment.length), ...segment]));
  const { payloadAt, end, ...network } = ip;
  return {
    ...network,
    ...readSegment(segment),
    targetMac: mac(frame.subarray(0, 6)),
    sourceMac: mac(frame.subarray(6, 12)),
    checksum: sum === 0,
  };
}

function readIp4(frame: Uint8Array, at: number) {
  const length = (frame[at]! & 15) * 4;
  return {
    from: addressText(frame.slice(at + 12, at + 16)),
    to: addressText(frame.slice(at + 16, at + 20)),
    ttl: frame[at + 8]!,
    headerChecksum: checksum(frame.subarray(at, at + length)) === 0,
    payloadAt: at + length,
    end: at + ((frame[at + 2]! << 8) | frame[at + 3]!),
  };
}

function readIp6(frame: Uint8Array, at: number) {
  let next = frame[at + 6]!;
  let payloadAt = at + 40;
  while (next !== PROTOCOL.tcp) {
    next = frame[payloadAt]!;
    payloadAt += (frame[payloadAt + 1]! + 1) * 8;
  }
  return {
    from: addressText(frame.slice(at + 8, at + 24)),
    to: addressText(frame.slice(at + 24, at + 40)),
    ttl: frame[at + 7]!,
    headerChecksum: true,
    payloadAt,
    end: at + 40 + ((frame[at + 4]! << 8) | frame[at + 5]!),
  };
}

function readSegment(segment: Uint8Array) {
  const view = new DataView(segment.buffer, segment.byteOffset, segment.length);
  const length = (segment[12]! >> 4) * 4;
  return {
    ports: [view.getUint16(0), view.getUint16(2)] as const,
    sequence: view.getUint32(4),
    acknowledgement: view.getUint32(8),
    flags: [...FLAGS].filter((_, bit) => segment[13]! & (1 << bit)).join(''),
    window: view.getUint16(14),
    options: readOptions(new DataView(segment.buffer, segment.byteOffset + 20, length - 20)),
    data: new TextDecoder().decode(segment.subarray(length)),
  };
}

/** The options without their padding. */
function readOptions(view: DataView): TcpOption[] {
  const options: TcpOption[] = [];
  for (let at = 0; at < view.byteLength && view.getUint8(at) !== 0; ) {
    const kind = view.getUint8(at);
    if (kind === KINDS.mss) options.push(['mss', view.getUint16(at + 2)]);
    if (kind === KINDS.scale) options.push(['scale', view.getUint8(at + 2)]);
    if (kind === KINDS.sackPermitted) options.push(['sackPermitted']);
    if (kind === KINDS.timestamps)
      options.push(['timestamps', view.getUint32(at + 2), view.getUint32(at + 6)]);
    if (kind === KINDS.sack) options.push(['sack', ...edges(view, at)]);
    at += kind === KINDS.nop ? 1 : view.getUint8(at + 1);
  }
  return options;
}

function edges(view: DataView, at: number): number[] {
  const count = (view.getUint8(at + 1) - 2) / 4;
  return Array.from({ length: count }, (_, i) => view.getUint32(at + 2 + 4 * i));
}

function pseudo(from: string, to: string, length: number): number[] {
  return [...addressBytes(from), ...addressBytes(to), 0, PROTOCOL.tcp, length >> 8, length & 255];
}

function mac(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}

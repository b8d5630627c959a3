/**
 * Capture files that Wireshark, tshark and tcpdump read: blocks of the pcapng format.
 *
 *   section header, interface description…, enhanced packet…
 *
 * Every block is its type, its length, a body and its length again; options are a code, a length
 * and a value, padded to 4 bytes. Source: IETF draft-ietf-opsawg-pcapng.
 */

const BLOCK = { section: 0x0a0d0d0a, interface: 1, statistics: 5, packet: 6 } as const;
const MAGIC = 0x1a2b3c4d;
const LINK_ETHERNET = 1;

const OPTION = {
  end: 0,
  comment: 1,
  interfaceName: 2,
  flags: 2,
  application: 4,
  packetId: 5,
  lostByOs: 7,
  resolution: 9,
} as const;
const NANOSECONDS = 9;
const LOW_WORD = 0xffff_ffffn;

/** The flags of a packet say which way its frame went. */
const DIRECTION = { inbound: 1, outbound: 2 } as const;

/** One frame of a file. */
export interface PcapPacket {
  /** Number of its interface, in the order of their descriptions, from 0. */
  readonly interfaceId: number;
  /** Since the epoch. */
  readonly timeNs: bigint;
  /** Of the whole frame, of which `bytes` may be the beginning only. */
  readonly length: number;
  readonly bytes: Uint8Array;
  readonly direction: keyof typeof DIRECTION;
  readonly comment: string;
  /** The same for every frame of one packet: as it came and as it left. */
  readonly packetId: number;
}

/** Room at first; it grows with the largest batch. */
const ROOM = 1 << 16;

/** Writes blocks, a batch of them into one buffer: there may be hundred thousands a second. */
export class PcapWriter {
  #buffer = Buffer.alloc(ROOM);
  #end = 0;
  /** Where the block at hand begins. */
  #start = 0;

  /** The blocks written since the last time. */
  take(): Uint8Array {
    const taken = new Uint8Array(this.#buffer.subarray(0, this.#end)); // a copy
    this.#end = 0;
    return taken;
  }

  /** What each file begins with. */
  section(application: string): void {
    this.#begin(BLOCK.section, 16 + application.length);
    this.#word(MAGIC);
    this.#word(1); // version 1.0
    this.#word(0xffff_ffff); // a length that nobody knows yet
    this.#word(0xffff_ffff);
    this.#text(OPTION.application, application);
    this.#finish();
  }

  /** An Ethernet interface; the first one described is number 0. */
  interface(name: string, snapLength: number): void {
    this.#begin(BLOCK.interface, 16 + name.length);
    this.#word(LINK_ETHERNET);
    this.#word(snapLength);
    this.#text(OPTION.interfaceName, name);
    this.#option(OPTION.resolution, 1);
    this.#word(NANOSECONDS);
    this.#finish();
  }

  packet(packet: PcapPacket): void {
    const { bytes, comment, timeNs, packetId } = packet;
    this.#begin(BLOCK.packet, 48 + bytes.length + comment.length);
    this.#word(packet.interfaceId);
    this.#time(timeNs);
    this.#word(bytes.length);
    this.#word(packet.length);
    this.#buffer.set(bytes, this.#end);
    this.#pad(bytes.length);
    this.#text(OPTION.comment, comment);
    this.#option(OPTION.flags, 4);
    this.#word(DIRECTION[packet.direction]);
    this.#option(OPTION.packetId, 8);
    this.#word(packetId >>> 0);
    this.#word(Math.floor(packetId / 2 ** 32));
    this.#finish();
  }

  /** How many packets were lost up to now, said of an interface; the last such block holds. */
  statistics(interfaceId: number, timeNs: bigint, lost: bigint): void {
    this.#begin(BLOCK.statistics, 24);
    this.#word(interfaceId);
    this.#time(timeNs);
    this.#option(OPTION.lostByOs, 8);
    this.#word(Number(lost & LOW_WORD));
    this.#word(Number(lost >> 32n));
    this.#finish();
  }

  /** Begins a block of about this length. */
  #begin(type: number, length: number): void {
    const needed = this.#end + length + 64;
    if (needed > this.#buffer.length) {
      const larger = Buffer.alloc(needed * 2);
      larger.set(this.#buffer.subarray(0, this.#end));
      this.#buffer = larger;
    }
    this.#start = this.#end;
    this.#word(type);
    this.#word(0); // the length, written at last
  }

  #finish(): void {
    this.#option(OPTION.end, 0);
    const length = this.#end + 4 - this.#start;
    this.#word(length);
    this.#buffer.writeUInt32LE(length, this.#start + 4);
  }

  #word(value: number): void {
    this.#end = this.#buffer.writeUInt32LE(value, this.#end);
  }

  /** The upper half comes first, whatever the byte order. */
  #time(timeNs: bigint): void {
    this.#word(Number(timeNs >> 32n));
    this.#word(Number(timeNs & LOW_WORD));
  }

  #option(code: number, length: number): void {
    this.#word(code | (length << 16));
  }

  #text(code: number, text: string): void {
    this.#option(code, text.length);
    this.#buffer.write(text, this.#end, 'latin1');
    this.#pad(text.length);
  }

  /** Behind so many bytes: zeros up to the next word. */
  #pad(length: number): void {
    const end = this.#end + padded(length);
    this.#buffer.fill(0, this.#end + length, end);
    this.#end = end;
  }
}

function padded(length: number): number {
  return (length + 3) & ~3;
}

/** A block of a file, as it stands there and, where it is one of the above, as it was meant. */
export type PcapBlock = { readonly raw: Uint8Array } & (
  | { readonly kind: 'interface'; readonly name: string }
  | ({ readonly kind: 'packet' } & PcapPacket)
  | { readonly kind: 'statistics'; readonly lost: bigint }
  | { readonly kind: 'other' }
);

/** Finds the blocks of this file's own writing in a stream of bytes. */
export class PcapReader {
  #rest = Buffer.alloc(0);

  /** The blocks that are complete with these further bytes. */
  *read(chunk: Uint8Array): Generator<PcapBlock> {
    this.#rest = Buffer.concat([this.#rest, chunk]);
    let at = 0;
    while (this.#rest.length - at >= 12) {
      const length = this.#rest.readUInt32LE(at + 4);
      if (this.#rest.length - at < length) break;
      yield decode(this.#rest.subarray(at, at + length));
      at += length;
    }
    this.#rest = this.#rest.subarray(at);
  }
}

function decode(raw: Buffer): PcapBlock {
  switch (raw.readUInt32LE(0)) {
    case BLOCK.interface:
      return { raw, kind: 'interface', name: optionOf(raw, 16, OPTION.interfaceName).toString() };
    case BLOCK.statistics:
      return {
        raw,
        kind: 'statistics',
        lost: optionOf(raw, 20, OPTION.lostByOs).readBigUInt64LE(),
      };
    case BLOCK.packet:
      return { raw, kind: 'packet', ...decodePacket(raw) };
    default:
      return { raw, kind: 'other' };
  }
}

function decodePacket(raw: Buffer): PcapPacket {
  const kept = raw.readUInt32LE(20);
  const options = 28 + padded(kept);
  const isOutbound = optionOf(raw, options, OPTION.flags).readUInt32LE() === DIRECTION.outbound;
  return {
    interfaceId: raw.readUInt32LE(8),
    timeNs: (BigInt(raw.readUInt32LE(12)) << 32n) | BigInt(raw.readUInt32LE(16)),
    length: raw.readUInt32LE(24),
    bytes: raw.subarray(28, 28 + kept),
    direction: isOutbound ? 'outbound' : 'inbound',
    comment: optionOf(raw, options, OPTION.comment).toString(),
    packetId: Number(optionOf(raw, options, OPTION.packetId).readBigUInt64LE()),
  };
}

/** The value of an option among those from `at` on. */
function optionOf(raw: Buffer, at: number, code: number): Buffer {
  while (at + 8 <= raw.length) {
    const found = raw.readUInt16LE(at);
    const length = raw.readUInt16LE(at + 2);
    if (found === code) return raw.subarray(at + 4, at + 4 + length);
    if (found === OPTION.end) break;
    at += 4 + padded(length);
  }
  throw new Error(`expected option ${code} in a pcapng block, received none`);
}

import { execFileSync, spawnSync } from 'node:child_process';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type PcapBlock, type PcapPacket, PcapReader, PcapWriter } from '../../ts/net/pcapng.ts';
import { eth } from '../support/packet.ts';

const packet: fc.Arbitrary<PcapPacket> = fc
  .record({
    interfaceId: fc.nat(3),
    timeNs: fc.bigInt(0n, 2n ** 63n),
    bytes: fc.uint8Array({ maxLength: 300 }),
    cut: fc.nat(9000),
    direction: fc.constantFrom('inbound', 'outbound'),
    comment: fc.string({ maxLength: 40 }),
    packetId: fc.maxSafeNat(),
  })
  .map(({ cut, ...rest }) => ({ ...rest, length: rest.bytes.length + cut }));

/** The blocks of a file that comes in pieces. */
function read(file: Uint8Array, pieceBytes: number): PcapBlock[] {
  const reader = new PcapReader();
  const blocks: PcapBlock[] = [];
  for (let at = 0; at < file.length; at += pieceBytes) {
    blocks.push(...reader.read(file.subarray(at, at + pieceBytes)));
  }
  return blocks;
}

test('what was written is read, however it is cut into pieces', () => {
  fc.assert(
    fc.property(
      fc.array(packet),
      fc.bigInt(0n, 2n ** 64n - 1n),
      fc.integer({ min: 1, max: 999 }),
      (packets, lost, pieceBytes) => {
        const writer = new PcapWriter();
        writer.section('xlvs');
        writer.interface('eth0.100', 256);
        for (const each of packets) writer.packet(each);
        writer.statistics(0, 7n, lost);
        const file = writer.take();

        const blocks = read(file, pieceBytes);
        expect(Buffer.concat(blocks.map(({ raw }) => raw)).equals(file)).toBe(true);
        expect(blocks.map(({ raw, ...block }) => block)).toEqual([
          { kind: 'other' },
          { kind: 'interface', name: 'eth0.100' },
          ...packets.map((each) => ({ kind: 'packet', ...each, bytes: Buffer.from(each.bytes) })),
          { kind: 'statistics', lost },
        ]);
      },
    ),
  );
});

test('a batch is taken once, and may be larger than any before', () => {
  const writer = new PcapWriter();
  const many = Array.from({ length: 50 }, () => ({
    interfaceId: 0,
    timeNs: 0n,
    length: 9000,
    bytes: new Uint8Array(9000),
    direction: 'inbound' as const,
    comment: '',
    packetId: 0,
  }));
  for (const each of many) writer.packet(each);
  expect(read(writer.take(), 1 << 20)).toHaveLength(50);
  expect(writer.take()).toHaveLength(0);
});

const hasTcpdump = spawnSync('tcpdump', ['--version']).status === 0;

test.runIf(hasTcpdump)('tcpdump reads the file: times, lengths, frames', () => {
  const frame = eth().ip4('198.51.100.7', '192.0.2.1').tcp(40_000, 80, 'S').bytes();
  const writer = new PcapWriter();
  writer.section('xlvs');
  writer.interface('eth0', 256);
  writer.packet({
    interfaceId: 0,
    timeNs: 1_700_000_000_123_456_789n,
    length: frame.length + 1000,
    bytes: frame,
    direction: 'inbound',
    comment: 'received: forwarded_in',
    packetId: 0,
  });
  writer.statistics(0, 0n, 1n);
  const args = ['-n', '-tt', '-e', '--time-stamp-precision=nano', '-r', '-'];
  const text = execFileSync('tcpdump', args, { input: writer.take(), stdio: 'pipe' }).toString();
  expect(text).toMatch(/^1700000000\.123456789 .* IPv4 .* length 1054: /);
  expect(text).toContain('198.51.100.7.40000 > 192.0.2.1.80: Flags [S]');
});

import { expect, test } from 'vitest';
import { type CaptureStreamOptions, captureStream } from '../../ts/daemon/capture_stream.ts';
import type { CapturedPacket } from '../../ts/dataplane/capture.ts';
import { type PcapBlock, PcapReader } from '../../ts/net/pcapng.ts';
import { FakeClock } from '../support/fake_clock.ts';

const frame = (ifindex: number, size = 60) => {
  return { ifindex, length: 1500, bytes: new Uint8Array(size) };
};
const forwarded: CapturedPacket = {
  timeNs: 20n,
  verdict: 'forwarded_in',
  received: frame(2),
  sent: frame(3),
};
const dropped: CapturedPacket = { timeNs: 10n, verdict: 'dropped_ttl', received: frame(2) };

/** A stream over packets that a test hands in. */
function capture(options: Partial<CaptureStreamOptions> = {}) {
  const clock = new FakeClock();
  const packets: CapturedPacket[] = [];
  const state = { on: false, lost: 0n, snapLength: 256 };
  const stream = captureStream({
    filter: '',
    snapLength: 256,
    clock,
    capture: {
      ...state,
      begin: () => {
        state.on = true;
      },
      end: () => {
        state.on = false;
      },
      *read() {
        yield* packets.splice(0);
      },
      get lost() {
        return state.lost;
      },
    },
    nameOf: (ifindex) => (ifindex === 2 ? 'eth0' : undefined),
    ...options,
  });
  const reader = new PcapReader();
  const taken = (): PcapBlock[] => {
    const bytes: Uint8Array | null = stream.read();
    return bytes === null ? [] : [...reader.read(bytes)];
  };
  return { stream, clock, packets, state, taken };
}

test('a packet is a frame as it came and one as it left, of one id', () => {
  const { clock, packets, taken } = capture();
  expect(taken()).toMatchObject([{ kind: 'other' }]); // the file's head, at once
  packets.push(forwarded, dropped);
  clock.advance(100);
  expect(taken()).toMatchObject([
    { kind: 'interface', name: 'eth0' },
    { direction: 'inbound', interfaceId: 0, comment: 'received: dropped_ttl', packetId: 0 },
    { direction: 'inbound', interfaceId: 0, comment: 'received: forwarded_in', packetId: 1 },
    { kind: 'interface', name: 'if3' },
    { direction: 'outbound', interfaceId: 1, comment: 'sent: forwarded_in', packetId: 1 },
  ]);
});

test('losses are told when there are more', () => {
  const { clock, packets, state, taken } = capture();
  packets.push(dropped);
  state.lost = 3n;
  clock.advance(100);
  expect(taken().at(-1)).toMatchObject({ kind: 'statistics', lost: 3n });
  clock.advance(100);
  expect(taken()).toEqual([]);
});

test('after as many packets as were asked for it ends, and so does the capture', async () => {
  const { stream, clock, packets, state, taken } = capture({ count: 2 });
  packets.push(dropped, forwarded, { ...dropped, timeNs: 30n });
  clock.advance(100);
  expect(taken().filter(({ kind }) => kind === 'packet')).toHaveLength(3);
  for await (const _ of stream) expect.unreachable();
  expect(state.on).toBe(false);
});

test('it lasts until nobody reads it any more', async () => {
  const { stream, clock, state } = capture();
  clock.advance(10_000);
  expect(state.on).toBe(true);
  stream.destroy();
  await new Promise(setImmediate);
  expect(state.on).toBe(false);
});

test('a reader that is too slow leaves packets where they are', () => {
  const { clock, packets, taken } = capture();
  for (let i = 0; i < 100; i++) {
    packets.push({ ...dropped, received: frame(2, 65_536) });
    clock.advance(100);
  }
  expect(packets.length).toBeGreaterThan(50);
  while (packets.length > 0) {
    taken();
    clock.advance(100);
  }
});

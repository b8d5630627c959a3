import { describe, expect, test } from 'vitest';
import { Capture } from '../../ts/dataplane/capture.ts';
import { VERDICT_NAMES } from '../../ts/dataplane/encoding.ts';
import { Captured, Capture as CaptureStruct, Limits, Settings } from '../../ts/native/abi.gen.ts';

/** A capture over plain memory, and the records that it finds. */
function capture() {
  const memory: Readonly<Record<string, ArrayBuffer>> = {
    settings: new ArrayBuffer(Settings.size),
    capture: new ArrayBuffer(CaptureStruct.size),
  };
  const settings = new DataView(memory.settings!);
  const wanted = new DataView(memory.capture!);
  const records: Uint8Array[] = [];
  const object = { map: (name: string) => ({ mmap: () => memory[name]! }) as never };
  const make = () =>
    new Capture(object, { readCaptured: () => Uint8Array.from(records.flatMap((r) => [...r])) });
  return { make, settings, wanted, records };
}

/** A struct captured with its frames. */
function record(lengths: { received: number; sent: number }, snapLength: number): Uint8Array {
  const kept = [lengths.received, lengths.sent].map((length) => Math.min(length, snapLength));
  const bytes = new Uint8Array(Captured.size + kept[0]! + kept[1]!);
  const view = new DataView(bytes.buffer);
  Captured.setTimeNs(view, 0, 5n);
  Captured.setIngressIfindex(view, 0, 2);
  Captured.setEgressIfindex(view, 0, lengths.sent > 0 ? 3 : 0);
  Captured.setReceivedLength(view, 0, lengths.received);
  Captured.setSentLength(view, 0, lengths.sent);
  Captured.setVerdict(view, 0, VERDICT_NAMES.indexOf('forwarded_in'));
  bytes.fill(7, Captured.size, Captured.size + kept[0]!);
  bytes.fill(8, Captured.size + kept[0]!);
  return bytes;
}

describe('a capture', () => {
  test('is on from its beginning to its end, each under a number of its own', () => {
    const { make, settings, wanted } = capture();
    const one = make();
    one.begin({ filter: 'tcp', snapLength: 100 });
    const first = Settings.capture(settings, 0);
    expect(first).not.toBe(0);
    expect(CaptureStruct.snapLength(wanted, 0)).toBe(100);
    one.end();
    expect(Settings.capture(settings, 0)).toBe(0);
    one.begin({ filter: '', snapLength: 0 });
    expect([0, first]).not.toContain(Settings.capture(settings, 0));
    expect(one.snapLength).toBe(Limits.CAPTURE_BYTES);
  });

  test('is refused while another one is on, which goes on as it was', () => {
    const { make, wanted } = capture();
    const one = make();
    one.begin({ filter: 'tcp', snapLength: 100 });
    expect(() => one.begin({ filter: 'udp', snapLength: 64 })).toThrow(
      expect.objectContaining({
        statusCode: 409,
        message: expect.stringContaining('one at a time'),
      }),
    );
    expect(CaptureStruct.snapLength(wanted, 0)).toBe(100);
  });

  test.each([1, 13, Limits.CAPTURE_BYTES + 1])('keeps no %i bytes of a frame', (snapLength) => {
    const { make, settings } = capture();
    expect(() => make().begin({ filter: '', snapLength })).toThrow(`received ${snapLength}`);
    expect(Settings.capture(settings, 0)).toBe(0);
  });

  test('that a killed daemon had begun ends with the next daemon', () => {
    const { make, settings } = capture();
    make().begin({ filter: '', snapLength: 0 });
    make();
    expect(Settings.capture(settings, 0)).toBe(0);
  });

  test('begins with no losses, and tells them', () => {
    const { make, wanted } = capture();
    const one = make();
    CaptureStruct.setLost(wanted, 0, 9n);
    one.begin({ filter: '', snapLength: 0 });
    expect(one.lost).toBe(0n);
    CaptureStruct.setLost(wanted, 0, 2n);
    expect(one.lost).toBe(2n);
  });

  test('finds the frames of its packets behind one another', () => {
    const { make, records } = capture();
    const one = make();
    one.begin({ filter: '', snapLength: 64 });
    records.push(record({ received: 1500, sent: 1480 }, 64), record({ received: 60, sent: 0 }, 64));
    const both = { timeNs: 5n, verdict: 'forwarded_in' };
    expect([...one.read()]).toEqual([
      {
        ...both,
        received: { ifindex: 2, length: 1500, bytes: new Uint8Array(64).fill(7) },
        sent: { ifindex: 3, length: 1480, bytes: new Uint8Array(64).fill(8) },
      },
      { ...both, received: { ifindex: 2, length: 60, bytes: new Uint8Array(60).fill(7) } },
    ]);
  });
});

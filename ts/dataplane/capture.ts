import { randomInt } from 'node:crypto';
import { Captured, Capture as CaptureStruct, Limits, Settings } from '../native/abi.gen.ts';
import type { BpfObject, SlowPath } from '../native/addon.ts';
import { CaptureError, captureBytes, parseFilter } from './capture_filter.ts';
import { VERDICT_NAMES } from './encoding.ts';

/** What a capture is to take. */
export interface CaptureRequest {
  /** Empty for every packet. */
  readonly filter: string;
  /** Bytes to be kept of a frame; 0 for whole ones. */
  readonly snapLength: number;
}

/** A frame, cut to the snap length, and where it came or left. */
export interface CapturedFrame {
  readonly ifindex: number;
  readonly length: number;
  readonly bytes: Uint8Array;
}

/** One packet and what became of it. */
export interface CapturedPacket {
  readonly timeNs: bigint;
  readonly verdict: string;
  readonly received: CapturedFrame;
  /** Undefined unless it was forwarded. */
  readonly sent?: CapturedFrame;
}

/** The shortest frame there is: its header alone. */
const MIN_SNAP_LENGTH = 14;
/** Taken from XDP's ring at a time: so long may the slow path wait meanwhile. */
const BATCH_BYTES = 1 << 20;

/**
 * The capture of this director, one at a time. While none is on, packets are not looked at for
 * it; see bpf/capture.h.
 */
export class Capture {
  readonly #slowPath: Pick<SlowPath, 'readCaptured'>;
  readonly #settings: DataView;
  readonly #wanted: DataView;
  /** At random first: what the captures of an earlier daemon took is in the ring still. */
  #number = randomInt(2 ** 32);
  #snapLength = 0;

  constructor(object: Pick<BpfObject, 'map'>, slowPath: Pick<SlowPath, 'readCaptured'>) {
    this.#slowPath = slowPath;
    this.#settings = new DataView(object.map('settings').mmap());
    this.#wanted = new DataView(object.map('capture').mmap());
    // One that a killed daemon had begun has nobody who reads it.
    Settings.setCapture(this.#settings, 0, 0);
  }

  /** Begins to take packets. Throws CaptureError. */
  begin({ filter, snapLength }: CaptureRequest): void {
    const most = Limits.CAPTURE_BYTES;
    if (snapLength !== 0 && (snapLength < MIN_SNAP_LENGTH || snapLength > most)) {
      const expected = `expected a snap length of ${MIN_SNAP_LENGTH} to ${most}, or 0`;
      throw new CaptureError(400, `${expected}, received ${snapLength}`);
    }
    const wanted = captureBytes(parseFilter(filter), snapLength || most);
    if (this.#isOn) throw new CaptureError(409, 'another capture is on: expected one at a time');
    this.#snapLength = snapLength || most;
    new Uint8Array(this.#wanted.buffer).set(wanted);
    this.#number = (this.#number + 1) >>> 0 || 1;
    Settings.setCapture(this.#settings, 0, this.#number);
  }

  /** Ends it, unless it is that of a daemon to which the maps were handed over. */
  end(): void {
    if (Settings.capture(this.#settings, 0) !== this.#number) return;
    Settings.setCapture(this.#settings, 0, 0);
  }

  /** Bytes kept of a frame. */
  get snapLength(): number {
    return this.#snapLength;
  }

  /** Packets that were wanted and for which there was no room. */
  get lost(): bigint {
    return CaptureStruct.lost(this.#wanted, 0);
  }

  /** Packets taken since the last call, those of one CPU in order. */
  *read(): Generator<CapturedPacket> {
    const { buffer, byteLength } = this.#slowPath.readCaptured(BATCH_BYTES);
    const view = new DataView(buffer);
    for (let at = 0; at < byteLength; ) {
      const received = this.#frame(view, at + Captured.size, {
        ifindex: Captured.ingressIfindex(view, at),
        length: Captured.receivedLength(view, at),
      });
      const end = at + Captured.size + received.bytes.length;
      const sent = this.#frame(view, end, {
        ifindex: Captured.egressIfindex(view, at),
        length: Captured.sentLength(view, at),
      });
      yield {
        timeNs: Captured.timeNs(view, at),
        verdict: VERDICT_NAMES[Captured.verdict(view, at)] ?? 'unknown',
        received,
        ...(sent.length > 0 && { sent }),
      };
      at = end + sent.bytes.length;
    }
  }

  get #isOn(): boolean {
    return Settings.capture(this.#settings, 0) !== 0;
  }

  #frame(view: DataView, at: number, of: Omit<CapturedFrame, 'bytes'>): CapturedFrame {
    const kept = Math.min(of.length, this.#snapLength);
    return { ...of, bytes: new Uint8Array(view.buffer, at, kept) };
  }
}

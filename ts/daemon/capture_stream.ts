import { Readable } from 'node:stream';
import type {
  Capture,
  CapturedFrame,
  CapturedPacket,
  CaptureRequest,
} from '../dataplane/capture.ts';
import type { Cancel, Clock } from '../net/clock.ts';
import { type PcapPacket, PcapWriter } from '../net/pcapng.ts';

/** What a capture is streamed from. */
export interface CaptureStreamOptions extends CaptureRequest {
  /** Ends after so many packets. */
  readonly count?: number;
  readonly capture: Pick<Capture, 'begin' | 'end' | 'read' | 'lost' | 'snapLength'>;
  readonly clock: Clock;
  /** The name of an interface, which may be gone. */
  readonly nameOf: (ifindex: number) => string | undefined;
}

/** XDP wakes nobody for a packet; the ring holds what comes in between. */
const INTERVAL_MS = 5;
/** So much may wait for the client; then the ring fills, and XDP counts what it loses. */
const BUFFERED_BYTES = 1 << 20;

/**
 * A capture as a pcapng file without end: it is on from the first moment until the stream is
 * destroyed, be it that its reader goes away. Throws CaptureError.
 */
export function captureStream(options: CaptureStreamOptions): Readable {
  options.capture.begin(options);
  const recorder = new Recorder(options);
  let wanted = true;
  const cancel: Cancel = options.clock.every(INTERVAL_MS, () => {
    if (!wanted) return;
    const bytes = recorder.next();
    if (bytes.length > 0) wanted = stream.push(bytes);
    if (!recorder.isDone) return;
    cancel();
    stream.push(null);
  });
  const stream = new Readable({
    highWaterMark: BUFFERED_BYTES,
    read() {
      wanted = true;
    },
    destroy(error, done) {
      cancel();
      options.capture.end();
      done(error);
    },
  });
  stream.push(recorder.next());
  return stream;
}

/** Packets of a capture -> blocks of a file. */
class Recorder {
  readonly #options: CaptureStreamOptions;
  readonly #writer = new PcapWriter();
  /** Interface index -> number in the file. */
  readonly #interfaces = new Map<number, number>();
  #packets = 0;
  #lost = 0n;
  /** Time of the packet before. */
  #timeNs = 0n;

  constructor(options: CaptureStreamOptions) {
    this.#options = options;
    this.#writer.section('xlvs');
  }

  /** Whether the file has as many packets as were asked for. */
  get isDone(): boolean {
    return this.#packets >= (this.#options.count ?? Number.POSITIVE_INFINITY);
  }

  /** What came since the last time. */
  next(): Uint8Array {
    const { capture } = this.#options;
    // Those of the slow path stand behind all of XDP's.
    for (const packet of [...capture.read()].sort(byTime)) {
      if (this.isDone) break;
      this.#put(packet);
    }
    if (capture.lost > this.#lost && this.#interfaces.size > 0) {
      this.#lost = capture.lost;
      this.#writer.statistics(0, this.#timeNs, this.#lost);
    }
    return this.#writer.take();
  }

  #put({ timeNs, verdict, received, sent }: CapturedPacket): void {
    this.#timeNs = timeNs;
    const packetId = this.#packets++;
    const put = (frame: CapturedFrame, direction: PcapPacket['direction'], comment: string) =>
      this.#writer.packet({
        interfaceId: this.#interfaceId(frame.ifindex),
        timeNs,
        length: frame.length,
        bytes: frame.bytes,
        direction,
        comment,
        packetId,
      });
    put(received, 'inbound', `received: ${verdict}`);
    if (sent !== undefined) put(sent, 'outbound', `sent: ${verdict}`);
  }

  /** The number of an interface, which is described when it is first met. */
  #interfaceId(ifindex: number): number {
    const known = this.#interfaces.get(ifindex);
    if (known !== undefined) return known;
    const { capture, nameOf } = this.#options;
    const number = this.#interfaces.size;
    this.#interfaces.set(ifindex, number);
    this.#writer.interface(nameOf(ifindex) ?? `if${ifindex}`, capture.snapLength);
    return number;
  }
}

function byTime(a: CapturedPacket, b: CapturedPacket): number {
  return a.timeNs < b.timeNs ? -1 : 1;
}

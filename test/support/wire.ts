import type { ChildProcess } from 'node:child_process';

/** Of a frame's length, which stands before it. */
const LENGTH_BYTES = 2;

/** The program `wire` (bench/wire.cc) on an interface: frames to it, and those that arrive. */
export class Wire {
  readonly #child: ChildProcess;
  #read = Buffer.alloc(0);

  constructor(child: ChildProcess, receive: (frame: Uint8Array) => void) {
    this.#child = child;
    child.stdout?.on('data', (bytes: Buffer) => {
      this.#read = Buffer.concat([this.#read, bytes]);
      for (const frame of this.#whole()) receive(frame);
    });
  }

  send(frames: Iterable<Uint8Array>): void {
    const parts = Array.from(frames, (frame) => [
      Buffer.of(frame.length >> 8, frame.length),
      frame,
    ]);
    this.#child.stdin?.write(Buffer.concat(parts.flat()));
  }

  *#whole(): Generator<Uint8Array> {
    while (this.#read.length >= LENGTH_BYTES) {
      const end = LENGTH_BYTES + this.#read.readUInt16BE();
      if (this.#read.length < end) return;
      yield this.#read.subarray(LENGTH_BYTES, end);
      this.#read = this.#read.subarray(end);
    }
  }
}

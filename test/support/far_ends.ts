import { statSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from '../../ts/api/client.ts';
import { addressText } from '../../ts/net/address.ts';
import type { TestLab } from './netns.ts';
import type { Wire } from './wire.ts';

/** How soon the director is asked whether it has refused somebody. */
const LOOK_MS = 5;

const ETHERTYPE = { ipv4: 0x0800, ipv6: 0x86dd } as const;

/** Whose a packet is: the client's address and port. */
export type Sender = string;

/** The clients' and the real servers' ends of a lab, by hosts of these names: raw frames. */
export class FarEnds {
  readonly #api: Client;
  readonly #client: Wire;
  /** Where packets of the senders have arrived since the last ones were sent. */
  #arrived = new Map<Sender, string>();
  #expected = 0;
  #refused = 0;
  #wake = () => {};

  constructor(net: TestLab) {
    const { ino } = statSync(`/run/netns/${net.namespace('director')}`);
    this.#api = new Client(`/run/xlvs/netns-${ino}`);
    this.#client = net.wire('client', 'eth0', () => {});
    net.wire('server', 'eth0', (frame) => this.#receive(frame));
  }

  /**
   * Sends frames of as many senders, and waits until each has arrived, or was refused: by sender
   * the address of the real server.
   */
  async send(frames: readonly Uint8Array[]): Promise<ReadonlyMap<Sender, string>> {
    const before = this.#refused;
    const missing = () => frames.length - this.#arrived.size - (this.#refused - before);
    this.#arrived = new Map();
    this.#expected = frames.length;
    this.#client.send(frames);
    while (missing() > 0) {
      const moved = new Promise<void>((wake) => {
        this.#wake = wake;
      });
      await Promise.race([moved, sleep(LOOK_MS)]);
      if (missing() > 0) this.#refused = await this.verdict('dropped_no_destination');
    }
    return this.#arrived;
  }

  /** Packets that the director has come to this end with. */
  async verdict(name: string): Promise<number> {
    return Number((await this.#api.statistics()).verdicts[name]);
  }

  /** Beside the clients' packets, neighbours ask for each other. */
  #receive(frame: Uint8Array): void {
    const view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength);
    const etherType = view.getUint16(12);
    const [at, length] = etherType === ETHERTYPE.ipv4 ? [26, 4] : [22, 16];
    const portsAt = at + 2 * length;
    if (etherType !== ETHERTYPE.ipv4 && etherType !== ETHERTYPE.ipv6) return;
    if (frame.length < portsAt + 4 || view.getUint16(portsAt + 2) !== 80) return;
    const [from, to] = [at, at + length].map((one) => frame.subarray(one, one + length));
    this.#arrived.set(senderOf(from!, view.getUint16(portsAt)), addressText(to!));
    if (this.#arrived.size === this.#expected) this.#wake();
  }
}

/** The sender's name. */
export function senderOf(clientAddress: Uint8Array, clientPort: number): Sender {
  return `${addressText(clientAddress)} ${clientPort}`;
}

import { liveConnections } from '../../ts/dataplane/connections.ts';
import { Connection, Settings } from '../../ts/native/abi.gen.ts';
import { type ReadFrame, readFrame, type Tcp, type TcpOption, tcpFrame } from '../support/tcp.ts';
import { type Beginning, CLIENT, type Family, SERVER, VIP } from './case.ts';
import { type Memory, outcome } from './outcome.ts';
import { HOPS } from './tables.ts';

/** The packet code on either target, with tables that outlive a packet. */
export interface CookieTarget {
  begin(beginning: Beginning): void;
  /** The frame as it is afterwards. */
  send(frame: Uint8Array): Uint8Array;
  readonly memory: Memory;
}

/** What became of one packet. */
export interface Sent {
  readonly verdict: string;
  readonly frame: Uint8Array;
  readonly read: ReadFrame;
}

/** What a connection keeps of its cookie. */
export interface Kept {
  readonly sequence: number;
  readonly timestamp: number;
  readonly shiftIn: number;
  readonly shiftOut: number;
}

/** Initial sequence numbers, near the end of all numbers. */
export const CLIENT_ISN = 0xffff_fff0;
export const SERVER_ISN = 0xffff_ff00;

/** What a client's SYN has, and a server's. */
export const SYN_OPTIONS: readonly TcpOption[] = [
  ['mss', 1460],
  ['sackPermitted'],
  ['timestamps', 7000, 0],
  ['nop'],
  ['scale', 9],
];

/** One client and its server, with a director of cookies in between. */
export class CookieTalk {
  readonly #target: CookieTarget;
  readonly #family: Family;

  constructor(target: CookieTarget, family: Family = 4, beginning: Partial<Beginning> = {}) {
    const tickets = ['accepting', 'accepting'] as const;
    target.begin({
      ring: { family, method: 'masq', tickets },
      settings: { syn_cookies: 2 },
      ...beginning,
    });
    // A tick is a second in other cases; here the kernel's clock runs.
    const timeouts = new Uint32Array(target.memory.settings, Settings.timeoutJiffies.at, 16);
    timeouts.set(timeouts.map((seconds) => seconds * 10_000));
    this.#target = target;
    this.#family = family;
  }

  /** A packet of the client. */
  send(tcp: Partial<Tcp>): Sent {
    return this.pass(tcpFrame({ ...this.#ends(CLIENT, VIP), ...tcp }));
  }

  /** A packet of the server, to which the way back is known. */
  reply(tcp: Partial<Tcp>): Sent {
    const { memory } = this.#target;
    for (const at of liveConnections(memory)) {
      Connection.setHopOut(new DataView(memory.connections), at, HOPS.out);
    }
    return this.pass(tcpFrame({ ...this.#ends(SERVER, CLIENT), ...tcp }));
  }

  /** Any frame. */
  pass(sent: Uint8Array): Sent {
    const { memory } = this.#target;
    new Uint8Array(memory.verdicts).fill(0);
    const frame = this.#target.send(sent);
    const [verdict = 'none'] = Object.keys(outcome(frame, memory).verdicts);
    return { verdict, frame, read: readFrame(frame) };
  }

  syn(tcp: Partial<Tcp> = {}): Sent {
    return this.send({
      flags: 'S',
      sequence: CLIENT_ISN,
      window: 64240,
      options: SYN_OPTIONS,
      ...tcp,
    });
  }

  /** The client's ACK of an answer. */
  ack({ read: answer }: Sent, tcp: Partial<Tcp> = {}): Sent {
    const echo = clockOf(answer);
    return this.send({
      flags: 'A',
      sequence: answer.acknowledgement,
      acknowledgement: (answer.sequence + 1) >>> 0,
      window: 100,
      options: echo ? [['nop'], ['nop'], ['timestamps', 7001, echo]] : [],
      ...tcp,
    });
  }

  synAck(tcp: Partial<Tcp> = {}): Sent {
    return this.reply({
      flags: 'SA',
      sequence: SERVER_ISN,
      acknowledgement: (CLIENT_ISN + 1) >>> 0,
      window: 65160,
      options: [['mss', 1460], ['sackPermitted'], ['timestamps', 99, 7001], ['nop'], ['scale', 7]],
      ...tcp,
    });
  }

  /** As far as the server's SYN+ACK. */
  open(syn: Partial<Tcp> = {}, synAck: Partial<Tcp> = {}) {
    const answer = this.syn(syn);
    const proven = this.ack(answer);
    return { answer, proven, octet: this.synAck(synAck) };
  }

  get state(): string {
    return outcome(new Uint8Array(), this.#target.memory).state;
  }

  /** Of the only connection. */
  get kept(): Kept | undefined {
    const { memory } = this.#target;
    const view = new DataView(memory.connections);
    const [at] = liveConnections(memory);
    if (at === undefined) return undefined;
    return {
      sequence: Connection.sequenceDelta(view, at),
      timestamp: Connection.timestampDelta(view, at),
      shiftIn: Connection.windowShiftIn(view, at),
      shiftOut: Connection.windowShiftOut(view, at),
    };
  }

  #ends(from: typeof CLIENT, to: typeof CLIENT): Pick<Tcp, 'from' | 'to' | 'ports'> {
    const [source, target] = [from[this.#family], to[this.#family]];
    return {
      from: source.address,
      to: target.address,
      ports: [source.port, target.port],
    };
  }
}

/** The value of a packet's timestamps; 0 without. */
export function clockOf({ options }: ReadFrame): number {
  const found = options.find(([name]) => name === 'timestamps');
  return (found?.[1] as number | undefined) ?? 0;
}

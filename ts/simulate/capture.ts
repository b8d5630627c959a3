import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import type { ServiceId } from '../lvs/operation.ts';
import type { Direction } from '../lvs/state.ts';
import { type Address, parseAddress } from '../net/address.ts';
import { type Event, InputError } from './event.ts';
import { flowOf, type Simulation } from './simulation.ts';
import { linesOf, type Source } from './source.ts';

/** A packet that has ports, as tcpdump tells it: time, two ends, TCP's flags. */
const PACKET = /^(\d+\.\d+) IP6? (\S+)\.(\d+) > (\S+)\.(\d+): (?!sctp|dccp)(?:Flags \[([^\]]*)\])?/;

/** Stamps, and no names, of a file on stdin. */
const TCPDUMP = ['-r', '-', '-nn', '-tt', '-K'];

/**
 * The packets of a capture file, as far as the rules have a service for them, as events. libpcap
 * reads it, by way of tcpdump: pcap and pcapng, of any link.
 */
export async function* packetsOf(path: string, simulation: Simulation): Source {
  const reader = new PacketReader(simulation);
  const file = openSync(path, 'r');
  const tcpdump = spawn('tcpdump', TCPDUMP, { stdio: [file, 'pipe', 'pipe'] });
  closeSync(file);
  const complaint = text(tcpdump.stderr!);
  const ended = once(tcpdump, 'close').catch((cause) => {
    throw new Error(`expected tcpdump, to read ${path}: ${cause.message}`);
  });
  ended.catch(() => undefined); // it is told where it is waited for
  for await (const lines of linesOf(tcpdump.stdout!)) yield reader.events(lines);
  const [status] = await ended;
  if (status === 0) return;
  throw new InputError(`${path}: ${(await complaint).trimEnd().split('\n').at(-1)}`);
}

/** Makes events of tcpdump's lines. */
class PacketReader {
  readonly #simulation: Simulation;
  #firstUs: number | undefined;

  constructor(simulation: Simulation) {
    this.#simulation = simulation;
  }

  *events(lines: readonly string[]): Generator<Event> {
    for (const line of lines) {
      const event = this.#event(line);
      if (event !== undefined) yield event;
    }
  }

  #event(line: string): Event | undefined {
    const [, stamp, source = '', sport, target = '', dport, letters] = PACKET.exec(line) ?? [];
    const from = parseAddress(source);
    const to = parseAddress(target);
    if (from === undefined || to === undefined) return undefined;
    const protocol = letters === undefined ? 'udp' : 'tcp';
    const sender = { protocol, ...end(from, sport) } as const;
    const receiver = { protocol, ...end(to, dport) } as const;
    const atUs = this.#timeUs(Number(stamp));
    const flags = flagsOf(letters);
    if (this.#isService(receiver))
      return eventOf(receiver, sender, { direction: 'in', flags, atUs });
    if (this.#isService(sender))
      return eventOf(sender, receiver, { direction: 'out', flags, atUs });
    return undefined;
  }

  #isService(id: ServiceId): boolean {
    return this.#simulation.director.service(id) !== undefined;
  }

  /** Since the first packet. Those of several queues may be out of order by a little. */
  #timeUs(stamp: number): number {
    const us = Math.round(stamp * 1e6);
    this.#firstUs ??= us;
    return Math.max(us - this.#firstUs, this.#simulation.nowUs);
  }
}

function end({ family, text: address }: Address, port: string | undefined) {
  return { family, address, port: Number(port) };
}

/** tcpdump's letters as an event has them: a dot is ACK, W is CWR. */
function flagsOf(letters = ''): string {
  return letters === 'none' ? '' : letters.replace('.', 'A').replace('W', 'C');
}

function eventOf(
  service: ServiceId,
  client: ServiceId,
  { direction, flags, atUs }: { direction: Direction; flags: string; atUs: number },
): Event {
  const given = {
    op: 'packet',
    t: atUs / 1e6,
    dir: direction,
    flags,
    proto: service.protocol,
    src: client.address,
    sport: client.port,
    dst: service.address,
    dport: service.port,
  };
  const flow = flowOf(service, client.address, client.port);
  return { op: 'packet', text: JSON.stringify(given), given, atUs, flow, direction, flags };
}

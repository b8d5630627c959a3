import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import type { Writable } from 'node:stream';
import { Command, InvalidArgumentError } from 'commander';
import { Client, DaemonError, NoDaemonError } from '../api/client.ts';
import { frameText } from '../net/frame.ts';
import { type PcapBlock, type PcapPacket, PcapReader } from '../net/pcapng.ts';

interface Options {
  readonly write?: string;
  readonly count?: number;
  readonly snapLength: number;
}

const MAX_COUNT = 2 ** 31 - 1;

const HELP = `
The filter is asked of packets as they come in:
  host A, net P/LENGTH, port N    either end; with src or dst in front, that one
  tcp, udp, sctp, icmp, icmp6, ip, ip6
  verdict NAME                    as xlvs stats has it; dropped is every dropped_…
  and, or, not, ( )
A forwarded packet is two frames of one packet id: as it came, and as it left.

  xlvs capture -w - tcp port 80 and verdict dropped | tshark -r -`;

/** `xlvs capture`. */
export function captureCommand(): Command {
  return new Command('capture')
    .description('copies of packets, before and after the rewrite, with what became of them')
    .argument('[filter...]', 'which packets; every one without')
    .option('-w, --write <file>', 'write pcapng to the file, - for standard output')
    .option('-c, --count <packets>', 'end after so many packets', parseCount)
    .option('-s, --snap-length <bytes>', 'keep so much of each frame, 0 for all', parseCount, 256)
    .addHelpText('after', HELP)
    .action((words: readonly string[], options: Options) => run(words.join(' '), options));
}

async function run(filter: string, options: Options): Promise<void> {
  try {
    await capture(filter, options);
  } catch (error) {
    const { message, code } = error as NodeJS.ErrnoException;
    // Whoever read standard output has seen enough.
    if (code === 'EPIPE') return;
    const expected = error instanceof NoDaemonError || error instanceof DaemonError;
    if (!expected && code === undefined) throw error;
    process.stderr.write(`xlvs: ${message}\n`);
    process.exitCode = 1;
  }
}

async function capture(filter: string, { write, count, snapLength }: Options): Promise<void> {
  const out = await openOutput(write);
  const client = new Client();
  const stream = await client.capture({
    filter,
    snapLength,
    ...(count !== undefined && { count }),
  });
  process.stderr.write(`xlvs: capturing, ${snapLength || 'all'} bytes of a frame\n`);
  let ended = false;
  const end = () => {
    ended = true;
    stream.destroy();
  };
  process.once('SIGINT', end).once('SIGTERM', end);
  out.on('error', (error) => stream.destroy(error));
  const told = new Told();
  try {
    for await (const chunk of stream) {
      const blocks = told.read(chunk);
      const text = write === undefined ? told.lines(blocks) : fileBytes(blocks);
      if (!out.write(text)) await once(out, 'drain');
    }
  } catch (error) {
    if (!ended) throw lostDaemon(error);
  } finally {
    process.stderr.write(told.summary());
    if (out !== process.stdout) out.end();
  }
}

async function openOutput(file: string | undefined): Promise<Writable> {
  if (file === undefined || file === '-') return process.stdout;
  const out = createWriteStream(file);
  await once(out, 'open');
  return out;
}

function lostDaemon(error: unknown): unknown {
  const { code } = error as NodeJS.ErrnoException;
  return code === 'ECONNRESET' ? new DaemonError('the daemon went away', { cause: error }) : error;
}

function fileBytes(blocks: readonly PcapBlock[]): Uint8Array {
  return Buffer.concat(blocks.map(({ raw }) => raw));
}

/** What the file tells: a line for each frame, and how many packets there were. */
class Told {
  readonly #reader = new PcapReader();
  readonly #interfaces: string[] = [];
  #packets = 0;
  #lost = 0n;

  /** The blocks that these further bytes complete. */
  read(chunk: Uint8Array): readonly PcapBlock[] {
    const blocks = [...this.#reader.read(chunk)];
    for (const block of blocks) {
      if (block.kind === 'interface') this.#interfaces.push(block.name);
      if (block.kind === 'statistics') this.#lost = block.lost;
      if (block.kind === 'packet' && block.direction === 'inbound') this.#packets += 1;
    }
    return blocks;
  }

  lines(blocks: readonly PcapBlock[]): string {
    return blocks
      .filter((block) => block.kind === 'packet')
      .map((packet) => packetLine(packet, this.#interfaces[packet.interfaceId] ?? '?'))
      .join('');
  }

  summary(): string {
    const captured = `xlvs: ${this.#packets} packets captured\n`;
    return this.#lost === 0n ? captured : `${captured}xlvs: ${this.#lost} packets not captured\n`;
  }
}

/** Time, interface, five-tuple and flags, length, and what the packet's frame is. */
export function packetLine(packet: PcapPacket, interfaceName: string): string {
  const { timeNs, bytes, length, comment } = packet;
  const time = `${clockText(timeNs)}.${String(timeNs % SECOND_NS).padStart(9, '0')}`;
  return `${time} ${interfaceName} ${frameText(bytes)} length ${length} ${comment}\n`;
}

const SECOND_NS = 1_000_000_000n;

function clockText(timeNs: bigint): string {
  const date = new Date(Number(timeNs / 1_000_000n));
  return [date.getHours(), date.getMinutes(), date.getSeconds()]
    .map((part) => String(part).padStart(2, '0'))
    .join(':');
}

function parseCount(text: string): number {
  const number = Number(text);
  if (/^\d+$/.test(text) && number <= MAX_COUNT) return number;
  throw new InvalidArgumentError(`expected a number up to ${MAX_COUNT}, received ${text}`);
}

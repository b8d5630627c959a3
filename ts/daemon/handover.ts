import type { ChildProcess } from 'node:child_process';
import type { Server } from 'node:net';
import { z } from 'zod';
import type { QueueSocket } from '../dataplane/interfaces.ts';
import { Door } from './door.ts';
import type { RuntimeFiles } from './runtime_files.ts';
import { lineOf, type News, nextNews, release, StartError, startDetached } from './start.ts';

/**
 * How a director hands over to its successor, under traffic.
 *
 *   director                              successor
 *   starts it with its descriptors ─────► loads its program over the living maps
 *                                  ◄───── prepared
 *   ends its bursts and its work
 *   gives it the door              ─────► journal, slow path over the sockets, which received all
 *                                         the time, and its program in the place of the other
 *                                  ◄───── started
 *   ends, and removes nothing
 *
 * The lock's descriptor is inherited, so nobody else can come between. A successor that fails
 * before it is prepared is not noticed by any packet; after one that fails later the director
 * resumes, as after a restart.
 */

/** What a successor gets from its start on. */
export interface Heritage {
  /** Descriptor of the lock. */
  readonly lock: number;
  readonly sockets: readonly QueueSocket[];
}

/** The handing side. */
export interface HandoverOptions extends Heritage {
  /** The successor's command. */
  readonly program: readonly string[];
  readonly files: RuntimeFiles;
  /** Ends the director's work, but for the clients that it talks to. */
  readonly rest: () => Promise<Door>;
  /** Takes the work up again. */
  readonly resume: () => Promise<void>;
}

/** Where a successor finds its heritage. */
const VARIABLE = 'XLVS_HERITAGE';

/** The first descriptor that is inherited beyond standard streams and the channel. */
const FIRST_DESCRIPTOR = 4;

/** How long a successor may take for either step. */
const PATIENCE_MS = 60_000;

const descriptor = z.int().min(0);
const heritageSchema: z.ZodType<Heritage> = z.object({
  lock: descriptor,
  sockets: z.array(
    z.object({
      ifindex: z.int(),
      slot: z.int(),
      queue: z.int(),
      socket: descriptor,
      frames: descriptor,
    }),
  ),
});

/** Resolves to the successor's first line, once it works; rejects, working again, with why not. */
export async function handOver(options: HandoverOptions): Promise<string> {
  const { files, rest, resume } = options;
  const successor = startSuccessor(options);
  const patience = setTimeout(() => successor.kill('SIGKILL'), PATIENCE_MS);
  try {
    const news = await nextNews(successor, files);
    if (!('prepared' in news)) lineOf(news);
    const door = await rest();
    try {
      return await letProceed(successor, door, files);
    } catch (error) {
      await resume();
      throw error;
    }
  } finally {
    clearTimeout(patience);
    release(successor);
  }
}

function startSuccessor({ program, lock, sockets }: HandoverOptions): ChildProcess {
  const descriptors = [lock, ...sockets.flatMap(({ socket, frames }) => [socket, frames])];
  const inherited = (descriptor: number) => FIRST_DESCRIPTOR + descriptors.indexOf(descriptor);
  const heritage: Heritage = {
    lock: inherited(lock),
    sockets: sockets.map((one) => {
      return { ...one, socket: inherited(one.socket), frames: inherited(one.frames) };
    }),
  };
  return startDetached(program, ['ignore', 'inherit', 'inherit', 'ipc', ...descriptors], {
    ...process.env,
    [VARIABLE]: JSON.stringify(heritage),
  });
}

async function letProceed(
  successor: ChildProcess,
  door: Door,
  files: RuntimeFiles,
): Promise<string> {
  const news: Promise<News> = nextNews(successor, files);
  successor.send({ proceed: true }, door.listener, () => door.close());
  return lineOf(await news);
}

/** What this process inherits, if it is a successor. To be asked once. */
export function takeHeritage(): Heritage | undefined {
  const text = process.env[VARIABLE];
  delete process.env[VARIABLE];
  return text === undefined ? undefined : heritageSchema.parse(JSON.parse(text));
}

/** Says that this successor is prepared; resolves when it is its turn. */
export function awaitTurn(): Promise<Door> {
  return new Promise((resolve, reject) => {
    process.once('message', (_, listener) => resolve(new Door(listener as Server)));
    process.once('disconnect', () => reject(new StartError('the director before this one ended')));
    process.send?.({ prepared: true } satisfies News);
  });
}

import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface, type Interface } from 'node:readline';
import { outcome } from '../ts/lab/process.ts';

/** Longer than any benchmark asks for. */
const PATIENCE_MS = 60_000;

/** Waits for the first word of a server. */
export async function ready(server: ChildProcess): Promise<void> {
  await Promise.race([once(server.stdout!, 'data'), endOf(server)]);
}

/** Rejects with what a process said when it ends. Nobody has to listen. */
export function endOf(process: ChildProcess): Promise<never> {
  const ended = outcome(process).then(({ stderr }) => {
    throw new Error(`${process.spawnargs.slice(4).join(' ')} ended: ${stderr.trim()}`);
  });
  ended.catch(() => {});
  return ended;
}

/** A program that says a line when it is ready, and a line of JSON for each that it reads. */
export class Answerer {
  readonly #process: ChildProcess;
  readonly #lines: Interface;
  readonly #ended: Promise<never>;

  private constructor(process: ChildProcess) {
    this.#process = process;
    this.#lines = createInterface({ input: process.stdout! });
    this.#ended = endOf(process);
  }

  /** The program, when it is ready. */
  static async of(process: ChildProcess, signal: AbortSignal): Promise<Answerer> {
    const answerer = new Answerer(process);
    await answerer.#line(signal);
    return answerer;
  }

  /** The answer to a line. One question at a time. */
  async ask<Answer>(line: string, signal: AbortSignal): Promise<Answer> {
    const answer = this.#line(signal);
    this.#process.stdin!.write(`${line}\n`);
    return JSON.parse(await answer) as Answer;
  }

  async #line(signal: AbortSignal): Promise<string> {
    const soon = AbortSignal.any([signal, AbortSignal.timeout(PATIENCE_MS)]);
    const [text] = await Promise.race([once(this.#lines, 'line', { signal: soon }), this.#ended]);
    return text as string;
  }
}

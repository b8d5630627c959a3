import { type ChildProcess, type StdioOptions, spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { resolve } from 'node:path';
import { makeFolder, type RuntimeFiles } from './runtime_files.ts';

/** What keeps the director from starting or stopping; the message is all an operator needs. */
export class StartError extends Error {
  override readonly name = 'StartError';
}

/** A director runs in this network namespace already. */
export class AlreadyRunningError extends StartError {}

/** What a process in the background tells the one that started it. */
export type News =
  | { readonly started: string }
  | { readonly failed: string; readonly running: boolean }
  /** A successor that waits for its turn; see `handover.ts`. */
  | { readonly prepared: true };

/** The command that runs this very program as a director, with the words behind `daemon`. */
export function directorProgram(words: readonly string[]): readonly string[] {
  const program = [process.execPath, ...process.execArgv, process.argv[1]!];
  return [...program, 'daemon', '--foreground', ...words];
}

/** Words of a command line for a process that works in another folder: their paths are absolute. */
export function absoluteWords(words: readonly string[]): string[] {
  return words.map((word, i) => {
    if (PATH_OPTIONS.includes(words[i - 1] ?? '')) return resolve(word);
    const [option = '', ...path] = word.split('=');
    return PATH_OPTIONS.includes(option) && path.length > 0
      ? `${option}=${resolve(path.join('='))}`
      : word;
  });
}

const PATH_OPTIONS = ['--config', '--pid-file', '--scheduler'];

/**
 * Starts this program again with `--foreground`, in the background: in a session of its own, its
 * output in the log. Resolves to its first line when it answers; rejects with StartError.
 */
export async function startInBackground(
  words: readonly string[],
  files: RuntimeFiles,
): Promise<string> {
  makeFolder(files);
  const log = openSync(files.log, 'a', 0o600);
  const child = startDetached(directorProgram(words), ['ignore', log, log, 'ipc']);
  closeSync(log);
  const line = lineOf(await nextNews(child, files));
  release(child);
  return line;
}

/** Starts a process that outlives this one. */
export function startDetached(
  [program = '', ...args]: readonly string[],
  stdio: StdioOptions,
  env = process.env,
): ChildProcess {
  return spawn(program, args, { detached: true, stdio, env });
}

/** Lets go of a process that is to go on alone. */
export function release(child: ChildProcess): void {
  if (child.connected) child.disconnect();
  child.unref();
}

/** The next that a started process tells; its end is news as well. Rejects where none starts. */
export function nextNews(child: ChildProcess, { log }: RuntimeFiles): Promise<News> {
  return new Promise((resolve, reject) => {
    child.once('message', (message) => resolve(message as News));
    child.once('error', reject);
    child.once('exit', (status, signal) =>
      resolve({ failed: `the director ended (${signal ?? status}); see ${log}`, running: false }),
    );
  });
}

/** The line of a start that went well. Throws StartError for any other news. */
export function lineOf(news: News): string {
  if ('started' in news) return news.started;
  if ('prepared' in news) throw new StartError('expected a start, received a successor');
  throw news.running ? new AlreadyRunningError(news.failed) : new StartError(news.failed);
}

/** Tells whoever started this process, in the background or not, that all went well. */
export function tellDone(line: string): void {
  if (!tellLast({ started: line })) console.log(`xlvs: ${line}`);
}

/** Tells whoever started this process why it ends. */
export function tellFailed(error: unknown): void {
  const failed = reasonOf(error);
  const running = error instanceof AlreadyRunningError;
  if (!tellLast({ failed, running })) console.error(`xlvs: ${failed}`);
}

function tellLast(news: News): boolean {
  if (process.send === undefined) return false;
  process.send(news, () => process.connected && process.disconnect());
  return true;
}

/** One line; a system call that was refused is for `xlvs doctor` to explain. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const [line = ''] = error.message.split('\n');
  const call = (error as NodeJS.ErrnoException).syscall;
  return call?.startsWith('bpf') ? `${line}: xlvs doctor says what this machine lacks` : line;
}

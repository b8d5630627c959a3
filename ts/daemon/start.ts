import { spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { makeFolder, type RuntimeFiles } from './runtime_files.ts';

/** What keeps the director from starting or stopping; the message is all an operator needs. */
export class StartError extends Error {
  override readonly name = 'StartError';
}

/** A director runs in this network namespace already. */
export class AlreadyRunningError extends StartError {}

/** What a process in the background tells the one that started it. */
type News = { readonly started: string } | { readonly failed: string; readonly running: boolean };

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
  const program = [...process.execArgv, process.argv[1]!, 'daemon', '--foreground', ...words];
  const child = spawn(process.execPath, program, {
    detached: true,
    stdio: ['ignore', log, log, 'ipc'],
  });
  closeSync(log);
  const news = await new Promise<News>((resolve, reject) => {
    child.on('message', (message) => resolve(message as News));
    child.on('error', reject);
    child.on('exit', (status, signal) =>
      resolve({
        failed: `the director ended (${signal ?? status}); see ${files.log}`,
        running: false,
      }),
    );
  });
  if (child.connected) child.disconnect();
  child.unref();
  if ('started' in news) return news.started;
  throw news.running ? new AlreadyRunningError(news.failed) : new StartError(news.failed);
}

/** Tells whoever started this process, in the background or not, that all went well. */
export function tellDone(line: string): void {
  if (!tell({ started: line })) console.log(`xlvs: ${line}`);
}

/** Tells whoever started this process why it ends. */
export function tellFailed(error: unknown): void {
  const failed = reasonOf(error);
  const running = error instanceof AlreadyRunningError;
  if (!tell({ failed, running })) console.error(`xlvs: ${failed}`);
}

function tell(news: News): boolean {
  if (process.send === undefined) return false;
  process.send(news, () => process.disconnect());
  return true;
}

/** One line; a system call that was refused is for `xlvs doctor` to explain. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const [line = ''] = error.message.split('\n');
  const call = (error as NodeJS.ErrnoException).syscall;
  return call?.startsWith('bpf') ? `${line}: xlvs doctor says what this machine lacks` : line;
}

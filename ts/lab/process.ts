import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** What came of a command that ran to its end. */
export interface Outcome {
  /** Exit status; 128 and the signal's number where a signal ended it, as a shell counts. */
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly input?: string;
  /** Ends the command with SIGKILL after that long; LONGEST_S if not said. */
  readonly timeoutS?: number;
  /** Added to the environment. */
  readonly env?: Readonly<Record<string, string>>;
  /** Ends the command with SIGKILL, and rejects with an AbortError, when it says so. */
  readonly signal?: AbortSignal;
}

/** Only what hangs takes so long, on however busy a machine. */
const LONGEST_S = 280;

/** Runs a command to its end, whatever its status. Throws where it cannot be started. */
export function run(argv: readonly string[], options: RunOptions = {}): Promise<Outcome> {
  const [command = '', ...rest] = argv;
  const child = spawn(command, rest, {
    stdio: 'pipe',
    env: { ...process.env, ...options.env },
    timeout: (options.timeoutS ?? LONGEST_S) * 1000,
    killSignal: 'SIGKILL',
    ...(options.signal && { signal: options.signal }),
  });
  child.stdin.on('error', () => {}); // a command may end without reading its input
  child.stdin.end(options.input ?? '');
  return outcome(child);
}

/** The outcome of a started command whose output is piped. */
export function outcome(child: ChildProcess): Promise<Outcome> {
  let stdout = '';
  let stderr = '';
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => {
      resolve({ status: code ?? 128 + (signal === 'SIGKILL' ? 9 : 15), stdout, stderr });
    });
  });
}

/** Runs a command that has to succeed; its output. */
export async function must(argv: readonly string[], options: RunOptions = {}): Promise<string> {
  const { status, stdout, stderr } = await run(argv, options);
  if (status === 0) return stdout;
  throw new Error(`expected status 0 of ${argv.join(' ')}, received ${status}: ${stderr.trim()}`);
}

/** The folder of package.json, above source and compiled files alike. */
export function projectRoot(): string {
  let folder = import.meta.dirname;
  while (!existsSync(join(folder, 'package.json'))) folder = dirname(folder);
  return folder;
}

/** The command that runs one of the lab's own programs: always the compiled file. */
export function programArgv(name: string): string[] {
  return [process.execPath, join(projectRoot(), 'dist/ts/lab', `${name}.js`)];
}

import { spawn } from 'node:child_process';
import { resolve } from 'node:path';
import { DaemonError } from '../api/client.ts';

/** How long a daemon may take until it answers on its socket. */
const startTimeoutMs = 30_000;

/**
 * Starts the daemon of this network namespace, as ipvsadm loads the kernel's module. `xlvs daemon`
 * ends when the daemon answers, or tells in one line why it could not start; that line is then
 * the DaemonError's.
 */
export async function startDaemon(): Promise<void> {
  const launcher = resolve(import.meta.dirname, '../../../bin/xlvs');
  const child = spawn(process.execPath, [launcher, 'daemon', '--if-needed'], {
    detached: true,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let complaint = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    complaint += text;
  });
  const timer = setTimeout(() => child.kill(), startTimeoutMs);
  const failed = await new Promise<boolean>((settle) => {
    child.on('error', (error) => {
      complaint = error.message;
      settle(true);
    });
    // A daemon that runs may hold the pipe open, so only one that failed is read to the end.
    child.on('exit', (status) => status === 0 && settle(false));
    child.on('close', (status) => settle(status !== 0));
  });
  clearTimeout(timer);
  child.stderr.destroy();
  child.unref();
  if (!failed) return;
  const line = complaint.trim().split('\n')[0] || 'no reason given';
  throw new DaemonError(`the daemon did not start: ${line.replace(/^xlvs: /, '')}`);
}

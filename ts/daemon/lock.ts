import { spawnSync } from 'node:child_process';
import { closeSync, fstatSync, openSync, statSync } from 'node:fs';

/**
 * Takes a lock that the kernel gives up with this process, however it ends, and with those that
 * inherit its descriptor, which is returned; undefined when another process keeps the lock for
 * longer than `waitS`. Node cannot lock a file, but flock(1) can, for whoever opened the file
 * that it is given.
 */
export function takeLock(path: string, waitS = 0): number | undefined {
  for (;;) {
    const fd = openSync(path, 'a', 0o600);
    const { status, error } = spawnSync('flock', ['--timeout', String(waitS), '0'], {
      stdio: [fd, 'ignore', 'ignore'],
    });
    if (error !== undefined) throw error;
    if (status === 0 && isAt(fd, path)) return fd;
    closeSync(fd);
    if (status !== 0) return undefined;
    // The last holder removed the file after it was opened here: a lock on nothing.
  }
}

function isAt(fd: number, path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.ino === fstatSync(fd).ino;
}

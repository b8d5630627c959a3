import { mkdtempSync, readlinkSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { takeLock } from '../../ts/daemon/lock.ts';
import { linkSocket, makeFolder, runtimeFiles } from '../../ts/daemon/runtime_files.ts';

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'xlvs-files-'));
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true });
});

describe('the files of a daemon', () => {
  test('are found by the cookie, and the socket by the inode too', () => {
    vi.stubEnv('XLVS_SOCKET', '');
    const files = runtimeFiles('4711', 4026531840, folder);
    expect(files.socket).toBe(join(folder, '4711.sock'));
    writeFileSync(files.link, 'of a namespace that is gone');
    linkSocket(files);
    expect(readlinkSync(join(folder, 'netns-4026531840'))).toBe('4711.sock');
  });

  test('have their socket where XLVS_SOCKET says', () => {
    vi.stubEnv('XLVS_SOCKET', join(folder, 'elsewhere.sock'));
    expect(runtimeFiles('4711', 1, folder).socket).toBe(join(folder, 'elsewhere.sock'));
  });

  test('are in a folder of their owner alone', () => {
    const files = runtimeFiles('4711', 1, join(folder, 'xlvs'));
    makeFolder(files);
    expect(statSync(files.folder).mode & 0o777).toBe(0o700);
  });
});

test('a lock is taken once', () => {
  const path = join(folder, '1.lock');
  expect(takeLock(path)).toBeTypeOf('number');
  expect(takeLock(path)).toBeUndefined();
});

test('a lock on a file that was removed holds nobody up', () => {
  const path = join(folder, '1.lock');
  expect(takeLock(path)).toBeTypeOf('number');
  rmSync(path);
  expect(takeLock(path)).toBeTypeOf('number');
});

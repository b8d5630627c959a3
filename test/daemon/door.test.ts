import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { beforeEach, expect, test } from 'vitest';
import { Door } from '../../ts/daemon/door.ts';

const path = join(mkdtempSync(join(tmpdir(), 'door-')), 'api.sock');
beforeEach(() => rmSync(path, { force: true }));

/** Answers with a word and hangs up. */
const says = (word: string) => (socket: Socket) => void socket.end(word);

test('who comes before anybody serves, waits', async () => {
  const door = new Door();
  await door.listen(path);
  const answer = text(connect(path));
  door.open(says('late'));
  expect(await answer).toBe('late');
  expect(await text(connect(path))).toBe('late');
  door.close();
});

test('a door that closes leaves the path to the next one', async () => {
  const first = new Door();
  await first.listen(path);
  rmSync(path);
  const second = new Door();
  await second.listen(path);
  second.open(says('second'));
  first.close();
  expect(await text(connect(path))).toBe('second');
  expect(statSync(path).mode & 0o777).toBe(0o600);
  second.close();
});

test('what is no socket of ours is left alone', async () => {
  const file = `${path}.txt`;
  writeFileSync(file, 'mine');
  await expect(new Door().listen(file)).rejects.toThrow('EEXIST');
});

test('a path where nothing can be made is an error', async () => {
  await expect(new Door().listen('/nowhere/api.sock')).rejects.toThrow(/EACCES|ENOENT/);
});

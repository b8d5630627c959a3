import { mkdtempSync, readdirSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Journal } from '../../ts/daemon/journal.ts';
import { removeOrphans } from '../../ts/daemon/orphans.ts';

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'xlvs-orphans-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

function journal(cookie: string, name?: string): void {
  const namespace = name === undefined ? {} : { namespace: { name, inode: 1 } };
  new Journal(join(folder, `${cookie}.journal`), { cookie, ...namespace }, []).close();
}

test('the files of a namespace that is gone are removed, and no others', () => {
  journal('1', 'gone');
  journal('2', 'there');
  journal('3'); // the machine's own
  for (const file of ['1.log', '1.lock', '2.log']) writeFileSync(join(folder, file), '');
  writeFileSync(join(folder, '4.journal'), 'no journal');
  removeOrphans(folder, ({ name }) => name === 'there');
  expect(readdirSync(folder).sort()).toEqual(['2.journal', '2.log', '3.journal', '4.journal']);
});

test('of a daemon that was killed as it began, nothing stays', () => {
  journal('3');
  for (const file of ['3.sock', '3.log', '5.log', '6.log']) writeFileSync(join(folder, file), '');
  for (const file of ['3.log', '5.log']) utimesSync(join(folder, file), 1, 1);
  symlinkSync('3.sock', join(folder, 'netns-3'));
  symlinkSync('5.sock', join(folder, 'netns-5'));
  removeOrphans(folder, () => true);
  const left = ['3.journal', '3.log', '3.sock', '6.log', 'netns-3'];
  expect(readdirSync(folder).sort()).toEqual(left);
});

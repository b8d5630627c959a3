import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeEach, expect, test } from 'vitest';
import { Journal, replayJournal } from '../../ts/daemon/journal.ts';
import { Director } from '../../ts/lvs/director.ts';
import { happenings, live } from '../support/arbitrary_rules.ts';
import { MemoryDataplane } from '../support/memory_dataplane.ts';
import { destination, rule } from '../support/rules.ts';

const folder = mkdtempSync(join(tmpdir(), 'xlvs-journal-'));
const path = join(folder, '1.journal');

beforeEach(() => {
  for (const file of [path, `${path}.damaged`]) rmSync(file, { force: true });
});
afterAll(() => rmSync(folder, { recursive: true }));

/** A director that writes the journal, after a life. */
function written(life: (director: Director, dataplane: MemoryDataplane) => void): Director {
  const journal = new Journal(path, { cookie: '1' }, []);
  const dataplane = new MemoryDataplane();
  const director = new Director(dataplane, (entries) => journal.append(entries));
  life(director, dataplane);
  journal.close();
  return director;
}

/** What the next daemon makes of the file. */
function read(cookie = '1'): { director: Director; complaints: readonly string[] } {
  const director = new Director(new MemoryDataplane());
  return { director, complaints: replayJournal(path, cookie, (entry) => director.replay(entry)) };
}

function withoutCursors(director: Director): unknown[] {
  return director.entries().map((entry) => ({ ...entry, progress: undefined }));
}

/** One service with destinations 1 and 2: a line each, the first line of the file before them. */
const small = (director: Director) =>
  director.applyAll([
    rule.add(),
    rule.addDestination(destination(1)),
    rule.addDestination(destination(2)),
  ]);

function lines(): string[] {
  return readFileSync(path, 'utf8').split('\n').slice(0, -1);
}

test('a director that reads the file is the one that wrote it', () => {
  fc.assert(
    fc.property(happenings, (life) => {
      const director = written((one, dataplane) => live(one, dataplane, life));
      const { director: next, complaints } = read();
      expect(complaints).toEqual([]);
      expect(withoutCursors(next)).toEqual(withoutCursors(director));
    }),
    { numRuns: 50 },
  );
});

test('a kill at any byte of the last line loses that line alone', () => {
  written(small);
  const whole = readFileSync(path);
  const last = whole.lastIndexOf('\n', whole.length - 2) + 1;
  for (let size = last; size < whole.length; size++) {
    writeFileSync(path, whole.subarray(0, size));
    const { director: next, complaints } = read();
    expect(complaints).toEqual([]);
    expect(next.services[0]!.destinations.map(({ address }) => address)).toEqual(['10.0.0.1']);
  }
});

test('a damaged line is told by its number; those around it are kept, and so is the file', () => {
  written(small);
  const [head, service, one, two] = lines();
  const damaged = [head, service, one!.slice(0, 40), two, ''].join('\n');
  writeFileSync(path, damaged);
  const { director, complaints } = read();
  expect(complaints).toEqual([expect.stringContaining(`${path}, line 3, is left out: `)]);
  expect(director.services[0]!.destinations.map(({ address }) => address)).toEqual(['10.0.0.2']);
  expect(readFileSync(`${path}.damaged`, 'utf8')).toBe(damaged);
});

test('a line that no longer applies is left out, with its reason', () => {
  written(small);
  const [head, , one] = lines();
  writeFileSync(path, `${head}\n${one}\n`);
  const { director, complaints } = read();
  expect(complaints).toEqual([
    expect.stringContaining('line 2, is left out: expected an existing'),
  ]);
  expect(director.services).toEqual([]);
});

test.each([
  ['no entry', '{"entry":"nonsense"}', 'entry: expected operation or release'],
  ['an impossible port', '{"entry":"release","indices":[-1]}', 'indices[0]: expected 0 to'],
])('%s says what was expected and received', (_name, line, reason) => {
  written(() => undefined);
  writeFileSync(path, `${lines()[0]}\n${line}\n`);
  expect(read().complaints[0]).toContain(`line 2, is left out: ${reason}`);
});

test("another namespace's journal is told", () => {
  written(small);
  expect(read('2').complaints).toEqual([
    expect.stringContaining('line 1, is left out: cookie: expected 2, received "1"'),
  ]);
});

test('no file is no rules', () => {
  expect(read()).toMatchObject({ complaints: [] });
});

test('compaction puts the fewest lines in the place of many', () => {
  const journal = new Journal(path, { cookie: '1' }, []);
  const director = new Director(new MemoryDataplane(), (entries) => journal.append(entries));
  small(director);
  expect(journal.wantsCompaction()).toBe(false);
  for (let weight = 0; weight < 1000; weight++) {
    director.apply(rule.editDestination(destination(1, { weight })));
  }
  // As long as it grows, more may come.
  expect(journal.wantsCompaction()).toBe(false);
  expect(journal.wantsCompaction()).toBe(true);
  journal.compact(director.entries());
  expect(journal.wantsCompaction()).toBe(false);
  expect(lines().length).toBe(1 + director.entries().length);

  director.apply(rule.editDestination(destination(1, { weight: 7 })));
  expect(read().director.entries()).toEqual(director.entries());
  expect(existsSync(`${path}.new`)).toBe(false);
  journal.close();
});

test('the file is its owner’s alone', () => {
  new Journal(path, { cookie: '1' }, []).close();
  expect(statSync(path).mode & 0o777).toBe(0o600);
});

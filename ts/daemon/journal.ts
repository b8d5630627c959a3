import {
  closeSync,
  copyFileSync,
  ftruncateSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { parseShape } from '../api/shape.ts';
import type { JournalEntry } from '../lvs/journal_entry.ts';
import { journalEntrySchema, journalHeadSchema } from './journal_schema.ts';
import type { NamespaceName } from './namespace.ts';

/**
 * The rules beside the data plane: a file in memory (/run), which a daemon that is killed leaves
 * to the next one.
 *
 *   {"journal":"xlvs","version":1,"cookie":"4711", …}   the namespace whose rules they are
 *   {"entry":"operation", …}                            one JournalEntry a line
 *
 * A line is written before its change is answered. A kill in the middle of a write leaves a last
 * line without an end; nobody was told that its change is done, so it is left out.
 */
export class Journal {
  readonly #path: string;
  readonly #owner: JournalOwner;
  #file: { readonly fd: number; readonly compactSize: number };
  #size: number;
  #sizeAsked = 0;

  /** Begins a journal with these entries, in the place of the one that is there. */
  constructor(path: string, owner: JournalOwner, entries: readonly JournalEntry[]) {
    this.#path = path;
    this.#owner = owner;
    this.#file = this.#begin(entries);
    this.#size = this.#file.compactSize;
  }

  /** Writes lines. Throws, and leaves nothing of them, when there is no room. */
  append(entries: readonly JournalEntry[]): void {
    const { fd } = this.#file;
    try {
      this.#size += writeLines(fd, entries);
    } catch (error) {
      ftruncateSync(fd, this.#size);
      throw error;
    }
  }

  /**
   * Whether the file is more than twice what it was when compact, and worth the effort. To be
   * asked every now and then: as long as it grows, rules may be on their way that it would be
   * compacted for in vain.
   */
  wantsCompaction(): boolean {
    const rests = this.#size === this.#sizeAsked;
    this.#sizeAsked = this.#size;
    const { compactSize } = this.#file;
    return this.#size > 2 * compactSize + (rests ? WORTH_BYTES : BOUND_BYTES);
  }

  /** Puts the fewest lines in the place of all. When it fails, the old file goes on. */
  compact(entries: readonly JournalEntry[]): void {
    const { fd } = this.#file;
    this.#file = this.#begin(entries);
    this.#size = this.#file.compactSize;
    closeSync(fd);
  }

  close(): void {
    closeSync(this.#file.fd);
  }

  #begin(entries: readonly JournalEntry[]): { fd: number; compactSize: number } {
    const temporary = `${this.#path}.new`;
    rmSync(temporary, { force: true });
    const fd = openSync(temporary, 'ax', 0o600);
    try {
      const head = { journal: 'xlvs', version: 1, ...this.#owner };
      const compactSize = writeLines(fd, [head]) + writeLines(fd, entries);
      renameSync(temporary, this.#path);
      return { fd, compactSize };
    } catch (error) {
      closeSync(fd);
      rmSync(temporary, { force: true });
      throw error;
    }
  }
}

/** The network namespace whose rules a journal holds. */
export interface JournalOwner {
  readonly cookie: string;
  /** What `ip netns` knew it by, so that it can be told when the namespace is gone. */
  readonly namespace?: NamespaceName;
}

/** No journal is compacted for less. */
const WORTH_BYTES = 65_536;

/** One that keeps growing is compacted for this. */
const BOUND_BYTES = 134_217_728;

/**
 * Hands every line of the journal, which need not exist, to `replay`, in order. A line that
 * cannot be read, or does not apply any more since a line before it is lost, is left out; then
 * the file is kept as `<path>.damaged`. Returns what there is to complain of.
 */
export function replayJournal(
  path: string,
  cookie: string,
  replay: (entry: JournalEntry) => void,
): readonly string[] {
  const text = readIfThere(path);
  const lines = text.split('\n').slice(0, -1); // what no newline ends was torn
  const complaints: string[] = [];
  for (const [i, line] of lines.entries()) {
    try {
      const value: unknown = JSON.parse(line);
      if (i > 0) replay(parseShape(journalEntrySchema, value));
      else parseShape(journalHeadSchema(cookie), value);
    } catch (error) {
      const reason = error instanceof Error ? error.message.split('\n')[0] : String(error);
      complaints.push(`${path}, line ${i + 1}, is left out: ${reason}`);
    }
  }
  if (complaints.length > 0) copyFileSync(path, `${path}.damaged`);
  return complaints;
}

/** Writes lines, and returns how many bytes they are. */
function writeLines(fd: number, lines: readonly object[]): number {
  const bytes = Buffer.from(lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
  for (let at = 0; at < bytes.length; ) at += writeSync(fd, bytes, at);
  return bytes.length;
}

function readIfThere(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return '';
    throw error;
  }
}

import { existsSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { journalNamespaceSchema } from './journal_schema.ts';
import { hasName, type NamespaceName } from './namespace.ts';

/** A daemon that begins has a log, and after some milliseconds more than that. */
const BEGUN_MS = 60_000;

/**
 * Removes what was left in the folder of daemons that were stopped or killed before their
 * network namespaces went, or killed as they began. Their cookies never come again, but memory is
 * not to be lost for it.
 */
export function removeOrphans(folder: string, lives = hasName): void {
  for (const file of readdirSync(folder)) {
    if (!file.endsWith('.journal')) continue;
    const namespace = namespaceOf(join(folder, file));
    if (namespace === undefined || lives(namespace)) continue;
    const cookie = file.slice(0, -'.journal'.length);
    for (const kind of ['journal', 'journal.damaged', 'lock', 'log', 'sock']) {
      rmSync(join(folder, `${cookie}.${kind}`), { force: true });
    }
  }
  for (const file of readdirSync(folder)) {
    const path = join(folder, file);
    if (isDangling(path) || isLoneLog(path)) rmSync(path, { force: true });
  }
}

/** Whether it is a link of which the socket is gone; that is there before its link is made. */
function isDangling(path: string): boolean {
  return basename(path).startsWith('netns-') && !existsSync(path);
}

/** Whether it is the log of a daemon of which there is nothing else, and was nothing else. */
function isLoneLog(path: string): boolean {
  if (!path.endsWith('.log')) return false;
  const others = ['journal', 'lock', 'sock'].map((kind) => path.replace(/log$/, kind));
  if (others.some((other) => existsSync(other))) return false;
  const written = statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? Number.POSITIVE_INFINITY;
  return Date.now() - written > BEGUN_MS;
}

/** The namespace that a journal says it belongs to, where it had a name. */
function namespaceOf(path: string): NamespaceName | undefined {
  try {
    const [head = ''] = readFileSync(path, 'utf8').split('\n', 1);
    return journalNamespaceSchema.safeParse(JSON.parse(head)).data?.namespace;
  } catch {
    return undefined;
  }
}

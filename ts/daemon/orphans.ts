import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { journalNamespaceSchema } from './journal_schema.ts';
import { hasName, type NamespaceName } from './namespace.ts';

/**
 * Removes what was left in the folder of daemons that were stopped or killed before their
 * network namespaces went. Their cookies never come again, but memory is not to be lost for it.
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

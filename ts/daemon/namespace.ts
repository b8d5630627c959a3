import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';

/** Where the kernel shows a process its namespaces, and where iproute2 names them. */
export interface NamespacePlaces {
  readonly own: string;
  readonly names: string;
}

const PLACES: NamespacePlaces = { own: '/proc/self/ns/net', names: '/run/netns' };

/** A network namespace by the name that `ip netns` knows it by. */
export interface NamespaceName {
  readonly name: string;
  /** Of two namespaces that live at once, no two have one. */
  readonly inode: number;
}

/** The inode of this process's network namespace. */
export function namespaceInode({ own } = PLACES): number {
  return statSync(own).ino;
}

/**
 * This process's network namespace by its name, if it has one. Only such a namespace was made
 * for somebody's purpose: the machine's own has none.
 */
export function namespaceName(places = PLACES): NamespaceName | undefined {
  const inode = namespaceInode(places);
  return listed(places.names)
    .map((name) => ({ name, inode }))
    .find((namespace) => hasName(namespace, places));
}

/** Whether the namespace has that name still. */
export function hasName({ name, inode }: NamespaceName, { names } = PLACES): boolean {
  return statSync(join(names, name), { throwIfNoEntry: false })?.ino === inode;
}

function listed(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

import { linkSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { hasName, namespaceInode, namespaceName } from '../../ts/daemon/namespace.ts';

let folder: string;
let places: { own: string; names: string };

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'xlvs-namespace-'));
  places = { own: join(folder, 'own'), names: join(folder, 'netns') };
  writeFileSync(places.own, '');
  mkdirSync(places.names);
  writeFileSync(join(places.names, 'other'), '');
});
afterEach(() => rmSync(folder, { recursive: true }));

test('a namespace has the name whose inode is its own', () => {
  linkSync(places.own, join(places.names, 'director'));
  const namespace = { name: 'director', inode: statSync(places.own).ino };
  expect(namespaceName(places)).toEqual(namespace);
  expect(hasName(namespace, places)).toBe(true);
});

test('a namespace that nobody named has none', () => {
  expect(namespaceName(places)).toBeUndefined();
  rmSync(places.names, { recursive: true });
  expect(namespaceName(places)).toBeUndefined();
});

test('a name is gone once it is removed', () => {
  const name = join(places.names, 'director');
  linkSync(places.own, name);
  const namespace = namespaceName(places)!;
  rmSync(name);
  expect(hasName(namespace, places)).toBe(false);
  writeFileSync(name, ''); // another namespace gets the name
  expect(hasName(namespace, places)).toBe(false);
  expect(namespaceName(places)).toBeUndefined();
});

test('this process has a namespace', () => {
  expect(namespaceInode()).toBeGreaterThan(0);
});

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../../ts/native/addon.ts';

/** Where recordings are, with the scenarios that made them. */
export const vectors = join(packageRoot(), 'test/vectors');

/** The cases of a recording below test/vectors. */
export function readRecording<Case>(recording: string): Case[] {
  return parseLines<Case>(readFileSync(join(vectors, recording), 'utf8'));
}

/** The values of a text that has one JSON value a line. */
export function parseLines<T>(text: string): T[] {
  const lines = text.split('\n').filter((line) => line !== '');
  return lines.map((line) => JSON.parse(line) as T);
}

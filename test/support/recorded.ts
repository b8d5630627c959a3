import { copyFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { expect, test } from 'vitest';
import { packageRoot } from '../../ts/native/addon.ts';
import * as oracle from './oracle.ts';

/** The cases of a recording below test/vectors, one JSON value a line. */
export function readRecording<Case>(recording: string): Case[] {
  const lines = readFileSync(path(recording), 'utf8').trimEnd().split('\n');
  return lines.map((line) => JSON.parse(line) as Case);
}

/**
 * Defines the test that the kernel still does what was recorded: the scenario of the same name
 * beside the recording makes it again, byte for byte. Skipped where there is no oracle. With
 * XLVS_RECORD=1 in the environment, what it made becomes the recording.
 */
export function testRecording(recording: string): void {
  const why = oracle.unavailable();
  const name = `${recording} is what kernel IPVS does`;
  test.skipIf(why)(
    why === undefined ? name : `${name} (skipped: ${why})`,
    { timeout: 320_000 },
    async () => {
      const scenario = path(recording.replace(/jsonl$/, 'py'));
      const made = mkdtempSync(join(tmpdir(), 'xlvs-recording-'));
      try {
        await oracle.run(scenario, made);
        if (process.env.XLVS_RECORD) copyFileSync(join(made, basename(recording)), path(recording));
        const again = readFileSync(join(made, basename(recording)), 'utf8');
        expect(again.split('\n')).toEqual(readFileSync(path(recording), 'utf8').split('\n'));
      } finally {
        rmSync(made, { recursive: true });
      }
    },
  );
}

function path(recording: string): string {
  return resolve(packageRoot(), 'test/vectors', recording);
}

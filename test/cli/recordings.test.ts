import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { run, unavailable } from '../support/oracle.ts';
import {
  type Answer,
  ask,
  memoryDirector,
  parseLines,
  type Recorded,
  readRecording,
  vectors,
} from './recordings.ts';

/** The text of -h is in our own words; only how it begins, and its status, are ipvsadm's. */
function withoutHelp(answer: Answer): Answer {
  return { ...answer, stdout: answer.stdout.replace(/(?<=^Usage:\n)[\s\S]*/m, '') };
}

test.for(['rules', 'grammar', 'values', 'restore', 'figures'])(
  'every command line of %s is answered as ipvsadm answers it',
  async (name) => {
    const director = memoryDirector();
    let listing: string | undefined;
    for (const recorded of readRecording<Recorded>(name)) {
      const { args, stdout, stderr, status } = recorded;
      const answer = await ask(director, recorded);
      expect({ args, ...withoutHelp(answer) }).toEqual({
        args,
        ...withoutHelp({ stdout, stderr, status }),
      });
      listing = recorded.listing ?? listing;
      if (listing === undefined) continue;
      const now = await ask(director, { args: ['-Ln'] });
      expect({ args, listing: now.stdout }).toEqual({ args, listing });
    }
  },
);

/** Answers of a kernel, which ipvsadm only asks when it finds nothing wrong itself. */
const ofKernel = /^(Service|Destination|No such|No daemon|Scheduler|Invalid operation|Numerical|$)/;

test('an option of a later issue is refused where ipvsadm would take it', async () => {
  const director = memoryDirector();
  let refused = 0;
  for (const { args, stdin, ...recorded } of readRecording<Recorded>('later')) {
    const { stdout, stderr, status } = await ask(director, { args, stdin: stdin ?? '' });
    if (stderr.endsWith(' is not supported yet\n')) {
      refused += 1;
      expect({ args, stdout, stderr: stderr.match(/^xlvs: --[a-z-6]+ /) !== null }).toEqual({
        args,
        stdout: '',
        stderr: true,
      });
      expect(status).toBe(2);
      expect(recorded.stderr).toMatch(ofKernel);
    } else {
      const { stdout: out, stderr: err, status: code } = recorded;
      expect({ args, stdout, stderr, status }).toEqual({
        args,
        stdout: out,
        stderr: err,
        status: code,
      });
    }
  }
  expect(refused).toBeGreaterThan(30);
});

/** What is another number each time: seconds until a connection expires, and the list's order. */
function steady(name: string, text: string): unknown {
  if (name !== 'traffic') return text;
  return parseLines<Record<string, string>>(text).map((listings) =>
    Object.entries(listings).map(([args, listing]) => [
      args,
      listing
        .replace(/\d+$/gm, '')
        .replace(/\b\d\d:\d\d\b/g, '')
        .split('\n')
        .sort(),
    ]),
  );
}

const recordings = ['rules', 'grammar', 'figures', 'later', 'values', 'restore', 'traffic'];
const reason = unavailable();

test.skipIf(reason !== undefined).for(recordings)(
  `%s is what a kernel IPVS answers today${reason === undefined ? '' : ` (${reason})`}`,
  { timeout: 180_000 },
  async (name) => {
    const out = mkdtempSync(join(tmpdir(), 'xlvs-recording-'));
    try {
      const scenario = join(out, 'scenario.py');
      const parts = ['recorder.py', `${name}.py`].map((part) => join(vectors, part));
      writeFileSync(scenario, parts.map((part) => readFileSync(part, 'utf8')).join('\n'));
      await run(scenario, out);
      for (const file of [`${name}.jsonl`, 'hosts', 'services']) {
        const text = readFileSync(join(out, file), 'utf8');
        if (process.env.XLVS_RECORD) writeFileSync(join(vectors, file), text);
        const recorded = readFileSync(join(vectors, file), 'utf8');
        expect(file.endsWith('.jsonl') ? steady(name, text) : text).toEqual(
          file.endsWith('.jsonl') ? steady(name, recorded) : recorded,
        );
      }
    } finally {
      rmSync(out, { recursive: true });
    }
  },
);

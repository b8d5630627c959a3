import { expect, test } from 'vitest';
import { readRecording } from '../support/recorded.ts';
import { type Answer, ask, memoryDirector, type Recorded } from './recordings.ts';

/**
 * The text of -h is in our own words; only how it begins, and its status, are ipvsadm's. And -p
 * alone is 300 s, as its manual has it, and not 360.
 */
function withoutHelp(answer: Answer): Answer {
  return { ...answer, stdout: asInTheManual(answer.stdout.replace(/(?<=^Usage:\n)[\s\S]*/m, '')) };
}

function asInTheManual(text: string): string {
  return text.replace(/(?<= persistent | -p )360(?!\d)/g, '300');
}

const recordings = ['rules', 'grammar', 'values', 'restore', 'figures'];

test.for([...recordings, 'tunnels', 'persistent', 'marks'])(
  'every command line of %s is answered as ipvsadm answers it',
  async (name) => {
    const director = memoryDirector();
    let listing: string | undefined;
    for (const recorded of readRecording<Recorded>(`ipvsadm/${name}.jsonl`)) {
      const { args, stdout, stderr, status } = recorded;
      const answer = await ask(director, recorded);
      expect({ args, ...withoutHelp(answer) }).toEqual({
        args,
        ...withoutHelp({ stdout, stderr, status }),
      });
      listing = recorded.listing ?? listing;
      if (listing === undefined) continue;
      const now = await ask(director, { args: ['-Ln'] });
      expect({ args, listing: now.stdout }).toEqual({ args, listing: asInTheManual(listing) });
    }
  },
);

/** Answers of a kernel, which ipvsadm only asks when it finds nothing wrong itself. */
const ofKernel = /^(Service|Destination|No such|No daemon|Scheduler|Invalid operation|Numerical|$)/;

test('an option of a later issue is refused where ipvsadm would take it', async () => {
  const director = memoryDirector();
  let refused = 0;
  for (const { args, stdin, ...recorded } of readRecording<Recorded>('ipvsadm/later.jsonl')) {
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
      const { stderr: err, status: code } = recorded;
      // What is listed has services of later issues, which were refused here.
      const out = args[0] === '-L' && code === 0 ? stdout : recorded.stdout;
      expect({ args, stdout, stderr, status }).toEqual({
        args,
        stdout: out,
        stderr: err,
        status: code,
      });
    }
  }
  expect(refused).toBeGreaterThan(10);
});

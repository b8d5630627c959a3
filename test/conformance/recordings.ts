import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { otherListings, type Tick } from '../cli/rates.ts';
import { newHistories, RECORDED_SEED, recordedHistories } from '../support/histories.ts';
import { run, unavailable } from '../support/oracle.ts';
import { comparable, type PersistenceCase, type Result } from '../support/persistence.ts';
import { parseLines, vectors } from '../support/recorded.ts';

/**
 * `npm run recordings [-- --write] [NAME]…`: has a real kernel IPVS answer anew what test/vectors
 * holds, all of it or what is named, and compares. A line each; ends with status 1 when something
 * differs. With `--write`, what was recorded anew takes the place of what differs from it.
 */
const { values, positionals } = parseArgs({
  options: { write: { type: 'boolean', default: false } },
  allowPositionals: true,
});

/** What a scenario makes, and how it is compared with what is recorded. */
interface Recording {
  /** Below test/vectors, without the `.jsonl` of the recording and the `.py` of the scenario. */
  readonly name: string;
  /** What the scenario begins with: another file of its folder. */
  readonly prelude?: string;
  /** Other files that it makes. */
  readonly beside?: readonly string[];
  /** Whether what was made says the same as what is recorded; the same bytes, if not told. */
  readonly agrees?: (made: string, recorded: string) => boolean | Promise<boolean>;
}

const ipvsadm = { prelude: 'recorder.py', beside: ['hosts', 'services'] } as const;

const recordings: readonly Recording[] = [
  { name: 'director/director' },
  { name: 'datapath/packets' },
  { name: 'datapath/states' },
  { name: 'datapath/settings' },
  { name: 'datapath/tunnels' },
  { name: 'schedulers/schedulers' },
  { name: 'schedulers/tables' },
  { name: 'ipvsadm/rules', ...ipvsadm },
  { name: 'ipvsadm/grammar', ...ipvsadm },
  { name: 'ipvsadm/marks', ...ipvsadm },
  { name: 'ipvsadm/values', ...ipvsadm },
  { name: 'ipvsadm/restore', ...ipvsadm },
  { name: 'ipvsadm/figures', ...ipvsadm },
  { name: 'ipvsadm/later', ...ipvsadm },
  { name: 'ipvsadm/tunnels', ...ipvsadm },
  { name: 'ipvsadm/persistent', ...ipvsadm },
  { name: 'ipvsadm/marks', ...ipvsadm },
  {
    name: 'ipvsadm/traffic',
    ...ipvsadm,
    agrees: (made, recorded) => steady(made) === steady(recorded),
  },
  { name: 'persistence/persistence', agrees: agreeInTime },
  // Other packets are counted each time: our listings of them have to be the kernel's.
  {
    name: 'ipvsadm/rates',
    agrees: async (made) => (await otherListings(parseLines<Tick>(made))).length === 0,
  },
];

/** Whether cases agree, but for the seconds that a busy machine needs. */
function agreeInTime(made: string, recorded: string): boolean {
  const results = (text: string) =>
    parseLines<PersistenceCase>(text).flatMap(({ name, steps }) =>
      steps.map((step) => ({ name, ...step })),
    );
  const [ours, theirs] = [results(made), results(recorded)];
  const text = (result: Result, to: Result) =>
    JSON.stringify({ ...result, ...comparable(result, to) });
  return (
    ours.length === theirs.length &&
    ours.every((result, i) => text(result, theirs[i]!) === text(theirs[i]!, theirs[i]!))
  );
}

/** Listings without what is another each time: seconds until a connection expires, the order. */
function steady(listings: string): string {
  return parseLines<Record<string, string>>(listings)
    .flatMap(Object.entries)
    .map(([args, listing]: [string, string]) => {
      const lines = listing.replace(/\d+$/gm, '').replace(/\b\d\d:\d\d\b/g, '');
      return [args, ...lines.split('\n').sort()].join('\n');
    })
    .join('\n');
}

/** Makes a recording in the folder; the files that differ from those in test/vectors. */
async function differing(recording: Recording, folder: string): Promise<string[]> {
  const { name, prelude, beside = [], agrees = (a, b) => a === b } = recording;
  const home = dirname(name);
  let scenario = join(vectors, `${name}.py`);
  if (prelude !== undefined) {
    const parts = [join(home, prelude), `${name}.py`].map(recorded);
    scenario = join(folder, 'scenario.py');
    writeFileSync(scenario, parts.join('\n'));
  }
  await run(scenario, folder);
  const made = (file: string) => readFileSync(join(folder, file.slice(home.length)), 'utf8');
  const main = `${name}.jsonl`;
  const others = beside.map((file) => join(home, file));
  return [
    ...((await agrees(made(main), recorded(main))) ? [] : [main]),
    ...others.filter((file) => made(file) !== recorded(file)),
  ];
}

function recorded(file: string): string {
  return readFileSync(join(vectors, file), 'utf8');
}

/** What is said of a recording, after it has been made anew. */
async function check(recording: Recording): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'xlvs-recording-'));
  try {
    const files = await differing(recording, folder);
    if (files.length === 0) return 'the same';
    if (!values.write) return `DIFFERS: ${files.join(' ')}`;
    const home = dirname(recording.name);
    for (const file of files) {
      copyFileSync(join(folder, file.slice(home.length)), join(vectors, file));
    }
    return `written: ${files.join(' ')}`;
  } catch (error) {
    return `FAILED: ${(error as Error).message}`;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** The second round of the histories; `npm run conformance -- --record` writes them, all rounds. */
async function checkHistories(): Promise<string> {
  const before = new Map(recordedHistories().map((one) => [one.name, JSON.stringify(one)]));
  const made = await newHistories({ seed: RECORDED_SEED, first: 1, count: 1 });
  // Where a machine was too slow, then or now, a history was left out.
  const both = made.filter(({ name }) => before.has(name));
  const other = both.filter((one) => JSON.stringify(one) !== before.get(one.name));
  if (both.length === 0) return 'FAILED: too slow a machine';
  if (other.length > 0) return `DIFFERS: ${other.map(({ name }) => name).join(', ')}`;
  return `the same: ${both.length} of them`;
}

async function tell(name: string, answer: () => Promise<string>): Promise<void> {
  if (positionals.length > 0 && !positionals.includes(name)) return;
  const said = await answer();
  console.log(`${name.padEnd(24)}${said}`);
  if (/^[A-Z]/.test(said)) process.exitCode = 1;
}

const why = unavailable();
if (why !== undefined) {
  throw new Error(`expected the recorder of a kernel IPVS (XLVS_ORACLE): ${why}`);
}
for (const recording of recordings) await tell(recording.name, () => check(recording));
await tell('schedulers/histories', checkHistories);

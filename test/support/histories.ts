import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as oracle from './oracle.ts';
import { parseLines, vectors } from './recorded.ts';
import type { History } from './replay.ts';

/** Which histories: rounds of a seed, a round being four of each scheduler. */
export interface Rounds {
  readonly seed: string;
  readonly first: number;
  readonly count: number;
  /** Names of schedulers; all where there are none. */
  readonly only?: readonly string[];
}

const folder = join(vectors, 'schedulers');

const recording = join(folder, 'histories.jsonl');

/** The recorded histories: rounds of RECORDED_SEED, and longer ones. */
export function recordedHistories(): History[] {
  return [...parse(recording), ...parse(join(folder, 'expiry.jsonl'))];
}

/** Whether destinations may be overloaded in it. */
export function hasThresholds({ events }: History): boolean {
  return events.some((event) => /^(add|edit) \w+ \d+ [1-9]/.test(event));
}

/** Those whose choices the data plane carries out without asking. */
const AHEAD = ['rr', 'wrr', 'dh', 'sh', 'mh'];

/**
 * Whether its service is to be one by one (`-b exact`), and not by ticket or table: where its
 * scheduler looks at connections, or tickets of overloaded destinations would be used up.
 */
export function isExact(history: History): boolean {
  return hasThresholds(history) || !AHEAD.includes(history.scheduler);
}

/** What the recorded histories were made from. */
export const RECORDED_SEED = '1';

/** Records so many rounds anew. */
export async function recordHistories(rounds: number): Promise<void> {
  writeFileSync(recording, '');
  for (let first = 0; first < rounds; first++) {
    const histories = await newHistories({ seed: RECORDED_SEED, first, count: 1 });
    for (const history of histories) appendFileSync(recording, `${JSON.stringify(history)}\n`);
  }
}

/**
 * What a real kernel IPVS does in these histories, made now. Rounds in which the machine was too
 * slow are left out. It takes half a minute a round, most of which passes asleep.
 */
export async function newHistories({ seed, first, count, only = [] }: Rounds): Promise<History[]> {
  const made = mkdtempSync(join(tmpdir(), 'xlvs-histories-'));
  try {
    await oracle.run(join(folder, 'histories.py'), made, {
      SC_SEED: seed,
      SC_FIRST: String(first),
      SC_ROUNDS: String(count),
      SC_ONLY: only.join(' '),
    });
    return parse(join(made, 'histories.jsonl'));
  } finally {
    rmSync(made, { recursive: true });
  }
}

function parse(path: string): History[] {
  return parseLines<History>(readFileSync(path, 'utf8'));
}

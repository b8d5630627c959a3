import { readFileSync } from 'node:fs';
import { parseCommandLine } from '../cli/ipvsadm.ts';
import { refusalText, status, UsageError } from '../cli/messages.ts';
import { systemNames } from '../cli/names.ts';
import { wordsOf } from '../cli/restore.ts';
import type { Director } from '../lvs/director.ts';
import { InputError } from './event.ts';

const names = systemNames();

/** What ipvsadm would have answered to a command line. */
export interface RuleOutcome {
  readonly status: number;
  readonly stderr: string;
}

/** Carries out a change of the rules that is spelled as for ipvsadm. */
export async function applyRule(director: Director, line: string): Promise<RuleOutcome> {
  try {
    const request = await parseCommandLine(wordsOf(line), names, 'rule file');
    if (request.kind !== 'change') throw new UsageError('xlvs: expected a change of the rules');
    const { operation } = request;
    const [result] = director.applyAll([operation]);
    if (result === undefined || result.ok) return { status: status.done, stderr: '' };
    return { status: status.refused, stderr: `${refusalText(operation, result.code)}\n` };
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    return { status: error.status, stderr: `${error.message}\n` };
  }
}

/** Carries out the lines of a file as `ipvsadm -S -n` prints them. Throws InputError. */
export async function loadRules(director: Director, path: string): Promise<void> {
  for (const [i, line] of readFileSync(path, 'utf8').split('\n').entries()) {
    if (wordsOf(line).length === 0) continue;
    const { status, stderr } = await applyRule(director, line);
    if (status !== 0) throw new InputError(`${path}:${i + 1}: ${stderr.trimEnd()}`);
  }
}

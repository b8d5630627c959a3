import { execFile } from 'node:child_process';
import { accessSync, constants, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { packageRoot } from '../../ts/native/addon.ts';

/**
 * A real kernel IPVS, when this machine has one: the program `ipvs-oracle` boots it in User Mode
 * Linux and runs a scenario in it. Recorded expectations are made, and checked, with it.
 */

const beside = resolve(packageRoot(), '../shared/ipvs-oracle/ipvs-oracle');
const oracle = process.env.XLVS_ORACLE ?? beside;
const needs = [oracle, '/usr/bin/linux.uml', '/usr/sbin/ipvsadm', '/usr/bin/python3'];

/** Why the oracle cannot be asked here, for the skipped test's name; undefined when it can. */
export function unavailable(): string | undefined {
  const missing = needs.filter((path) => !executable(path)).map((path) => basename(path));
  return missing.length > 0 ? `no ${missing.join(', no ')}` : undefined;
}

/**
 * Runs a scenario (self-contained; `.py` with labnet's names to import, or `.sh`) as root of the
 * oracle's guest. What it writes into its working directory is in outDir afterwards, and what it
 * prints in outDir/log. Rejects with the end of that log when the scenario fails. Of the variables,
 * it finds those whose names begin with SC_.
 */
export async function run(
  scenario: string,
  outDir: string,
  variables: Readonly<Record<string, string>> = {},
): Promise<void> {
  mkdirSync(outDir, { recursive: true });
  const script = join(outDir, 'scenario.sh');
  writeFileSync(script, shellScript(scenario));
  try {
    const env = { ORACLE_TIMEOUT: '300', ...process.env, ...variables };
    await promisify(execFile)(oracle, [script, outDir], { env });
  } catch (cause) {
    const log = readFileSync(join(outDir, 'log'), { encoding: 'utf8', flag: 'a+' });
    throw new Error(`${basename(scenario)} failed in the oracle: ${log.slice(-2000)}`, { cause });
  }
}

/** The guest may not see the scenario's own folder, so its text travels in the script. */
function shellScript(scenario: string): string {
  const text = readFileSync(scenario, 'utf8');
  if (!scenario.endsWith('.py')) return text;
  const python = 'PYTHONPATH=$LAB PYTHONDONTWRITEBYTECODE=1 /usr/bin/python3';
  const end = 'END OF SCENARIO';
  return `cat > /tmp/scenario.py <<'${end}'\n${text}\n${end}\n${python} /tmp/scenario.py\n`;
}

function executable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

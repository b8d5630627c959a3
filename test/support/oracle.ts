import { execFile } from 'node:child_process';
import {
  accessSync,
  constants,
  mkdirSync,
  readdirSync,
  readFileSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { packageRoot } from '../../ts/native/addon.ts';

/**
 * A real kernel IPVS, when this machine has one: the program `ipvs-oracle` boots it in User Mode
 * Linux and runs a scenario in it. Recorded expectations are made, and checked, with it.
 */

const beside = resolve(packageRoot(), '../shared/ipvs-oracle/ipvs-oracle');
const oracle = process.env.XLVS_ORACLE ?? beside;
/** Of a scenario that says that the machine was too slow for what it records: sysexits.h. */
const TRY_AGAIN = 75;
const ATTEMPTS = 3;
const needs = [oracle, '/usr/bin/linux.uml', '/usr/sbin/ipvsadm', '/usr/bin/python3'];

/** Why the oracle cannot be asked here, for the skipped test's name; undefined when it can. */
export function unavailable(): string | undefined {
  const missing = needs.filter((path) => !executable(path)).map((path) => basename(path));
  return missing.length > 0 ? `no ${missing.join(', no ')}` : undefined;
}

/**
 * Runs a scenario (`.py`, with labnet and what stands beside it to import, or `.sh`) as root of the
 * oracle's guest. What it writes into its working directory is in outDir afterwards, and what it
 * prints in outDir/log. Rejects with the end of that log when the scenario fails; when the machine
 * was too slow for it, it runs again, three times at most. Of the variables, it finds those whose
 * names begin with SC_.
 */
export async function run(
  scenario: string,
  outDir: string,
  variables: Readonly<Record<string, string>> = {},
): Promise<void> {
  mkdirSync(outDir, { recursive: true });
  const script = join(outDir, 'scenario.sh');
  writeFileSync(script, shellScript(scenario));
  const env = { ORACLE_TIMEOUT: '1800', ...process.env, ...variables };
  for (let attempt = 1; ; attempt++) {
    try {
      await promisify(execFile)(oracle, [script, outDir], { env });
      return;
    } catch (cause) {
      const isSlow = (cause as { code?: unknown }).code === TRY_AGAIN;
      if (isSlow && attempt < ATTEMPTS) continue;
      if (isSlow) throw new Error('the machine was too slow, again and again', { cause });
      const log = readFileSync(join(outDir, 'log'), { encoding: 'utf8', flag: 'a+' });
      throw new Error(`${basename(scenario)} failed in the oracle: ${log.slice(-2000)}`, { cause });
    }
  }
}

/** The guest may not see the scenario's own folder, so all scripts there travel in this one. */
function shellScript(scenario: string): string {
  if (!scenario.endsWith('.py')) return readFileSync(scenario, 'utf8');
  const folder = dirname(scenario);
  const scripts = readdirSync(folder).filter((name) => name.endsWith('.py'));
  const end = 'END OF SCENARIO';
  const texts = scripts.map((name) => {
    return `cat > /tmp/${name} <<'${end}'\n${readFileSync(join(folder, name), 'utf8')}\n${end}\n`;
  });
  const python = 'PYTHONPATH=$LAB PYTHONDONTWRITEBYTECODE=1 /usr/bin/python3';
  return `${texts.join('')}${python} /tmp/${basename(scenario)}\n`;
}

function executable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

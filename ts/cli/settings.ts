import { Command } from 'commander';
import { Client } from '../api/client.ts';
import type { SettingsReply } from '../api/types.ts';
import type { Operation } from '../lvs/operation.ts';

/** `xlvs set`. */
export function setCommand(): Command {
  return new Command('set')
    .description('change settings, as the names of `xlvs get`; they outlive the daemon')
    .argument('<name=value...>')
    .action(async (words: readonly string[]) => {
      const client = new Client();
      const settings = parseAssignments(words, Object.keys(await client.settings()));
      // The daemon reads the values: a number, or a word where a setting has words.
      const operation = { op: 'setSettings', settings } as unknown as Operation;
      const caller = ['xlvs set', ...words].join(' ');
      await client.operations({ operations: [operation], caller });
    });
}

/** `xlvs get`. */
export function getCommand(): Command {
  return new Command('get')
    .description('settings and their values')
    .argument('[name...]')
    .action(async (names: readonly string[]) => {
      process.stdout.write(settingsText(await new Client().settings(), names));
    });
}

/** What `NAME=VALUE …` assigns to names that there are. */
export function parseAssignments(
  words: readonly string[],
  known: readonly string[],
): Readonly<Record<string, string>> {
  const pairs = words.map((word) => {
    const [, name = '', value = ''] = /^(\w+)=(\w+)$/.exec(word) ?? [];
    if (name === '') throw new Error(`expected <name>=<value>, received ${word}`);
    checkName(name, known);
    return [name, value];
  });
  return Object.fromEntries(pairs);
}

/** A line `name = value` each, as sysctl prints its variables; of all where none is named. */
export function settingsText(settings: SettingsReply, names: readonly string[]): string {
  const known = Object.keys(settings);
  for (const name of names) checkName(name, known);
  const shown = names.length > 0 ? names : known;
  return shown.map((name) => `${name} = ${settings[name]}\n`).join('');
}

function checkName(name: string, known: readonly string[]): void {
  if (!known.includes(name)) {
    throw new Error(`expected one of ${known.join(', ')}, received ${name}`);
  }
}

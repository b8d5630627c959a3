import { readFileSync } from 'node:fs';
import { Command } from 'commander';
import { Client, NoDaemonError } from '../api/client.ts';
import type { MarkRule } from '../lvs/marks/rule.ts';
import type { Operation } from '../lvs/operation.ts';
import { startDaemon } from './autostart.ts';
import { iptables } from './iptables.ts';
import { importMarkRules } from './mark_import.ts';
import { parseMarkRule } from './mark_rule.ts';
import { markRuleText } from './mark_text.ts';
import { refusalText } from './messages.ts';
import { systemNames } from './names.ts';

/** `xlvs mark`: the rules of firewall marks. */
export function markCommand(): Command {
  const program = new Command('mark').description(
    'rules of firewall marks, in the words of iptables',
  );
  rule(program.command('add').description('add a rule behind the others'))
    .option('--at <place>', 'before the rule that has the place')
    .action((words: readonly string[], { at }: { at?: string }) =>
      change({ op: 'addMarks', rules: [parse(words)], ...(at && { at: Number(at) }) }),
    );
  rule(program.command('del').description('delete a rule, by its words or by its place')).action(
    (words: readonly string[]) => {
      const [place = '', ...more] = words;
      const isPlace = /^\d+$/.test(place) && more.length === 0;
      return change({ op: 'deleteMark', rule: isPlace ? Number(place) : parse(words) });
    },
  );
  program
    .command('list')
    .description('the rules as iptables-save writes them')
    .action(async () => {
      const rules = await present();
      process.stdout.write(rules.map((one) => `-A PREROUTING ${markRuleText(one)}\n`).join(''));
    });
  program
    .command('flush')
    .description('delete all rules')
    .action(() => change({ op: 'setMarks', rules: [] }));
  program
    .command('import')
    .description('put the rules of iptables-save -t mangle, or nft -j list ruleset, in their place')
    .argument('[file]', 'standard input where there is none')
    .option('-6, --ipv6', 'of ip6tables-save')
    .action((file: string | undefined, { ipv6 = false }: { ipv6?: boolean }) => {
      const text = readFileSync(file ?? 0, 'utf8');
      return change({
        op: 'setMarks',
        rules: importMarkRules(text, { names: systemNames(), ipv6 }),
      });
    });
  rule(program.command('iptables', { hidden: true })).action((words: readonly string[]) =>
    iptables(words, { names: systemNames(), present, change }),
  );
  return program;
}

/** Its words are a rule's: none of them is an option of ours. */
function rule(command: Command): Command {
  return command.argument('[rule...]').allowUnknownOption().helpOption(false);
}

function parse(words: readonly string[]): MarkRule {
  return parseMarkRule(words, systemNames());
}

async function present(): Promise<readonly MarkRule[]> {
  try {
    return (await new Client().marks()).rules;
  } catch (error) {
    if (error instanceof NoDaemonError) return [];
    throw error;
  }
}

/** Carries out a change; as with ipvsadm, the first one starts the daemon. */
async function change(operation: Operation): Promise<void> {
  const client = new Client();
  const caller = ['xlvs', ...process.argv.slice(2)].join(' ').slice(0, MAX_CALLER);
  const request = { operations: [operation], caller };
  const { results } = await client.operations(request).catch(async (error) => {
    if (!(error instanceof NoDaemonError) || process.env.XLVS_AUTOSTART === '0') throw error;
    await startDaemon();
    return client.operations(request);
  });
  const [result] = results;
  if (result?.ok !== false) return;
  throw new Error(`${refusalText(operation, result.code)}: ${result.message}`);
}

const MAX_CALLER = 500;

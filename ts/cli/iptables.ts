import type { MarkRule } from '../lvs/marks/rule.ts';
import type { Operation } from '../lvs/operation.ts';
import { MarkRuleError, parseMarkRule } from './mark_rule.ts';
import { markRuleText } from './mark_text.ts';
import type { Names } from './names.ts';

/** Where a command line of iptables runs. */
export interface IptablesSession {
  readonly names: Names;
  present(): Promise<readonly MarkRule[]>;
  change(operation: Operation): Promise<void>;
}

/** The commands, short and long. */
const COMMANDS: Readonly<Record<string, 'A' | 'I' | 'D' | 'C' | 'F'>> = {
  ...{ '-A': 'A', '--append': 'A', '-I': 'I', '--insert': 'I', '-D': 'D', '--delete': 'D' },
  ...{ '-C': 'C', '--check': 'C', '-F': 'F', '--flush': 'F' },
};

/** What of the words is no rule. */
interface Asked {
  readonly command: 'A' | 'I' | 'D' | 'C' | 'F';
  /** Of -I and -D. */
  readonly place: number | undefined;
  readonly rule: readonly string[];
}

/**
 * A command line of iptables about marks in mangle's PREROUTING: bin/compat/iptables hands it on.
 * Throws MarkRuleError for what cannot be honoured; then nothing has changed.
 */
export async function iptables(words: readonly string[], session: IptablesSession): Promise<void> {
  const { command, place, rule: own } = parseWords(words);
  const rule = () => parseMarkRule(own, session.names);
  switch (command) {
    case 'A':
      return session.change({ op: 'addMarks', rules: [rule()] });
    case 'I':
      return session.change({ op: 'addMarks', rules: [rule()], at: place ?? 1 });
    case 'D':
      return session.change({ op: 'deleteMark', rule: place ?? rule() });
    case 'F': {
      const family = own.includes('-6') ? 6 : 4;
      const rules = (await session.present()).filter((one) => one.family !== family);
      return session.change({ op: 'setMarks', rules });
    }
    case 'C': {
      const wanted = markRuleText(rule());
      if ((await session.present()).some((one) => markRuleText(one) === wanted)) return;
      throw new MarkRuleError('Bad rule (does a matching rule exist in that chain?).');
    }
  }
}

function parseWords(words: readonly string[]): Asked {
  const rest = withoutTable(words);
  const at = rest.findIndex((word) => word in COMMANDS);
  const command = COMMANDS[rest[at] ?? ''];
  const chain = rest[at + 1] ?? 'PREROUTING';
  if (command === undefined || chain !== 'PREROUTING') {
    throw new MarkRuleError('expected -A, -I, -D, -C or -F of the chain PREROUTING');
  }
  const behind = rest.slice(at + 2);
  const counts = /^\d+$/.test(behind[0] ?? '');
  const place = counts ? Number(behind.shift()) : undefined;
  return { command, place, rule: [...rest.slice(0, at), ...behind] };
}

/** Without -t mangle, and without what says how to wait for the kernel's lock. */
function withoutTable(words: readonly string[]): readonly string[] {
  return words.filter((word, i) => {
    const before = words[i - 1] ?? '';
    const isValue =
      /^(-t|--table)$/.test(before) || (/^(-w|--wait)$/.test(before) && /^\d+$/.test(word));
    return !isValue && !/^(-t.*|--table(=.*)?|-w\d*|--wait(=.*)?)$/.test(word);
  });
}

import type { MarkRule } from '../lvs/marks/rule.ts';
import { MarkRuleError, parseMarkRule } from './mark_rule.ts';
import type { Names } from './names.ts';
import { parseNftRules } from './nft.ts';

/** How a ruleset is to be read: ip6tables-save does not say that it is of IPv6. */
export interface ImportOptions {
  readonly names: Names;
  readonly ipv6: boolean;
}

/**
 * The rules of firewall marks in a ruleset: of `iptables-save -t mangle` the chain PREROUTING, of
 * `nft -j list ruleset` the chains that hook prerouting. Throws MarkRuleError with the line, or
 * the rule's handle, of what cannot be honoured.
 */
export function importMarkRules(text: string, options: ImportOptions): MarkRule[] {
  return text.trimStart().startsWith('{') ? parseNftRules(text) : parseSaved(text, options);
}

/** iptables-save: tables begin with *, chains with :, rules with -A; # opens a comment. */
function parseSaved(text: string, options: ImportOptions): MarkRule[] {
  const rules: MarkRule[] = [];
  let table = '';
  for (const [i, line] of text.split('\n').entries()) {
    try {
      if (line.startsWith('*')) table = line.slice(1).trim();
      else if (table === 'mangle' || table === '') rules.push(...parseLine(line, options));
    } catch (error) {
      if (!(error instanceof MarkRuleError)) throw error;
      throw new MarkRuleError(`line ${i + 1}: ${error.message}`, { cause: error });
    }
  }
  return rules;
}

function parseLine(line: string, { names, ipv6 }: ImportOptions): MarkRule[] {
  const [first = '', chain, ...words] = splitWords(line.replace(/^\[\d+:\d+\]\s*/, ''));
  if (first === '' || first.startsWith('#') || first === 'COMMIT') return [];
  if (first === ':PREROUTING' && chain !== 'ACCEPT') {
    throw new MarkRuleError(`the policy ${chain} cannot be honoured`);
  }
  if (first.startsWith(':')) return [];
  if (first !== '-A' && first !== '--append') {
    throw new MarkRuleError(`expected -A, received ${first}`);
  }
  if (chain === 'INPUT' && words.includes('MARK')) {
    throw new MarkRuleError('marks of the chain INPUT cannot be honoured');
  }
  // What other chains do, packets of a virtual service do not meet before it.
  if (chain !== 'PREROUTING') return [];
  return [parseMarkRule(ipv6 && !words.includes('-6') ? ['-6', ...words] : words, names)];
}

/** Words as iptables-save quotes them. */
export function splitWords(line: string): string[] {
  const words = line.match(/"(?:\\.|[^"\\])*"|\S+/g) ?? [];
  return words.map((word) =>
    word.startsWith('"') ? word.slice(1, -1).replace(/\\(.)/g, '$1') : word,
  );
}

import type { MarkRule, MaskedMark, PortRange, Wanted } from '../lvs/marks/rule.ts';
import { familyOf } from '../net/address.ts';
import { parsePrefix } from '../net/prefix.ts';
import { parseNumber } from './endpoint.ts';
import type { Names } from './names.ts';

/**
 * Rules of firewall marks in the words of iptables: what PREROUTING of its table mangle may say
 * that we can honour. All else is refused, and with it the whole rule.
 * An IPv6 rule says so by -6 or an address.
 */

/** A rule that cannot be read, or not be honoured. */
export class MarkRuleError extends Error {
  override readonly name = 'MarkRuleError';
}

const ALL_BITS = 0xffff_ffff;
const MAX_PORT = 65_535;

/** IP's numbers of protocols, by the names that iptables has for them. */
const PROTOCOLS: Readonly<Record<string, number>> = {
  icmp: 1,
  tcp: 6,
  udp: 17,
  gre: 47,
  esp: 50,
  ah: 51,
  'ipv6-icmp': 58,
  icmpv6: 58,
  sctp: 132,
  udplite: 136,
};

/** Modules of -m whose options are known here. */
const MODULES = new Set(['tcp', 'udp', 'multiport', 'mark', 'comment']);

/** The same word by its other names. */
const SYNONYMS: Readonly<Record<string, string>> = {
  ...{ '--source': '-s', '--src': '-s', '--destination': '-d', '--dst': '-d' },
  ...{ '--in-interface': '-i', '--protocol': '-p', '--proto': '-p', '--match': '-m' },
  ...{ '--jump': '-j', '--ipv4': '-4', '--ipv6': '-6', '--source-port': '--sport' },
  ...{ '--destination-port': '--dport', '--source-ports': '--sports' },
  ...{ '--destination-ports': '--dports', '--port': '--ports' },
};

/** A rule that is being read. */
type Draft = { -readonly [Member in keyof MarkRule]?: MarkRule[Member] } & { target?: string };

/** One option's effect on the draft; `not` where an exclamation mark stood before it. */
type Take = (draft: Draft, value: string, not: Not, names: Names) => void;

type Not = { readonly not?: true };

const OPTIONS: Readonly<Record<string, Take>> = {
  '-s': (draft, value, not) => give(draft, 'source', wanted(toPrefix(value), not)),
  '-d': (draft, value, not) => give(draft, 'destination', wanted(toPrefix(value), not)),
  '-i': (draft, value, not) => give(draft, 'interface', wanted(value, not)),
  '-p': takeProtocol,
  '-m': (_, value) => check(MODULES.has(value), `-m ${value} cannot be honoured`),
  '--comment': () => {},
  '--sport': (draft, value, not, names) => givePorts(draft, 'sourcePorts', { value, not, names }),
  '--sports': (draft, value, not, names) => givePorts(draft, 'sourcePorts', { value, not, names }),
  '--dport': (draft, value, not, names) =>
    givePorts(draft, 'destinationPorts', { value, not, names }),
  '--dports': (draft, value, not, names) =>
    givePorts(draft, 'destinationPorts', { value, not, names }),
  '--ports': (draft, value, not, names) => givePorts(draft, 'ports', { value, not, names }),
  '--mark': (draft, value, not) => give(draft, 'mark', wanted(toMasked(value), not)),
  '-j': (draft, value, not) => {
    checkPlain('-j', not);
    check(draft.target === undefined, 'multiple -j');
    check(/^(MARK|ACCEPT|RETURN)$/.test(value), `-j ${value} cannot be honoured`);
    draft.target = value;
    if (value !== 'MARK') draft.last = true;
  },
  '--set-mark': change(({ value, mask }) => ({ value, mask: (value | mask) >>> 0 })),
  '--set-xmark': change((given) => given),
  '--and-mark': change(({ value }) => ({ value: 0, mask: ~value >>> 0 })),
  '--or-mark': change(({ value }) => ({ value, mask: value })),
  '--xor-mark': change(({ value }) => ({ value, mask: 0 })),
};

/** The rule of these words. Throws MarkRuleError. */
export function parseMarkRule(words: readonly string[], names: Names): MarkRule {
  const draft: Draft = {};
  for (let at = 0; at < words.length; at++) {
    const not: Not = words[at] === '!' ? { not: true } : {};
    if (not.not) at += 1;
    const [word = '', joined] = splitWord(words[at] ?? '');
    if (word === '-4' || word === '-6' || word === '--last') {
      takeFlag(draft, word);
      continue;
    }
    const take = OPTIONS[word];
    check(take !== undefined, `${words[at] ?? 'nothing behind !'} cannot be honoured`);
    const value = joined ?? words[++at];
    check(value !== undefined, `expected a value for ${word}`);
    take!(draft, value!, not, names);
  }
  return finish(draft);
}

/** An option and, where it stands in the same word, its value. */
function splitWord(word: string): [string, string?] {
  if (!word.startsWith('--')) {
    const short = /^(-[sdipmj])(.+)$/.exec(word);
    return short ? [short[1]!, short[2]!] : [word];
  }
  const equals = word.indexOf('=');
  const name = equals < 0 ? word : word.slice(0, equals);
  const known = SYNONYMS[name] ?? name;
  return equals < 0 ? [known] : [known, word.slice(equals + 1)];
}

function takeFlag(draft: Draft, word: '-4' | '-6' | '--last'): void {
  if (word === '--last') draft.last = true;
  else give(draft, 'family', word === '-4' ? 4 : 6);
}

/** What only shows at the end, and the members in their order. */
function finish({ target, ...rule }: Draft): MarkRule {
  check(target !== 'MARK' || rule.set !== undefined, 'expected --set-mark for -j MARK');
  check(target === undefined || target === 'MARK' || !rule.set, `marks need -j MARK`);
  check(rule.set !== undefined || rule.last === true, 'expected a mark to be set');
  const hasPorts = rule.sourcePorts ?? rule.destinationPorts ?? rule.ports;
  const { is, not } = rule.protocol ?? { is: 0 };
  check(!hasPorts || (!not && (is === 6 || is === 17)), 'ports need -p tcp or -p udp');
  const [first] = [rule.source, rule.destination].flatMap((one) => (one ? [familyOf(one.is)] : []));
  const { family = first ?? 4 } = rule;
  for (const one of [rule.source, rule.destination]) {
    check(!one || familyOf(one.is) === family, `expected IPv${family}, received ${one?.is}`);
  }
  return { ...rule, family };
}

function takeProtocol(draft: Draft, value: string, not: Not): void {
  const number = PROTOCOLS[value.toLowerCase()] ?? parseNumber(value, 0, 255);
  if (value === 'all' || number === 0) {
    check(!not.not, '! -p all fits nothing');
    return;
  }
  check(number !== undefined, `expected a protocol for -p, received ${value}`);
  give(draft, 'protocol', wanted(number!, not));
}

/** An option that says what becomes of the mark. */
function change(to: (given: MaskedMark) => MaskedMark): Take {
  return (draft, value, not) => {
    checkPlain('a new mark', not);
    give(draft, 'set', to(toMasked(value)));
  };
}

function toPrefix(text: string): string {
  const prefix = parsePrefix(text);
  check(prefix !== undefined, `expected an address or prefix, received ${text}`);
  return prefix!;
}

function givePorts(
  draft: Draft,
  member: 'sourcePorts' | 'destinationPorts' | 'ports',
  { value, not, names }: { readonly value: string; readonly not: Not; readonly names: Names },
): void {
  const ranges = value.split(',').map((part): PortRange => {
    const [first = '', last = first, ...more] = part.split(':');
    const ports = [toPort(first || '0', names), toPort(last || String(MAX_PORT), names)] as const;
    check(more.length === 0 && ports[0] <= ports[1], `expected ports, received ${part}`);
    return ports;
  });
  give(draft, member, wanted(ranges, not));
}

function toPort(text: string, names: Names): number {
  const port = parseNumber(text, 0, MAX_PORT) ?? names.port(text, 'tcp') ?? names.port(text, 'udp');
  check(port !== undefined, `expected a port, received ${text}`);
  return port!;
}

/** value, or value/mask; each decimal, octal or hexadecimal, as strtoul has them. */
function toMasked(text: string): MaskedMark {
  const [value = '', mask, ...more] = text.split('/');
  check(more.length === 0, `expected a mark, received ${text}`);
  return { value: toMark(value), mask: mask === undefined ? ALL_BITS : toMark(mask) };
}

function toMark(text: string): number {
  const spelled = /^(0x[\da-f]+|0[0-7]*|[1-9]\d*)$/i.test(text);
  const number = Number(/^0[0-7]/.test(text) ? `0o${text.slice(1)}` : text);
  check(spelled && number <= ALL_BITS, `expected a mark, received ${text}`);
  return number;
}

function wanted<T>(is: T, { not }: Not): Wanted<T> {
  return not ? { is, not } : { is };
}

function give<Member extends keyof MarkRule>(
  draft: Draft,
  member: Member,
  value: NonNullable<MarkRule[Member]>,
): void {
  check(draft[member] === undefined, `${member} is given twice`);
  Object.assign(draft, { [member]: value });
}

function checkPlain(what: string, { not }: Not): void {
  check(!not, `${what} cannot be negated`);
}

function check(right: boolean, complaint: string): void {
  if (!right) throw new MarkRuleError(complaint);
}

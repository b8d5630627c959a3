import type { MarkRule, PortRange, Wanted } from '../lvs/marks/rule.ts';
import type { Family } from '../net/address.ts';
import { parsePrefix } from '../net/prefix.ts';
import { MarkRuleError } from './mark_rule.ts';

/**
 * The rules of firewall marks in `nft -j list ruleset`: those of the chains that hook prerouting,
 * in the order of their priorities. A rule of `inet` becomes two, one for each family.
 *
 * Source: libnftables-json(5).
 */

type Json = Readonly<Record<string, unknown>>;

/** A rule that is being read. */
type Draft = { -readonly [Member in keyof MarkRule]?: MarkRule[Member] };

const PROTOCOLS: Readonly<Record<string, number>> = { icmp: 1, tcp: 6, udp: 17, 'ipv6-icmp': 58 };
const FAMILIES: Readonly<Record<string, readonly Family[]>> = { ip: [4], ip6: [6], inet: [4, 6] };
const ALL_BITS = 0xffff_ffff;

/** Throws MarkRuleError with the handle of the rule that cannot be honoured. */
export function parseNftRules(text: string): MarkRule[] {
  const objects = parseObjects(text);
  const chains = objects
    .flatMap(({ chain }) => (isJson(chain) && chain.hook === 'prerouting' ? [chain] : []))
    .sort((a, b) => Number(a.prio) - Number(b.prio));
  const byChain = chains.map((chain) => rulesOf(chain, objects));
  const used = byChain.filter((rules) => rules.length > 0);
  // The verdict of one chain is not that of the next.
  if (used.slice(0, -1).some((rules) => rules.some(({ last }) => last))) {
    refuse('accept in one of several prerouting chains cannot be honoured');
  }
  return used.flat();
}

function rulesOf(chain: Json, objects: readonly Json[]): MarkRule[] {
  const families = FAMILIES[String(chain.family)] ?? [];
  const own = objects.flatMap(({ rule }) => (isJson(rule) && isOf(rule, chain) ? [rule] : []));
  const rules = own.filter((rule) => setsMark(rule) || chain.type === 'filter');
  return rules.flatMap((rule) => families.flatMap((family) => parseRule(rule, family)));
}

function parseObjects(text: string): readonly Json[] {
  try {
    const { nftables } = JSON.parse(text) as { nftables?: unknown };
    if (Array.isArray(nftables)) return nftables.filter(isJson);
  } catch {
    // Told below.
  }
  throw new MarkRuleError('expected the JSON of nft -j list ruleset');
}

function isOf(rule: Json, { family, table, name }: Json): boolean {
  return rule.family === family && rule.table === table && rule.chain === name;
}

function setsMark({ expr }: Json): boolean {
  return JSON.stringify(expr).includes('"mangle"');
}

function parseRule({ expr, handle }: Json, family: Family): MarkRule[] {
  const draft: Draft = { family };
  try {
    for (const statement of expr as readonly Json[]) takeStatement(draft, statement);
    if (draft.set === undefined && draft.last === undefined) return [];
    return [draft as MarkRule];
  } catch (error) {
    if (error === OTHER_FAMILY) return [];
    if (!(error instanceof MarkRuleError)) throw error;
    throw new MarkRuleError(`rule with handle ${handle}: ${error.message}`, { cause: error });
  }
}

/** A rule of inet that asks for an address has nothing to say to the other family. */
const OTHER_FAMILY = Symbol('other family');

function takeStatement(draft: Draft, statement: Json): void {
  const [[name, value] = ['nothing', undefined]] = Object.entries(statement);
  if (name === 'match' && isJson(value)) takeMatch(draft, value);
  else if (name === 'mangle' && isJson(value) && isMeta(value.key, 'mark')) {
    give(draft, 'set', newMark(value.value));
  } else if (name === 'accept' || name === 'return') draft.last = true;
  else if (name !== 'counter') refuse(`${name} cannot be honoured`);
}

function takeMatch(draft: Draft, { op, left, right }: Json): void {
  if (op !== '==' && op !== '!=' && op !== 'in') refuse(`the operator ${op} cannot be honoured`);
  const not = op === '!=' ? ({ not: true } as const) : {};
  const { payload } = isJson(left) ? left : {};
  if (isMeta(left, 'mark') || isMasked(left)) {
    const mask = isMasked(left) ? left['&'][1] : ALL_BITS;
    give(draft, 'mark', { is: { value: numberOf(right), mask }, ...not });
  } else if (isMeta(left, 'iifname')) {
    give(draft, 'interface', { is: nameOf(right), ...not });
  } else if (isMeta(left, 'l4proto')) {
    takeProtocol(draft, right, not);
  } else if (isJson(payload)) {
    takePayload(draft, payload, { right, not });
  } else {
    refuse(`${JSON.stringify(left)} cannot be honoured`);
  }
}

interface Given {
  readonly right: unknown;
  readonly not: { readonly not?: true };
}

function takePayload(draft: Draft, { protocol, field }: Json, { right, not }: Given): void {
  if (protocol === 'ip' || protocol === 'ip6') {
    if ((protocol === 'ip' ? 4 : 6) !== draft.family) throw OTHER_FAMILY;
    if (field === 'saddr') give(draft, 'source', { is: prefixOf(right), ...not });
    else if (field === 'daddr') give(draft, 'destination', { is: prefixOf(right), ...not });
    else if (field === 'protocol' || field === 'nexthdr') takeProtocol(draft, right, not);
    else refuse(`${protocol} ${field} cannot be honoured`);
    return;
  }
  const is = PROTOCOLS[String(protocol)];
  const named = is === 6 || is === 17;
  if (named && draft.protocol?.is !== is) give(draft, 'protocol', { is });
  if ((!named && protocol !== 'th') || draft.protocol?.not) refuse('ports need one protocol');
  const ports = { is: portsOf(right), ...not };
  if (field === 'sport') give(draft, 'sourcePorts', ports);
  else if (field === 'dport') give(draft, 'destinationPorts', ports);
  else refuse(`${protocol} ${field} cannot be honoured`);
}

function takeProtocol(draft: Draft, right: unknown, not: Given['not']): void {
  const is = PROTOCOLS[String(right)] ?? numberOf(right);
  give(draft, 'protocol', { is, ...not } satisfies Wanted<number>);
}

/** A number, or the mark so far with some bits changed. */
function newMark(value: unknown): { value: number; mask: number } {
  if (typeof value === 'number') return { value, mask: ALL_BITS };
  if (isJson(value)) {
    const { '|': or, '&': and, '^': xor } = value;
    if (isChange(or)) return { value: or[1], mask: or[1] };
    if (isChange(and)) return { value: 0, mask: ~and[1] >>> 0 };
    if (isChange(xor)) return { value: xor[1], mask: 0 };
  }
  return refuse(`the mark ${JSON.stringify(value)} cannot be honoured`);
}

function isChange(value: unknown): value is readonly [unknown, number] {
  return Array.isArray(value) && isMeta(value[0], 'mark') && typeof value[1] === 'number';
}

function isMasked(left: unknown): left is { '&': readonly [unknown, number] } {
  return isJson(left) && isChange(left['&']);
}

function prefixOf(right: unknown): string {
  const { prefix } = isJson(right) ? right : {};
  const text = isJson(prefix) ? `${prefix.addr}/${prefix.len}` : String(right);
  return parsePrefix(text) ?? refuse(`the address ${JSON.stringify(right)} cannot be honoured`);
}

function portsOf(right: unknown): PortRange[] {
  const { set, range } = isJson(right) ? right : {};
  if (Array.isArray(set)) return set.flatMap(portsOf);
  if (Array.isArray(range)) return [[numberOf(range[0]), numberOf(range[1])]];
  return [[numberOf(right), numberOf(right)]];
}

function numberOf(value: unknown): number {
  return typeof value === 'number' ? value : refuse(`${JSON.stringify(value)} cannot be honoured`);
}

/** The name of an interface, whose end may be a * in nft. */
function nameOf(value: unknown): string {
  return typeof value === 'string'
    ? value.replace(/\*$/, '+')
    : refuse(`${JSON.stringify(value)} cannot be honoured`);
}

function give<Member extends keyof MarkRule>(
  draft: Draft,
  member: Member,
  value: MarkRule[Member],
): void {
  if (draft[member] !== undefined) refuse(`${member} is given twice`);
  Object.assign(draft, { [member]: value });
}

function isMeta(value: unknown, key: string): boolean {
  return isJson(value) && isJson(value.meta) && value.meta.key === key;
}

function isJson(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function refuse(complaint: string): never {
  throw new MarkRuleError(complaint);
}

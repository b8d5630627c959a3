import {
  Capture,
  CaptureAlternative,
  CaptureTerm,
  Family,
  Limits,
  TermKind,
  TermSide,
} from '../native/abi.gen.ts';
import { addressBytes, parseAddress } from '../net/address.ts';
import { VERDICT_NAMES } from './encoding.ts';

/**
 * A capture's filter: from tcpdump's words to what bpf/capture_filter.h looks at.
 *
 *   tcp port 80 and not verdict dropped
 *     -> terms         tcp | port 80 | verdict dropped_…
 *     -> alternatives  tcp true, port true, verdict false
 *
 * Whatever is asked becomes a list of alternatives (a disjunctive normal form), so that XDP
 * follows no expression.
 */

/** A capture that is not begun; the HTTP status says whose fault it is. */
export class CaptureError extends Error {
  override readonly name = 'CaptureError';
  readonly statusCode: 400 | 409;

  constructor(statusCode: 400 | 409, message: string) {
    super(message);
    this.statusCode = statusCode;
  }
}

/** One thing that can be true of a packet, as struct capture_term holds it. */
interface Term {
  readonly kind: number;
  readonly sides: number;
  readonly value: bigint;
  readonly prefix: readonly number[];
  readonly mask: readonly number[];
}

/** Terms that are wanted together, and the truth that each is to have: a bit for each. */
interface Alternative {
  readonly terms: number;
  readonly truth: number;
}

type Expression =
  | { readonly op: 'term'; readonly index: number }
  | { readonly op: 'not'; readonly of: Expression }
  | { readonly op: 'and' | 'or'; readonly left: Expression; readonly right: Expression };

/** What a text asks for; an empty one asks for every packet. */
export interface CaptureFilter {
  readonly terms: readonly Term[];
  readonly alternatives: readonly Alternative[];
}

const PROTOCOLS: Readonly<Record<string, number>> = {
  tcp: 6,
  udp: 17,
  sctp: 132,
  icmp: 1,
  icmp6: 58,
};
const FAMILIES: Readonly<Record<string, number>> = { ip: Family.IPV4, ip6: Family.IPV6 };
const SIDES: Readonly<Record<string, number>> = { src: TermSide.SOURCE, dst: TermSide.TARGET };
const EITHER_SIDE = TermSide.SOURCE | TermSide.TARGET;

const PRIMITIVES = 'host, net, port, src, dst, tcp, udp, sctp, icmp, icmp6, ip, ip6 or verdict';

/** Reads a filter. Throws CaptureError, which names the word that it cannot honour. */
export function parseFilter(text: string): CaptureFilter {
  const words = text.match(/[()!]|&&|\|\||[^\s()!]+/g) ?? [];
  if (words.length === 0) return { terms: [], alternatives: [{ terms: 0, truth: 0 }] };
  const parser = new Parser(words);
  const expression = parser.parse();
  return { terms: parser.terms, alternatives: alternativesOf(expression, true) };
}

/** The filter as a struct capture, which keeps so many bytes of a frame. */
export function captureBytes(filter: CaptureFilter, snapLength: number): Uint8Array {
  const view = new DataView(new ArrayBuffer(Capture.size));
  Capture.setSnapLength(view, 0, snapLength);
  Capture.setTermsUsed(view, 0, filter.terms.length);
  Capture.setAlternativesUsed(view, 0, filter.alternatives.length);
  const late = filter.terms.map(({ kind }, i) => (kind === TermKind.VERDICT ? 1 << i : 0));
  const lateBits = late.reduce((bits, bit) => bits | bit, 0);
  Capture.setLateTerms(view, 0, lateBits);
  filter.terms.forEach(({ kind, sides, value, prefix, mask }, i) => {
    const at = Capture.terms.at + i * CaptureTerm.size;
    new Uint8Array(view.buffer, at + CaptureTerm.prefixAt).set(prefix);
    new Uint8Array(view.buffer, at + CaptureTerm.maskAt).set(mask);
    CaptureTerm.setValue(view, at, value);
    CaptureTerm.setKind(view, at, kind);
    CaptureTerm.setSides(view, at, sides);
  });
  filter.alternatives.forEach(({ terms, truth }, i) => {
    const at = Capture.alternatives.at + i * CaptureAlternative.size;
    CaptureAlternative.setTerms(view, at, terms);
    CaptureAlternative.setTruth(view, at, truth);
  });
  return new Uint8Array(view.buffer);
}

/** Recursive descent: or, and, not, and then what can be true of a packet. */
class Parser {
  readonly terms: Term[] = [];
  readonly #words: readonly string[];
  #at = 0;

  constructor(words: readonly string[]) {
    this.#words = words;
  }

  parse(): Expression {
    const expression = this.#or();
    if (this.#word !== undefined) refuse('and, or or the end', this.#word);
    return expression;
  }

  get #word(): string | undefined {
    return this.#words[this.#at];
  }

  #skip(...words: readonly string[]): boolean {
    if (!words.includes(this.#word ?? '')) return false;
    this.#at += 1;
    return true;
  }

  #next(expected: string): string {
    const word = this.#word ?? refuse(expected, undefined);
    this.#at += 1;
    return word;
  }

  #or(): Expression {
    let left = this.#and();
    while (this.#skip('or', '||')) left = { op: 'or', left, right: this.#and() };
    return left;
  }

  #and(): Expression {
    let left = this.#not();
    while (this.#skip('and', '&&')) left = { op: 'and', left, right: this.#not() };
    return left;
  }

  #not(): Expression {
    if (this.#skip('not', '!')) return { op: 'not', of: this.#not() };
    if (!this.#skip('(')) return this.#primitive();
    const inner = this.#or();
    if (!this.#skip(')')) refuse(')', this.#word);
    return inner;
  }

  /** `tcp`, `dst port 80`, and as one: `tcp dst port 80`. */
  #primitive(): Expression {
    const word = this.#word ?? '';
    const protocol = PROTOCOLS[word];
    const family = FAMILIES[word];
    if (protocol === undefined && family === undefined) return this.#qualified();
    this.#at += 1;
    const left = this.#term(
      protocol === undefined
        ? { kind: TermKind.FAMILY, value: BigInt(family!) }
        : { kind: TermKind.PROTOCOL, value: BigInt(protocol) },
    );
    if (!/^(src|dst|host|net|port)$/.test(this.#word ?? '')) return left;
    return { op: 'and', left, right: this.#qualified() };
  }

  #qualified(): Expression {
    const side = SIDES[this.#word ?? ''];
    if (side !== undefined) this.#at += 1;
    const sides = side ?? EITHER_SIDE;
    if (this.#skip('host')) return this.#term({ ...addressTerm(this.#next('an address')), sides });
    if (this.#skip('net')) return this.#term({ ...networkTerm(this.#next('a network')), sides });
    if (this.#skip('port')) return this.#term({ ...portTerm(this.#next('a port')), sides });
    if (side !== undefined) return this.#term({ ...addressTerm(this.#next('an address')), sides });
    if (this.#skip('verdict')) return this.#term(verdictTerm(this.#next('a verdict')));
    return refuse(PRIMITIVES, this.#word);
  }

  #term(asked: Partial<Term>): Expression {
    const term: Term = { kind: 0, sides: 0, value: 0n, prefix: [], mask: [], ...asked };
    const same = this.terms.findIndex((other) => keyOf(other) === keyOf(term));
    if (same >= 0) return { op: 'term', index: same };
    if (this.terms.length === Limits.CAPTURE_TERMS) {
      throw new CaptureError(400, `filter: expected at most ${Limits.CAPTURE_TERMS} terms`);
    }
    return { op: 'term', index: this.terms.push(term) - 1 };
  }
}

function keyOf({ kind, sides, value, prefix, mask }: Term): string {
  return [kind, sides, value, prefix, mask].join(' ');
}

function addressTerm(text: string): Partial<Term> {
  const address = parseAddress(text) ?? refuse('an address', text);
  const prefix = [...addressBytes(address.text)];
  const value = BigInt(address.family);
  return { kind: TermKind.ADDRESS, value, prefix, mask: prefix.map(() => 255) };
}

function networkTerm(text: string): Partial<Term> {
  const [spelled = '', length = ''] = text.split('/', 2);
  const term = addressTerm(spelled);
  const bits = Number(length);
  if (!/^\d{1,3}$/.test(length) || bits > term.prefix!.length * 8) {
    refuse('an address / a prefix length', text);
  }
  const mask = term.prefix!.map((_, i) => (255 << (8 - clamp(bits - 8 * i, 0, 8))) & 255);
  if (term.prefix!.some((byte, i) => byte & ~mask[i]!)) {
    refuse('a network without bits behind its prefix', text);
  }
  return { ...term, mask };
}

function portTerm(text: string): Partial<Term> {
  if (!/^[1-9]\d{0,4}$/.test(text) || Number(text) > 65_535) refuse('a port, 1 to 65535', text);
  return { kind: TermKind.PORT, value: BigInt(text) };
}

/** A verdict, or by its first word all of a kind: `dropped`. */
function verdictTerm(text: string): Partial<Term> {
  const wanted = VERDICT_NAMES.map((name) => name === text || name.split('_')[0] === text);
  if (!wanted.includes(true)) refuse('a verdict as xlvs stats names them', text);
  const bits = wanted.map((is, verdict) => (is ? 1n << BigInt(verdict) : 0n));
  return { kind: TermKind.VERDICT, value: bits.reduce((sum, bit) => sum | bit) };
}

function clamp(value: number, min: number, max: number): number {
  return Math.min(Math.max(value, min), max);
}

/** What makes the expression true, or false where that is wanted. */
function alternativesOf(expression: Expression, wanted: boolean): readonly Alternative[] {
  if (expression.op === 'term') {
    const terms = 1 << expression.index;
    return [{ terms, truth: wanted ? terms : 0 }];
  }
  if (expression.op === 'not') return alternativesOf(expression.of, !wanted);
  const left = alternativesOf(expression.left, wanted);
  const right = alternativesOf(expression.right, wanted);
  // Not (a or b) is not a and not b.
  if ((expression.op === 'or') === wanted) return checked([...left, ...right]);
  const pairs = left.flatMap((a) => right.map((b) => [a, b] as const));
  const possible = pairs.filter(([a, b]) => !(a.terms & b.terms & (a.truth ^ b.truth)));
  return checked(
    possible.map(([a, b]) => ({ terms: a.terms | b.terms, truth: a.truth | b.truth })),
  );
}

/** Without those that another one contains. */
function checked(all: readonly Alternative[]): readonly Alternative[] {
  const needed = all.filter(
    (one, i) => !all.some((other, j) => contains(other, one) && (j < i || !contains(one, other))),
  );
  if (needed.length <= Limits.CAPTURE_ALTERNATIVES) return needed;
  throw new CaptureError(400, 'filter: expected fewer combinations of and, or and not');
}

function contains(wide: Alternative, narrow: Alternative): boolean {
  return (wide.terms & ~narrow.terms) === 0 && ((wide.truth ^ narrow.truth) & wide.terms) === 0;
}

function refuse(expected: string, received: string | undefined): never {
  throw new CaptureError(400, `filter: expected ${expected}, received ${received ?? 'nothing'}`);
}

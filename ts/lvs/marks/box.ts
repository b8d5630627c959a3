import { addressBytes } from '../../net/address.ts';
import type { MarkRule, PortRange, Wanted } from './rule.ts';

/**
 * What a rule may ask of a packet, each a number of 32 bits: enum mark_field of bpf/abi.h. Kind is
 * protocol | family << 8; addresses are four words, of IPv4 the first one.
 */
export const FIELDS = {
  kind: 0,
  source: 1,
  target: 5,
  sourcePort: 9,
  targetPort: 10,
  ingress: 11,
  count: 12,
} as const;

/** By field the first and the last value. */
export interface Box {
  readonly low: Uint32Array;
  readonly high: Uint32Array;
}

/** The index of each interface, by its name. */
export type InterfaceIndices = ReadonlyMap<string, number>;

/** Some ranges of one field, without overlap: first and last value. */
type Ranges = readonly (readonly [number, number])[];

/** One way to fit: ranges by field, the others being free. */
type Way = readonly (readonly [field: number, ranges: Ranges])[];

const MAX_WORD = 0xffff_ffff;
const MAX_PORT = 0xffff;
const MAX_PROTOCOL = 0xff;
const WORD_BITS = 32;

/** The box of all packets. */
export function wholeBox(): Box {
  return {
    low: new Uint32Array(FIELDS.count),
    high: new Uint32Array(FIELDS.count).fill(MAX_WORD),
  };
}

/**
 * The packets that a rule fits, but for what it asks of the mark, as boxes of which no two overlap:
 * so a packet is in one of them at most.
 */
export function boxesOf(rule: MarkRule, interfaces: InterfaceIndices): Box[] {
  const { source, destination, sourcePorts, destinationPorts, ports } = rule;
  const asked: (readonly Way[])[] = [
    [[[FIELDS.kind, kindsOf(rule)]]],
    source ? prefixWays(FIELDS.source, source) : FREE,
    destination ? prefixWays(FIELDS.target, destination) : FREE,
    sourcePorts ? [[[FIELDS.sourcePort, portsOf(sourcePorts)]]] : FREE,
    destinationPorts ? [[[FIELDS.targetPort, portsOf(destinationPorts)]]] : FREE,
    ports ? eitherPort(ports) : FREE,
    rule.interface ? [[[FIELDS.ingress, ingressOf(rule.interface, interfaces)]]] : FREE,
  ];
  return asked.reduce<Box[]>(
    (boxes, ways) => boxes.flatMap((box) => ways.flatMap((way) => within(box, way))),
    [wholeBox()],
  );
}

const FREE: readonly Way[] = [[]];

/** What a box has in common with a way to fit. */
function within(box: Box, way: Way): Box[] {
  return way.reduce<Box[]>(
    (boxes, [field, ranges]) =>
      boxes.flatMap((one) => ranges.flatMap((range) => cut(one, field, range) ?? [])),
    [box],
  );
}

function cut(box: Box, field: number, [from, to]: readonly [number, number]): Box | undefined {
  const [first, last] = [Math.max(from, box.low[field]!), Math.min(to, box.high[field]!)];
  if (first > last) return undefined;
  return { low: box.low.with(field, first), high: box.high.with(field, last) };
}

/** Protocol and family. */
function kindsOf({ family, protocol }: MarkRule): Ranges {
  const protocols = protocol
    ? wantedRanges([[protocol.is, protocol.is]], protocol, MAX_PROTOCOL)
    : [[0, MAX_PROTOCOL] as const];
  return protocols.map(([from, to]) => [(family << 8) | from, (family << 8) | to] as const);
}

function portsOf(wanted: Wanted<readonly PortRange[]>): Ranges {
  return wantedRanges(wanted.is, wanted, MAX_PORT);
}

/** Where one of the ports is among these; or, not, where neither is. */
function eitherPort(wanted: Wanted<readonly PortRange[]>): readonly Way[] {
  const among = wantedRanges(wanted.is, {}, MAX_PORT);
  const others = complement(among, MAX_PORT);
  const { sourcePort, targetPort } = FIELDS;
  if (wanted.not)
    return [
      [
        [sourcePort, others],
        [targetPort, others],
      ],
    ];
  return [
    [[sourcePort, among]],
    [
      [sourcePort, others],
      [targetPort, among],
    ],
  ];
}

function ingressOf({ is, not }: Wanted<string>, interfaces: InterfaceIndices): Ranges {
  const start = is.endsWith('+') ? is.slice(0, -1) : undefined;
  const fits = (name: string) => (start === undefined ? name === is : name.startsWith(start));
  const indices = [...interfaces].filter(([name]) => fits(name)).map(([, index]) => index);
  return wantedRanges(
    indices.map((index) => [index, index]),
    not ? { not } : {},
    MAX_WORD,
  );
}

/**
 * The ways to be in a prefix: one. The ways not to be: by the first word that differs. The prefix
 * ends within a word, before which all are exact, and behind which all are free.
 */
function prefixWays(field: number, { is, not }: Wanted<string>): readonly Way[] {
  const words = prefixRanges(is).map((range, i) => [field + i, [range]] as const);
  if (!not) return [words];
  return words.map(([at, ranges], i) => [...words.slice(0, i), [at, complement(ranges, MAX_WORD)]]);
}

/** By word the first and last value in a prefix, up to the word in which it ends. */
function prefixRanges(prefix: string): (readonly [number, number])[] {
  const [address = '', length = ''] = prefix.split('/');
  const bytes = addressBytes(address);
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const ranges: (readonly [number, number])[] = [];
  for (let at = 0; at * WORD_BITS < Number(length); at++) {
    const open = Math.max(0, WORD_BITS - (Number(length) - at * WORD_BITS));
    const size = 2 ** open;
    const first = Math.floor(view.getUint32(4 * at) / size) * size;
    ranges.push([first, first + size - 1]);
  }
  return ranges;
}

/** Ranges in order and without overlap, or all that is outside of them. */
function wantedRanges(ranges: Ranges, { not }: { readonly not?: true }, max: number): Ranges {
  const merged: [number, number][] = [];
  for (const [from, to] of [...ranges].sort(([a], [b]) => a - b)) {
    const before = merged.at(-1);
    if (before && from <= before[1] + 1) before[1] = Math.max(before[1], to);
    else merged.push([from, to]);
  }
  return not ? complement(merged, max) : merged;
}

/** The gaps between ranges that are in order. */
function complement(ranges: Ranges, max: number): Ranges {
  const gaps: (readonly [number, number])[] = [];
  let from = 0;
  for (const [first, last] of ranges) {
    if (from < first) gaps.push([from, first - 1]);
    from = last + 1;
  }
  return from <= max ? [...gaps, [from, max]] : gaps;
}

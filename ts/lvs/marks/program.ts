import { type Box, boxesOf, FIELDS, type InterfaceIndices, wholeBox } from './box.ts';
import type { MarkRule } from './rule.ts';

/**
 * Rules of firewall marks as the program that bpf/marks.h walks through:
 *
 *   rules -> boxes of packets -> decision tree, cut by cut -> leaves: what is left of the rules
 *
 * A cut halves the boxes at the border of one of them; what the cuts on the way to a leaf have
 * settled is not asked there any more. Boxes that leave a field free would be on both sides of
 * every cut of it: so those that ask for the same fields get a tree of their own. The trees are
 * walked one after the other, and each rule of a leaf has a rank: the highest sets the mark. That
 * works for rules that set the whole mark and do not ask for it. Where others are among them, one
 * tree has all, and its leaves keep their order.
 */

/** What a step asks for, or does, beside the fields: enum mark_field of bpf/abi.h. */
const TEST = 12;
const SET = 13;
const ALL_BITS = 0xffff_ffff;

/** Numbers of a step: low, span, other, field. */
export const STEP_WORDS = 4;

/** A leaf may have as many boxes. */
const LEAF_BOXES = 4;
/** A cut may leave so many times as many boxes as there were. */
const MAX_GROWTH = 1.5;
/** No rank is higher; those that end the walk count down from here. */
const TOP_RANK = 0xff_ffff;

/** A program, to be placed at a step. */
export interface MarkProgram {
  /** STEP_WORDS numbers a step. */
  readonly words: Uint32Array;
  /** Its first step; 0 where there are no rules. */
  readonly start: number;
}

/** What is made of a box that a packet is in. */
interface Piece extends Box {
  readonly rule: MarkRule;
  /** 0: in the order of the rules. */
  readonly rank: number;
}

/** The program of rules, within `room` steps from `base` on; undefined where they are too few. */
export function compileMarks(
  rules: readonly MarkRule[],
  interfaces: InterfaceIndices,
  { base, room }: { readonly base: number; readonly room: number },
): MarkProgram | undefined {
  const isRanked = rules.every(setsAll);
  const pieces = rules.flatMap((rule, i) =>
    boxesOf(rule, interfaces).map((box) => ({
      ...box,
      rule,
      rank: isRanked ? rankOf(rule, i) : 0,
    })),
  );
  const steps = new Steps(base, room);
  let next = 0;
  for (const tree of isRanked ? treesOf(pieces) : [pieces]) {
    next = plant(steps, tree, { region: wholeBox(), next });
    if (steps.isFull) return undefined;
  }
  return { words: steps.words, start: next };
}

function setsAll({ mark, set }: MarkRule): boolean {
  return mark === undefined && set?.mask === ALL_BITS;
}

/** Of two that set all, the later one has the last word, unless the other ends the walk. */
function rankOf({ last }: MarkRule, place: number): number {
  return last ? TOP_RANK - place : place + 1;
}

/** The pieces by the fields that they ask for. */
function treesOf(pieces: readonly Piece[]): Iterable<Piece[]> {
  const trees = new Map<number, Piece[]>();
  for (const piece of pieces.toSorted((a, b) => b.rank - a.rank)) {
    const asked = ASKED.reduce((bits, field, i) => bits | (isFree(piece, field) ? 0 : 1 << i), 0);
    const tree = trees.get(asked);
    if (tree) tree.push(piece);
    else trees.set(asked, [piece]);
  }
  return trees.values();
}

/** Fields with many values. */
const ASKED = [FIELDS.source, FIELDS.target, FIELDS.sourcePort, FIELDS.targetPort];

function isFree({ low, high }: Box, field: number): boolean {
  return low[field] === 0 && high[field] === ALL_BITS;
}

/** The steps so far. They are written from their end, since a step has to know where others are. */
class Steps {
  readonly #base: number;
  readonly #room: number;
  readonly #steps: number[] = [];

  constructor(base: number, room: number) {
    this.#base = base;
    this.#room = room;
  }

  get isFull(): boolean {
    return this.#steps.length > this.#room * STEP_WORDS;
  }

  /** Adds a step before all others, and returns where it is. */
  put(low: number, span: number, other: number, field: number): number {
    this.#steps.push(low, span, other, field);
    return this.first;
  }

  /** Where the first step is. */
  get first(): number {
    return this.#base + this.#room - this.#steps.length / STEP_WORDS;
  }

  /** The steps in their order. */
  get words(): Uint32Array {
    const count = this.#steps.length / STEP_WORDS;
    const words = new Uint32Array(this.#steps.length);
    for (let i = 0; i < count; i++) {
      const from = (count - 1 - i) * STEP_WORDS;
      for (let j = 0; j < STEP_WORDS; j++) words[i * STEP_WORDS + j] = this.#steps[from + j]!;
    }
    return words;
  }
}

/** Where a tree is planted: the packets that get there, and where they go on. */
interface Ground {
  readonly region: Box;
  readonly next: number;
}

/** The tree of some pieces; returns its first step. */
function plant(steps: Steps, pieces: readonly Piece[], { region, next }: Ground): number {
  if (steps.isFull || pieces.length === 0) return next;
  const cut = pieces.length > LEAF_BOXES ? chooseCut(pieces, region) : undefined;
  if (cut === undefined) return putLeaf(steps, pieces, { region, next });
  const { field, at } = cut;
  const below = { low: region.low, high: region.high.with(field, at - 1) };
  const above = { low: region.low.with(field, at), high: region.high };
  const lower = pieces.filter(({ low }) => low[field]! < at);
  const upper = pieces.filter(({ high }) => high[field]! >= at);
  const other = plant(steps, lower, { region: below, next });
  plant(steps, upper, { region: above, next });
  return steps.put(at, region.high[field]! - at, other, field);
}

interface Cut {
  readonly field: number;
  /** The first value above it. */
  readonly at: number;
}

/** Of the fields' middle borders the one that parts the pieces best; undefined: none does. */
function chooseCut(pieces: readonly Piece[], region: Box): Cut | undefined {
  let best: Cut | undefined;
  let least = Infinity;
  for (let field = 0; field < FIELDS.count; field++) {
    const at = middleBorder(pieces, region, field);
    if (at === undefined) continue;
    let [lower, upper] = [0, 0];
    for (const { low, high } of pieces) {
      if (low[field]! < at) lower += 1;
      if (high[field]! >= at) upper += 1;
    }
    const parts = Math.max(lower, upper) < pieces.length;
    const cost = lower * lower + upper * upper;
    if (!parts || lower + upper > MAX_GROWTH * pieces.length || cost >= least) continue;
    best = { field, at };
    least = cost;
  }
  return best;
}

function middleBorder(pieces: readonly Piece[], region: Box, field: number): number | undefined {
  const [first, last] = [region.low[field]!, region.high[field]!];
  const borders = new Uint32Array(2 * pieces.length);
  let count = 0;
  for (const { low, high } of pieces) {
    if (low[field]! > first) borders[count++] = low[field]!;
    if (high[field]! < last) borders[count++] = high[field]! + 1;
  }
  return count === 0 ? undefined : borders.subarray(0, count).sort()[count >> 1];
}

/** What is left of the pieces in a region, one after the other. */
function putLeaf(steps: Steps, pieces: readonly Piece[], { region, next }: Ground): number {
  // Nothing of a lower rank comes behind a piece that has all of the region.
  const end = pieces.findIndex(
    (piece) => piece.rank > 0 && FIELD_NUMBERS.every((field) => has(piece, region, field)),
  );
  let at = next;
  for (const piece of pieces.slice(0, end < 0 ? undefined : end + 1).toReversed()) {
    at = putPiece(steps, piece, { region, next, otherwise: at });
  }
  return at;
}

/** Whether a box has all values of a field that its region has. */
function has({ low, high }: Box, region: Box, field: number): boolean {
  return low[field]! <= region.low[field]! && high[field]! >= region.high[field]!;
}

const FIELD_NUMBERS = Array.from({ length: FIELDS.count }, (_, field) => field);

/** Asks for what is not settled in the region, and sets the mark; returns the first step. */
function putPiece(
  steps: Steps,
  piece: Piece,
  { region, next, otherwise }: Ground & { readonly otherwise: number },
): number {
  const { low, high, rank, rule } = piece;
  const { set = NO_CHANGE, mark } = rule;
  const behind = rank > 0 ? next : otherwise;
  const done = rank === 0 && rule.last ? 0 : behind;
  const setter = steps.put(~set.mask >>> 0, set.value, done, (SET | (rank << 8)) >>> 0);
  if (mark?.not) {
    steps.put(ALL_BITS, 0, otherwise, SET);
    steps.put(mark.is.mask, mark.is.value, setter, TEST);
  } else if (mark) {
    steps.put(mark.is.mask, mark.is.value, otherwise, TEST);
  }
  for (const field of FIELD_NUMBERS) {
    if (has(piece, region, field)) continue;
    steps.put(low[field]!, high[field]! - low[field]!, otherwise, field);
  }
  return steps.first;
}

const NO_CHANGE = { value: 0, mask: 0 };

import Table from 'cli-table3';
import type { Outcome, Result, Skipped } from './benchmark.ts';

/** All figures as text: a table of each benchmark, and what its figures mean. */
export function tables(outcomes: readonly Outcome[]): string {
  return outcomes
    .map(({ benchmark, results, skipped }) => {
      const rows = isMatrix(results) ? matrix(results, skipped) : list(results, skipped);
      return `${rows}\n${benchmark.name}: ${benchmark.legend}\n`;
    })
    .join('\n');
}

/** Whether several are asked the same: every name is `benchmark.case.figure`. */
export function isMatrix(results: readonly Result[]): boolean {
  const three = results.every(({ name }) => name.split('.').length === 3);
  const sized = results.some(({ name }) => /^\d+[km]?$/.test(figureOf(name)));
  return three && !sized && unique(results.map(({ name }) => figureOf(name))).length > 1;
}

/** One figure a line, and what was left out with its reason. */
export function list(results: readonly Result[], skipped: readonly Skipped[]): string {
  const head = ['name', 'value', 'unit', 'baseline', 'ratio', 'rounds'];
  const rows = results.map(({ name, value, unit, baseline, ratio, rounds }) => [
    name,
    number(value),
    unit,
    number(baseline),
    ratio.toFixed(2),
    `${rounds}`,
  ]);
  return drawn(head, rows, skipped);
}

/** A line a case, a column a figure; in each cell the value, and its ratio to the baseline. */
export function matrix(results: readonly Result[], skipped: readonly Skipped[]): string {
  const cells = new Map(
    results.map(({ name, value, ratio }) => [name, `${number(value)} (${ratio.toFixed(2)})`]),
  );
  const figures = new Map(results.map(({ name, unit }) => [figureOf(name), unit]));
  const head = ['value (ratio)', ...Array.from(figures, (parts) => parts.join(' ').trim())];
  const rows = unique(results.map(({ name }) => caseOf(name))).map((name) => [
    name,
    ...Array.from(figures.keys(), (figure) => cells.get(`${name}.${figure}`) ?? '–'),
  ]);
  return drawn(head, rows, skipped);
}

/** A number that is short and says enough. */
export function number(value: number): string {
  const size = Math.abs(value);
  const maximumFractionDigits = size < 10 ? 2 : size < 1000 ? 1 : 0;
  return value.toLocaleString('en', { maximumFractionDigits });
}

/** Names to the left, figures to the right, without frames and colours. */
function drawn(head: string[], rows: string[][], skipped: readonly Skipped[]): string {
  const table = new Table({
    head,
    colAligns: head.map((name) => (name === 'name' || name === 'unit' ? 'left' : 'right')),
    chars: { ...NO_FRAME, middle: ' ' },
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 1 },
  });
  table.push(...rows);
  for (const { name, skipped: reason } of skipped) {
    table.push([name, { content: reason, colSpan: head.length - 1 }]);
  }
  return table
    .toString()
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n');
}

const NO_FRAME = Object.fromEntries(
  ['top', 'bottom', 'left', 'right', 'mid'].flatMap((side) =>
    ['', '-mid', '-left', '-right'].map((end) => [`${side}${end}`, '']),
  ),
);

function caseOf(name: string): string {
  return name.split('.').slice(0, 2).join('.');
}

function figureOf(name: string): string {
  return name.split('.')[2] ?? '';
}

function unique(names: readonly string[]): string[] {
  return [...new Set(names)];
}

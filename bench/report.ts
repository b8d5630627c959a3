import { parse, View } from 'vega';
import { compile, type TopLevelSpec } from 'vega-lite';
import type { Outcome, Result } from './benchmark.ts';
import { plots } from './plots.ts';
import { number } from './table.ts';

/** The results as one HTML page that needs no other file: the machine, then table and plots. */
export async function reportPage(machine: string, outcomes: readonly Outcome[]): Promise<string> {
  const sections = await Promise.all(outcomes.map(section));
  return `<!DOCTYPE html>
<html lang="en">
<meta charset="utf-8">
<title>xlvs benchmarks</title>
<style>
  body { font: 15px/1.4 sans-serif; margin: 2em auto; max-width: 60em; padding: 0 1em; }
  table { border-collapse: collapse; }
  td, th { padding: 0.1em 0.8em 0.1em 0; text-align: right; }
  td:first-child, th:first-child { text-align: left; }
  tr:nth-child(even) { background: #f4f4f4; }
  svg { margin: 0.5em 1em 0.5em 0; }
  .failure { color: #b00020; }
</style>
<h1>xlvs benchmarks</h1>
<p>${escaped(machine)}</p>
<p>Value, baseline and ratio are medians of the rounds; a black tick in a plot is the baseline.</p>
${sections.join('\n')}
</html>
`;
}

async function section({ benchmark, results, skipped, failure }: Outcome): Promise<string> {
  const drawings = await Promise.all(plots(results).map(svg));
  const notes = skipped.map(({ name, skipped: reason }) => `<p>${escaped(`${name}: ${reason}`)}`);
  return [
    `<h2>${escaped(benchmark.name)}</h2>`,
    `<p>${escaped(benchmark.legend)}</p>`,
    failure === undefined ? '' : `<p class="failure">failed: ${escaped(failure)}</p>`,
    ...drawings,
    '<table><tr><th>name<th>value<th>unit<th>baseline<th>ratio<th>rounds',
    ...results.map(row),
    '</table>',
    ...notes,
  ].join('\n');
}

function row({ name, value, unit, baseline, ratio, rounds }: Result): string {
  const cells = [name, number(value), unit, number(baseline), ratio.toFixed(2), `${rounds}`];
  return `<tr>${cells.map((cell) => `<td>${escaped(cell)}`).join('')}`;
}

/** Draws without a browser and without a canvas, so text is measured by a guess. */
async function svg(spec: TopLevelSpec): Promise<string> {
  const view = new View(parse(compile(spec).spec), { renderer: 'none' });
  try {
    return await view.toSVG();
  } finally {
    view.finalize();
  }
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

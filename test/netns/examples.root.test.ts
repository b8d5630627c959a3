import { describe, expect, test } from 'vitest';
import { runExample } from '../../ts/lab/demo.ts';
import { examples } from '../../ts/lab/examples.ts';

/*
 *   client ──── (router) ──── director ────┬── rs1
 *                                          └── rs2
 *
 * Every example draws its own topology in ts/lab/topologies.ts; `npm run demo` shows the same.
 */
describe('the worked examples of the documents', () => {
  test.each(examples)('$id is as printed', async (example) => {
    const lines: string[] = [];
    const good = await runExample(example, {
      name: `test.${process.pid}.example`,
      print: (line) => lines.push(line),
      signal: new AbortController().signal,
    });
    expect(good, lines.join('\n')).toBe(true);
  });
});

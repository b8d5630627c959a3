import { describe, expect, test } from 'vitest';
import { type Outcome, type Result, summary } from '../../bench/benchmark.ts';
import { plots, sizeOf } from '../../bench/plots.ts';
import { reportPage } from '../../bench/report.ts';
import { list, tables } from '../../bench/table.ts';

const result = (name: string, value: number, unit = 'ns'): Result =>
  summary(name, unit, [{ value, baseline: 2, ratio: value / 2 }]);

const outcome = (results: readonly Result[], more: Partial<Outcome> = {}): Outcome => ({
  benchmark: {
    name: 'peers',
    legend: 'what <others> do',
    async *measure() {},
  },
  results,
  skipped: [],
  ...more,
});

describe('the table', () => {
  test('a benchmark of several that are asked the same has a line for each of them', () => {
    const results = [
      result('peers.nat.udp', 3),
      result('peers.nat.rtt', 20, 'us'),
      result('peers.haproxy.rtt', 90, 'us'),
    ];
    const skipped = [{ name: 'peers.ipvs', skipped: 'this kernel has no ip_vs' }];
    const lines = tables([outcome(results, { skipped })]).split('\n');
    expect(lines.map((line) => line.trim().replaceAll(/ +/g, ' '))).toEqual([
      'value (ratio) udp ns rtt us',
      'peers.nat 3 (1.50) 20 (10.00)',
      'peers.haproxy – 90 (45.00)',
      'peers.ipvs this kernel has no ip_vs',
      'peers: what <others> do',
      '',
    ]);
  });

  test('other figures have a line each', () => {
    const lines = list([result('fast_path.nat.64k', 1234)], []).split('\n');
    expect(lines.map((line) => line.trim().split(/ +/))).toEqual([
      ['name', 'value', 'unit', 'baseline', 'ratio', 'rounds'],
      ['fast_path.nat.64k', '1,234', 'ns', '2', '617.00', '1'],
    ]);
  });
});

describe('the plots', () => {
  test.each([
    ['1', 1],
    ['64k', 65_536],
    ['1m', 1_048_576],
    ['udp', undefined],
  ])('%s as a size is %s', (text, size) => {
    expect(sizeOf(text)).toBe(size);
  });

  test('sizes make one plot of lines, each figure one of bars, and units are kept apart', () => {
    const marks = plots([
      result('x.nat.1', 1),
      result('x.nat.1k', 2),
      result('x.dr.1', 1),
      result('x.nat.udp', 1),
      result('x.dr.udp', 1),
      result('x.rate', 1, '1/s'),
    ]).map((spec) => ('layer' in spec ? 'bars' : 'lines'));
    expect(marks).toEqual(['lines', 'bars', 'bars']);
  });
});

describe('the report', () => {
  test('stands alone: drawings, tables, what failed and what was left out', async () => {
    const results = [result('peers.nat.udp', 3), result('peers.dr.udp', 4)];
    const skipped = [{ name: 'peers.ipvs', skipped: 'this kernel has no ip_vs' }];
    const page = await reportPage('2 x <CPU>', [outcome(results, { skipped, failure: 'it fell' })]);
    expect(page.match(/<svg /g)).toHaveLength(1);
    expect(page).toContain('2 x &lt;CPU&gt;');
    expect(page).toContain('<td>peers.dr.udp<td>4');
    expect(page).toContain('peers.ipvs: this kernel has no ip_vs');
    expect(page).toContain('failed: it fell');
    expect(page).not.toMatch(/(src|href)=|<script/);
  });
});

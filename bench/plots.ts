import type { TopLevelSpec } from 'vega-lite';
import type { Result } from './benchmark.ts';

/** A figure as it is drawn. */
interface Point {
  /** What it shares a plot with. */
  readonly plot: string;
  readonly unit: string;
  /** Its bar, or its line. */
  readonly name: string;
  /** Where on the line. */
  readonly size?: number;
  readonly value: number;
  readonly baseline: number;
}

/**
 * The plots of one benchmark's results. A name `benchmark.case.size` is a point on the line of its
 * case, in `benchmark.case.figure` each figure is a plot with a bar a case, and all others are bars
 * together. What is of different units never shares a plot.
 */
export function plots(results: readonly Result[]): TopLevelSpec[] {
  const grouped = new Map<string, Point[]>();
  for (const point of results.map(pointOf)) {
    const key = `${point.plot} ${point.unit} ${point.size === undefined}`;
    grouped.set(key, [...(grouped.get(key) ?? []), point]);
  }
  return [...grouped.values()].map((points) =>
    points[0]!.size === undefined ? bars(points) : lines(points),
  );
}

/** 64k as 65536, and 1m as 1048576: sizes are powers of two or nearly so. */
export function sizeOf(text: string): number | undefined {
  const [, digits, suffix = ''] = /^(\d+)([km]?)$/.exec(text) ?? [];
  if (digits === undefined) return undefined;
  return Number(digits) * 1024 ** ['', 'k', 'm'].indexOf(suffix);
}

function pointOf({ name, unit, value, baseline }: Result): Point {
  const [, first = '', ...rest] = name.split('.');
  const size = rest.map(sizeOf).find((one) => one !== undefined);
  const figure = rest.filter((part) => sizeOf(part) === undefined).join('.');
  return { plot: figure, unit, name: first, value, baseline, ...(size !== undefined && { size }) };
}

function bars(points: readonly Point[]): TopLevelSpec {
  const y = { field: 'name', type: 'nominal', sort: null, title: null } as const;
  const x = { type: 'quantitative', title: titleOf(points) } as const;
  return {
    ...common(points),
    layer: [
      {
        mark: { type: 'bar', height: { band: 0.6 } },
        encoding: { y, x: { ...x, field: 'value' } },
      },
      {
        mark: { type: 'tick', color: 'black', thickness: 2 },
        encoding: { y, x: { ...x, field: 'baseline' } },
      },
    ],
  };
}

function lines(points: readonly Point[]): TopLevelSpec {
  return {
    ...common(points),
    mark: { type: 'line', point: true },
    encoding: {
      x: { field: 'size', type: 'quantitative', scale: { type: 'log', base: 2 }, title: 'size' },
      y: { field: 'value', type: 'quantitative', title: titleOf(points) },
      color: { field: 'name', type: 'nominal', sort: null, title: null },
    },
  };
}

function common(points: readonly Point[]) {
  return { data: { values: [...points] }, width: 360, background: 'white' };
}

function titleOf(points: readonly Point[]): string {
  const { plot, unit } = points[0]!;
  return [plot, unit].filter(Boolean).join(', ');
}

import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { ABI_HEADERS } from '../ts/native/gen_abi.ts';
import { limits, type SourceFile, shapeFindings, textFindings } from './support/tidy.ts';
import {
  abiNames,
  arrowFindings,
  includeFindings,
  secondDefinitions,
} from './support/tidy_arrows.ts';

const headers: readonly string[] = ABI_HEADERS;
const names = headers.flatMap((header) => abiNames(readFileSync(header, 'utf8')));
const written = filesUnder('.ci', 'bench', 'bpf', 'native', 'test', 'ts');
const typescript = written.filter(({ path }) => path.endsWith('.ts'));

function filesUnder(...folders: readonly string[]): readonly SourceFile[] {
  return folders
    .flatMap((folder) =>
      readdirSync(folder, { recursive: true, encoding: 'utf8' }).map((path) => `${folder}/${path}`),
    )
    .filter((path) => /\.(ts|[ch]|cc)$/.test(path) && !path.endsWith('.gen.ts'))
    .map((path) => ({ path, text: readFileSync(path, 'utf8') }));
}

describe('this repository', () => {
  test('keeps to the limits of a file and a line, and names the issue of open work', () => {
    expect(written.flatMap(textFindings)).toEqual([]);
  });

  test('keeps to the limits of a function, without default exports and barrels', () => {
    const judged = typescript.filter(
      ({ path }) => path !== 'ts/lvs/schedulers/index.ts' && !path.startsWith('.ci/'),
    );
    expect(judged.flatMap(shapeFindings)).toEqual([]);
  });

  test('imports along the drawn arrows, and keeps ts/lvs pure', () => {
    expect([...typescript.flatMap(arrowFindings), ...written.flatMap(includeFindings)]).toEqual([]);
  });

  test('defines a name of bpf/abi.h once', () => {
    const others = written.filter(
      ({ path }) => !headers.includes(path) && path !== 'test/tidy.test.ts',
    );
    expect(others.flatMap((file) => secondDefinitions(file, names))).toEqual([]);
  });

  test('says the reason of each dependency, and of nothing that is none', () => {
    const { dependencies, devDependencies } = JSON.parse(readFileSync('package.json', 'utf8'));
    const rows = readFileSync('docs/dependencies.md', 'utf8').matchAll(/^\| (\S.*?) \| \S/gm);
    const explained = [...rows].flatMap(([, names]) => names!.split(', '));
    const lists = readFileSync('.ci/setup', 'utf8').matchAll(/packages='\n(.*?)\n'/gs);
    const debian = [...lists].flatMap(([, lines]) => lines!.split('\n'));
    const needed = [
      ...Object.keys({ ...dependencies, ...devDependencies }),
      ...debian.map((line) => line.split(' ')[0]!),
    ];
    const others = ['package', 'crate', 'bpf-linker 0.10.3'];
    expect(explained.filter((name) => !others.includes(name)).sort()).toEqual(needed.sort());
  });
});

const mark = ['TO', 'DO'].join('');
const text = (source: string, path = 'ts/lvs/x.ts') => textFindings({ path, text: source });
const shape = (source: string) => shapeFindings({ path: 'ts/lvs/x.ts', text: source });
const arrows = (path: string, source: string) => arrowFindings({ path, text: source });

describe('a planted violation is found', () => {
  test('a file of too many lines', () => {
    expect(text('\n'.repeat(limits.fileLines))).toEqual([]);
    expect(text('\n'.repeat(limits.fileLines + 1))).toHaveLength(1);
  });

  test('a line of too many columns, a tab counted as eight', () => {
    expect(text('x'.repeat(limits.columns))).toEqual([]);
    expect(text('x'.repeat(limits.columns + 1))).toHaveLength(1);
    expect(text('\t'.repeat(12) + 'x'.repeat(5), 'bpf/x.h')).toHaveLength(1);
  });

  test('open work without an issue', () => {
    expect(text(`// ${mark}(#12): later`)).toEqual([]);
    expect(text(`// ${mark}: later`)).toHaveLength(1);
  });

  test('a function of too many lines, but not a group of tests', () => {
    const body = (lines: number) => `{${'\n'.repeat(lines - 1)}}`;
    expect(shape(`function f() ${body(70)}`)).toEqual([]);
    expect(shape(`function f() ${body(71)}`)).toEqual(['ts/lvs/x.ts:1: 71 lines']);
    expect(shape(`const f = () => ${body(71)};`)).toHaveLength(1);
    expect(shape(`class A { f() ${body(71)} }`)).toHaveLength(1);
    expect(shape(`describe.each([1])('name', () => ${body(71)});`)).toEqual([]);
  });

  test('a fifth parameter', () => {
    expect(shape('function f(a, b, c, d) {}')).toEqual([]);
    expect(shape('const f = (a, b, c, d, e) => a;')).toEqual(['ts/lvs/x.ts:1: 5 parameters']);
  });

  test('a fourth level of nesting', () => {
    const deep = (inner: string) =>
      `function f() { for (;;) { if (a) { while (b) { ${inner} } } } }`;
    expect(shape(deep(''))).toEqual([]);
    expect(shape(deep('list.map((x) => { if (x) return 1; });'))).toEqual([]);
    expect(shape(deep('if (c) d();'))).toEqual(['ts/lvs/x.ts:1: 4 levels of nesting']);
    expect(shape(`function f() { ${'if (a) b(); else '.repeat(9)} c(); }`)).toEqual([]);
  });

  test('a default export and a barrel', () => {
    expect(shape('export default 1;')).toHaveLength(1);
    expect(shape("export * from './a.ts';\nexport { b } from './b.ts';")).toHaveLength(1);
    expect(shape("export * from './a.ts';\nexport const b = 1;")).toEqual([]);
  });

  test.each([
    ['ts/net/x.ts', "import { a } from '../lvs/a.ts';"],
    ['ts/lvs/x.ts', "import { a } from '../native/addon.ts';"],
    ['ts/lvs/schedulers/x.ts', "export { a } from '../../dataplane/a.ts';"],
    ['ts/lvs/x.ts', "import { readFileSync } from 'node:fs';"],
    ['ts/lvs/x.ts', 'export const now = () => Date.now();'],
    ['ts/lvs/x.ts', 'export async function f() {}'],
    ['ts/cli/x.ts', "import { a } from '../lvs/a.ts';"],
    ['ts/cli/x.ts', "const a = await import('../native/addon.ts');"],
    ['ts/cli/main.ts', "import { a } from '../daemon/main.ts';"],
    ['ts/api/x.ts', "import { a } from '../daemon/main.ts';"],
    ['ts/simulate/x.ts', "import { a } from '../native/addon.ts';"],
    ['ts/health/x.ts', "import { a } from '../vrrp/a.ts';"],
    ['ts/doctor/x.ts', "import { a } from '../../test/support/a.ts';"],
    ['ts/elsewhere/x.ts', "import { a } from '../net/a.ts';"],
  ])('an arrow that is not drawn: %s, %s', (path, source) => {
    expect(arrows(path, source)).toHaveLength(1);
  });

  test.each([
    ['ts/lvs/schedulers/x.ts', "import { a } from '../scheduler.ts';"],
    ['ts/lvs/x.ts', "import { a } from '../net/address.ts';"],
    ['ts/cli/x.ts', "import type { A } from '../lvs/a.ts';"],
    ['ts/cli/main.ts', "const a = await import('../daemon/main.ts');"],
    ['ts/cli/x.ts', "import { type A, type B } from '../lvs/a.ts';"],
    ['ts/doctor/x.ts', "import { a } from '../native/addon.ts';"],
    ['ts/daemon/x.ts', "import { a } from '../dataplane/xdp.ts';"],
    ['test/x.test.ts', "import { a } from '../ts/daemon/main.ts';"],
  ])('but not an arrow that is: %s, %s', (path, source) => {
    expect(arrows(path, source)).toEqual([]);
  });

  test('bpf/maps.h in C++', () => {
    const source = { text: '#include "maps.h"\n' };
    expect(includeFindings({ path: 'native/x.cc', ...source })).toHaveLength(1);
    expect(includeFindings({ path: 'bpf/x.bpf.c', ...source })).toEqual([]);
  });

  test.each([
    'struct flow {',
    'enum verdict {',
    '\tMAX_BURST = 256,',
    '#define MAX_BURST 256',
    'export const MAX_BURST = 256;',
    'constexpr int MAX_BURST = 256;',
    'static const unsigned MAX_BURST = 256;',
  ])('a second definition: %s', (line) => {
    expect(secondDefinitions({ path: 'native/x.cc', text: line }, names)).toHaveLength(1);
  });

  test.each([
    'struct flow flow = {};',
    'const MY_MAX_BURST = 1;',
    'if (n == MAX_BURST) {',
    'enum verdict verdict = NEXT;',
  ])('but not a use: %s', (line) => {
    expect(secondDefinitions({ path: 'native/x.cc', text: line }, names)).toEqual([]);
  });
});

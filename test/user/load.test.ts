import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { loadSchedulers } from '../../ts/user/load.ts';
import { surroundings } from '../support/surroundings.ts';

const directory = mkdtempSync(join(tmpdir(), 'xlvs-user-'));
afterAll(() => rmSync(directory, { recursive: true }));

function file(name: string, text: string): string {
  const path = join(directory, name);
  writeFileSync(path, text);
  return path;
}

const module = (members: string) => `export const scheduler = { ${members} };\n`;
const good = (name: string) => module(`name: '${name}', kind: 'sequence', choose: ([a]) => a`);
const stripsTypes = 'typescript' in process.features && Boolean(process.features.typescript);

describe('files of schedulers', () => {
  test('are modules of either kind, and may be named twice', () => {
    const first = file('first.mjs', good('first'));
    const second = file(
      'second.cjs',
      good('second').replace('export const scheduler', 'exports.scheduler'),
    );
    const makers = loadSchedulers([first, second, first]);
    expect([...makers.keys()]).toEqual(['first', 'second']);
    expect(makers.get('second')?.(surroundings())).toMatchObject({ name: 'second' });
  });

  test.runIf(stripsTypes)('may be TypeScript where Node.js strips types', () => {
    const text = good('typed').replace('scheduler =', 'scheduler: object =');
    expect([...loadSchedulers([file('typed.mts', text)]).keys()]).toEqual(['typed']);
  });

  test.skipIf(stripsTypes)('in TypeScript are refused where Node.js does not strip types', () => {
    expect(() => loadSchedulers([file('typed.ts', good('typed'))])).toThrow(
      /typed\.ts: expected JavaScript: Node\.js [\d.]+ does not strip types, as 22\.18 and later/,
    );
  });

  test.each([
    ['no syntax', 'export const scheduler = {', /: expected a module: Unexpected/],
    ['throws', "throw new Error('no luck');", /: expected a module: no luck$/],
    ['loops', 'for (;;);', /: expected a module: took longer than 2000 ms$/],
    ['waits', 'await 1;', /: expected a module: .*top-level await/],
    ['imports', "import 'nosuch';", /: expected a module: Cannot find package 'nosuch'/],
    ['exports nothing', '', /: scheduler: expected to be exported$/],
    ['no name', module("kind: 'flow', choose() {}"), /: scheduler\.name: expected a letter, /],
    ['a long name', good('abcdefghijklmnop'), /: scheduler\.name: expected a letter, .* 14 /],
    ["one of LVS's names", good('wlc'), /: scheduler\.name: expected a new one, received wlc$/],
    ['a kind', module("name: 'a', kind: 'table', choose() {}"), /kind: expected one of sequence, /],
    [
      'no choose',
      module("name: 'a', kind: 'flow'"),
      /choose: expected a function that is not async/,
    ],
    ['async', module("name: 'a', kind: 'flow', async choose() {}"), /choose: expected a function/],
  ])('are refused in one line: %s', (what, text, message) => {
    const path = file(`${what}.mjs`, text);
    let said = '';
    try {
      loadSchedulers([path]);
    } catch (error) {
      said = (error as Error).message;
    }
    expect(said).toMatch(message);
    expect(said.startsWith(`${path}: `) && !said.includes('\n')).toBe(true);
  });

  test('that are not there, or have a name in common, are refused', () => {
    const twice = [file('one.mjs', good('same')), file('two.mjs', good('same'))];
    expect(() => loadSchedulers(twice)).toThrow(/two\.mjs: scheduler\.name: expected a new one/);
    expect(() => loadSchedulers(['/nonexistent/x.mjs'])).toThrow(
      /^\/nonexistent\/x\.mjs: expected a module: ENOENT/,
    );
  });
});

describe('xlvs simulate --scheduler', () => {
  const rules = file(
    'rules',
    ['-A -t 10.99.0.1:80 -s own', '-a -t 10.99.0.1:80 -r 10.2.0.11:80 -m', ''].join('\n'),
  );
  const flow = { proto: 'tcp', src: '172.16.0.1', sport: 20_001, dst: '10.99.0.1', dport: 80 };
  const events = file('events', `${JSON.stringify({ op: 'connect', ...flow })}\n`);
  const simulate = (path: string) => {
    const words = ['simulate', '--rules', rules, '--events', events, '--scheduler', path];
    return spawnSync(process.execPath, ['bin/xlvs', ...words], { encoding: 'utf8' });
  };

  test('decides by it', () => {
    const { status, stdout, stderr } = simulate(file('own.mjs', good('own')));
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(JSON.parse(stdout).chose).toBe('10.2.0.11:80');
  });

  test('says that it has failed', () => {
    const failing = good('own').replace('=> a', "=> { throw new Error('no luck'); }");
    const { status, stdout, stderr } = simulate(file('failing.mjs', failing));
    const complaint =
      'scheduler own of tcp 10.99.0.1:80 threw Error: no luck: wlc chooses in its place';
    expect({ status, stderr }).toEqual({ status: 1, stderr: `xlvs: ${complaint}\n` });
    expect(JSON.parse(stdout).chose).toBe('10.2.0.11:80');
  });

  test('refuses a file in one line', () => {
    const { status, stdout, stderr } = simulate('/nonexistent/x.mjs');
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toMatch(/^xlvs: \/nonexistent\/x\.mjs: expected a module: ENOENT.*\n$/);
  });
});

import { expect, test } from 'vitest';
import { checkChoice, chooseInterfaces, isChosen } from '../../ts/daemon/choice.ts';

const nothing = { named: [], configured: undefined, namespace: undefined };

test('the command line comes before the configuration, and that before the namespace', () => {
  const all = { named: ['a'], configured: ['b'], namespace: 'director' };
  expect(chooseInterfaces(all)).toEqual(['a']);
  expect(chooseInterfaces({ ...all, named: [] })).toEqual(['b']);
  expect(chooseInterfaces({ ...all, named: [], configured: undefined })).toBe('every');
});

test('a namespace without a name is left alone', () => {
  expect(() => chooseInterfaces(nothing)).toThrow(/^no interface: .* --interface/);
  expect(() => chooseInterfaces({ ...nothing, configured: [] })).toThrow(/^no interface/);
});

test('an interface that was named has to be there', () => {
  const links = [{ name: 'lo' }, { name: 'eth0' }];
  expect(() => checkChoice(['eth0'], links)).not.toThrow();
  expect(() => checkChoice('every', [])).not.toThrow();
  expect(() => checkChoice(['eth0', 'eth9'], links)).toThrow(
    'no interface eth9: expected one of lo, eth0',
  );
});

test.each([
  ['every', { name: 'eth0', up: true, ethernet: true }, true],
  ['every', { name: 'eth0', up: false, ethernet: true }, false],
  ['every', { name: 'lo', up: true, ethernet: false }, false],
  [['eth0'], { name: 'eth0', up: true, ethernet: true }, true],
  [['eth0'], { name: 'eth1', up: true, ethernet: true }, false],
] as const)('of %s, %j is chosen: %s', (choice, link, chosen) => {
  expect(isChosen(choice, link)).toBe(chosen);
});

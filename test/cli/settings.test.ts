import { expect, test } from 'vitest';
import { parseAssignments, settingsText } from '../../ts/cli/settings.ts';

const settings = { conn_reuse_mode: '1', syn_cookies: 'auto' };
const known = Object.keys(settings);

test('assignments are names and values', () => {
  const words = ['conn_reuse_mode=0', 'syn_cookies=on'];
  expect(parseAssignments(words, known)).toEqual({ conn_reuse_mode: '0', syn_cookies: 'on' });
});

test.each([
  ['conn_reuse_mode', 'expected <name>=<value>, received conn_reuse_mode'],
  ['conn_reuse_mode=', 'expected <name>=<value>, received conn_reuse_mode='],
  ['colour=red', 'expected one of conn_reuse_mode, syn_cookies, received colour'],
])('%s is refused', (word, message) => {
  expect(() => parseAssignments([word], known)).toThrow(message);
});

test('settings are listed a line each, all or those that are named', () => {
  expect(settingsText(settings, [])).toBe('conn_reuse_mode = 1\nsyn_cookies = auto\n');
  expect(settingsText(settings, ['syn_cookies'])).toBe('syn_cookies = auto\n');
  expect(() => settingsText(settings, ['colour'])).toThrow('received colour');
});

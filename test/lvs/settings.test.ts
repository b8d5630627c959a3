import { expect, test } from 'vitest';
import { Director } from '../../ts/lvs/director.ts';
import type { JournalEntry } from '../../ts/lvs/journal_entry.ts';
import { DEFAULT_SETTINGS, settingText, settingValue } from '../../ts/lvs/settings.ts';
import { MemoryDataplane } from '../support/memory_dataplane.ts';
import { rule } from '../support/rules.ts';

test('a new director has the defaults of LVS, and cookies under attack', () => {
  expect(new Director(new MemoryDataplane()).settings).toEqual({
    conn_reuse_mode: 1,
    expire_nodest_conn: 0,
    pmtu_disc: 1,
    expire_quiescent_template: 0,
    sloppy_tcp: 0,
    drop_entry: 0,
    mh_tab_index: 12,
    overhead: 256,
    lblc_expiration: 86_400,
    lblcr_expiration: 86_400,
    syn_cookies: 1,
  });
});

test('what is set is told to the data plane, and the rest stays', () => {
  const dataplane = new MemoryDataplane();
  const director = new Director(dataplane);
  director.apply(rule.settings({ sloppy_tcp: 1 }));
  director.apply(rule.settings({ drop_entry: 2 }));
  expect(director.settings).toEqual({ ...DEFAULT_SETTINGS, sloppy_tcp: 1, drop_entry: 2 });
  expect(dataplane.told.settings).toEqual(director.settings);
});

test('settings are in the journal, and taken back with a batch that is refused', () => {
  const journal: JournalEntry[] = [];
  const director = new Director(new MemoryDataplane(), (entries) => journal.push(...entries));
  director.apply(rule.settings({ conn_reuse_mode: 0 }));
  const batch = [rule.settings({ conn_reuse_mode: 3 }), rule.delete()];
  expect(director.applyAll(batch, { atomic: true }).at(-1)).toMatchObject({ ok: false });
  expect(director.settings.conn_reuse_mode).toBe(0);

  const next = new Director(new MemoryDataplane());
  for (const entry of journal) next.replay(JSON.parse(JSON.stringify(entry)));
  expect(next.settings).toEqual(director.settings);
});

test.each([
  ['syn_cookies', 'auto', 1],
  ['syn_cookies', '2', 2],
  ['syn_cookies', 'never', undefined],
  ['conn_reuse_mode', 3, 3],
  ['conn_reuse_mode', '4', undefined],
  ['conn_reuse_mode', 'on', undefined],
  ['sloppy_tcp', -1, undefined],
  ['mh_tab_index', 8, 8],
  ['mh_tab_index', 7, undefined],
  ['sloppy_tcp', '0.5', undefined],
] as const)('%s may be said as %s', (name, given, value) => {
  expect(settingValue(name, given)).toBe(value);
});

test('a value is shown by its word, where it has one', () => {
  expect([settingText('syn_cookies', 0), settingText('drop_entry', 0)]).toEqual(['off', '0']);
});

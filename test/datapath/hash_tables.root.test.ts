import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { packageRoot } from '../../ts/native/addon.ts';
import { RECORDED_TABLES, type TableCase, TableReplay } from '../support/table_replay.ts';
import { ForgetfulCrowd } from './forgetful_crowd.ts';
import { XdpTarget } from './targets.ts';

const CONNECTIONS = 35;

/*
 * The recorded choices of dh, sh and mh through the XDP program, verified and compiled by the
 * kernel. No daemon lives here, so it has nobody to ask.
 */
describe.each(['bpftool', 'bpf_linker'])('the object that %s linked', (linker) => {
  const path = join(packageRoot(), 'build', `director.${linker}.o`);
  const missing = !existsSync(path);
  let target: XdpTarget;

  beforeAll(() => {
    if (!missing) target = new XdpTarget(path, CONNECTIONS);
  });
  afterAll(() => target?.close());
  beforeEach(({ skip }) => skip(missing, 'bpf-linker is not there'));

  function check(recorded: TableCase, exact: boolean): void {
    const replay = new TableReplay(recorded, new ForgetfulCrowd(target), { exact });
    expect(recorded.events.map((event) => replay.happen(event))).toEqual(recorded.events);
  }

  test.for(RECORDED_TABLES)('kernel IPVS chose as XDP does: $name', (one) => check(one, false));

  test('the tables of services that are scheduled one by one serve where no daemon lives', () => {
    for (const recorded of RECORDED_TABLES) check(recorded, true);
  });
});

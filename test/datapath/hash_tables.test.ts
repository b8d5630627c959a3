import { expect, test } from 'vitest';
import { RECORDED_TABLES, TableReplay } from '../support/table_replay.ts';
import { ForgetfulCrowd } from './forgetful_crowd.ts';
import { nativeTarget } from './targets.ts';

const CONNECTIONS = 35;

test.for(RECORDED_TABLES)('kernel IPVS chose as the packet code does: $name', (recorded) => {
  const replay = new TableReplay(recorded, new ForgetfulCrowd(nativeTarget(CONNECTIONS)));
  expect(recorded.events.map((event) => replay.happen(event))).toEqual(recorded.events);
});

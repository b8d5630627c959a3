import { expect, test } from 'vitest';
import { Comparison } from '../support/comparison.ts';
import { recordedHistories } from '../support/histories.ts';
import { type History, Replay } from '../support/replay.ts';
import { PacketPlayer } from './histories.ts';
import { PacketCrowd } from './packet_crowd.ts';
import { nativeTarget } from './targets.ts';

/** All of them: `npm run conformance -- --recorded --through native`. */
const EVERY = 29;

const player = new PacketPlayer('native');
const comparison = new Comparison((history) => player.play(history));
const some = recordedHistories().filter((_, i) => i % EVERY === 0);
for (const history of some) comparison.compare(history);

test('the packet code sends clients where kernel IPVS did', () => {
  expect(comparison.differences).toEqual([]);
  expect(comparison.rows.size).toBe(13);
});

test('by ticket, who meets nothing but overloaded destinations for long is served', () => {
  const history: History = {
    name: 'wrr 100:1, the heavy one full',
    scheduler: 'wrr',
    flags: '',
    protocol: 'tcp',
    family: 4,
    slot: 0,
    spread: 1,
    events: ['add A 100 2 1', 'add B 1', 'choose 1 BAABBBBBBB'],
  };
  const replay = new Replay(history, new PacketCrowd(nativeTarget(100)));
  expect(replay.run()).toEqual(history.events);
});

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { bytesFor, type PlaneBytes } from '../../ts/dataplane/memory.ts';
import type { InterfaceFacts } from '../../ts/doctor/facts.ts';
import { checkMachine } from '../../ts/doctor/machine_checks.ts';
import { parseChannels, parseFeatures, parseRing, parseRss } from '../../ts/doctor/parse.ts';
import { checkReception } from '../../ts/doctor/queue_checks.ts';
import { projectRoot } from '../../ts/lab/process.ts';
import { goodFacts, goodInterface } from './facts.ts';

/** What ethtool 6.1 printed of a card of that driver, for its option. */
const recorded = (driver: string, option: string): string =>
  readFileSync(join(projectRoot(), 'test/vectors/doctor', `${driver}.${option}.txt`), 'utf8');

const check = (change: Partial<InterfaceFacts>, cpus = 4) =>
  checkReception({ ...goodInterface, ...change }, { cpus }).filter(({ level }) => level !== 'ok');

const asRecorded = (driver: string): Partial<InterfaceFacts> => ({
  features: parseFeatures(recorded(driver, 'k')),
  channels: parseChannels(recorded(driver, 'l')),
  // It prints nothing of the rings and the hash of a veth.
  ring: parseRing(driver === 'veth' ? '' : recorded(driver, 'g')),
  rss: parseRss(driver === 'veth' ? '' : recorded(driver, 'x')),
});

/** The text of `ethtool -x`, composed: no card here tells its key. */
const rssText = (key: string, transformation = '') => `RX flow hash indirection table for eth0:
    0:      0     1     2     3
RSS hash key:
${key}
RSS hash function:
    toeplitz: on
    xor: off
${transformation}`;

describe('what ethtool prints', () => {
  test('of a virtio card', () => {
    expect(asRecorded('virtio_net')).toMatchObject({
      channels: { now: 1, max: 1, option: 'combined' },
      ring: { now: 256, max: 256 },
      rss: undefined,
    });
  });

  test('of a veth with four queues', () => {
    expect(asRecorded('veth')).toMatchObject({
      channels: { now: 4, max: 4, option: 'rx' },
      ring: undefined,
    });
  });

  test('of RSS', () => {
    expect(parseRss(rssText('6d:5a:01'))).toEqual({
      key: '6d:5a:01',
      function: 'toeplitz',
      symmetric: false,
    });
    const xor = 'RSS input transformation:\n    symmetric-xor: on\n';
    expect(parseRss(rssText('01:02', xor))?.symmetric).toBe(true);
    expect(parseRss('')).toBeUndefined();
  });
});

describe('nothing is to be done', () => {
  test.each(['virtio_net', 'veth'])('with %s as it is', (driver) => {
    const kind = driver === 'veth' ? 'veth' : '';
    expect(check({ ...asRecorded(driver), kind, receiveQueues: 1 }, 1)).toEqual([]);
  });

  test('with a card of all virtues', () => {
    expect(check({})).toEqual([]);
  });
});

describe('a finding says the command that ends it', () => {
  const rxvlan = (fixed: boolean) => new Map([['rx-vlan-offload', { on: true, fixed }]]);
  test.each<[string, Partial<InterfaceFacts>, string]>([
    [
      'fewer queues than CPUs',
      { channels: { now: 1, max: 8, option: 'combined' } },
      'ethtool -L eth0 combined 4',
    ],
    ['a short ring', { ring: { now: 256, max: 4096 } }, 'ethtool -G eth0 rx 1024'],
    ['VLAN stripping', { features: rxvlan(false) }, 'ethtool -K eth0 rxvlan off'],
    ['VLAN stripping that stays', { features: rxvlan(true) }, 'it cannot be turned off'],
    [
      'RSS by a key of no pattern',
      { rss: { key: '01:02:03:04:05', function: 'toeplitz', symmetric: false } },
      'ethtool -X eth0 hkey 6d:5a:6d:5a:6d,',
    ],
  ])('%s', (_name, change, advice) => {
    expect(check(change)).toMatchObject([{ advice: expect.stringContaining(advice) }]);
  });
});

describe('the connection table', () => {
  test('costs more the more it is for', () => {
    const [small, large] = [bytesFor(1024, 2), bytesFor(1_048_576, 2)];
    expect(large.table).toBeGreaterThan(900 * small.table);
    expect(large.total).toBeGreaterThan(large.table);
    expect(large.table / 1_048_576).toBeLessThan(128);
  });

  test('is judged by the memory that is free', () => {
    const finding = (bytes: PlaneBytes) =>
      checkMachine({ ...goodFacts, table: { ...goodFacts.table, ...bytes } }).find(
        ({ subject }) => subject === 'connection table',
      );
    expect(finding({ table: 2 ** 20, total: 3 * 2 ** 20 })).toEqual({
      level: 'ok',
      subject: 'connection table',
      found: '1000 connections take 1 MiB (1049 bytes each); 3 MiB with all else',
    });
    expect(finding({ table: 2 ** 31, total: 2 ** 31 })).toMatchObject({
      level: 'warning',
      advice: expect.stringContaining('--connections'),
    });
  });
});

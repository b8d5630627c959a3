import { describe, expect, test } from 'vitest';
import { type ExtraMacs, type StationLink, Stations } from '../../ts/dataplane/stations.ts';
import { Limits, Settings, StationLine } from '../../ts/native/abi.gen.ts';
import { macBytes } from '../../ts/net/netlink.ts';

const MAC = ['02:00:00:00:00:01', '02:00:00:00:00:02', '02:00:00:00:00:03'] as const;

const link = (ifindex: number, mac: string, more: Partial<StationLink> = {}): StationLink => ({
  ifindex,
  mac,
  ethernet: true,
  deviceKind: '',
  lower: 0,
  master: 0,
  ...more,
});

/** The memory, and what stands in it as 'ifindex mac'. */
function tables(extra?: ExtraMacs) {
  const settings = new ArrayBuffer(Settings.size);
  const words = new BigUint64Array(Limits.STATION_LINES * (StationLine.size / 8));
  const stations = new Stations({ settings, stations: words.buffer }, extra);
  return {
    stations,
    words,
    checks: () => Settings.ownStationsOnly(new DataView(settings), 0) === 1,
    all: () =>
      [...words]
        .filter((word) => word !== 0n)
        .map(stationText)
        .sort(),
  };
}

function stationText(word: bigint): string {
  const bytes = [...new Uint8Array(BigUint64Array.of(word).buffer)];
  const mac = bytes.slice(0, 6).map((byte) => byte.toString(16).padStart(2, '0'));
  return `${Number(word >> 48n)} ${mac.join(':')}`;
}

describe('an interface is reached', () => {
  test('at its own MAC address, before and after that changed', () => {
    const { stations, all, checks } = tables();
    stations.update([link(2, MAC[0]), link(3, MAC[1])]);
    expect(all()).toEqual([`2 ${MAC[0]}`, `3 ${MAC[1]}`]);
    expect(checks()).toBe(true);
    stations.update([link(2, MAC[2])]);
    expect(all()).toEqual([`2 ${MAC[2]}`]);
  });

  test.each<[string, StationLink]>([
    ['a macvlan', link(9, MAC[1], { deviceKind: 'macvlan', lower: 2 })],
    ['a VLAN', link(9, MAC[1], { deviceKind: 'vlan', lower: 2 })],
  ])('for %s that stands on it', (_, above) => {
    const { stations, all } = tables();
    stations.update([link(2, MAC[0]), above]);
    expect(all()).toEqual([`2 ${MAC[0]}`, `2 ${MAC[1]}`, `9 ${MAC[1]}`]);
  });

  test('for a macvlan on a bridge that it is a port of', () => {
    const { stations, all } = tables();
    stations.update([
      link(2, MAC[0], { master: 5 }),
      link(5, MAC[1], { deviceKind: 'bridge' }),
      link(6, MAC[2], { deviceKind: 'macvlan', lower: 5 }),
    ]);
    expect(all().filter((text) => text.startsWith('2 '))).toEqual(MAC.map((mac) => `2 ${mac}`));
  });

  test('not for the other end of a veth', () => {
    const { stations, all } = tables();
    stations.update([
      link(2, MAC[0], { deviceKind: 'veth', lower: 3 }),
      link(3, MAC[1], { deviceKind: 'veth', lower: 2 }),
    ]);
    expect(all()).toEqual([`2 ${MAC[0]}`, `3 ${MAC[1]}`]);
  });

  test('at what the configuration adds', () => {
    const { stations, all } = tables([MAC[2]]);
    stations.update([link(2, MAC[0])]);
    expect(all()).toEqual([`2 ${MAC[0]}`, `2 ${MAC[2]}`]);
  });
});

describe('every frame is taken', () => {
  test('when the configuration says so', () => {
    const { stations, checks } = tables('any');
    stations.update([link(2, MAC[0])]);
    expect(checks()).toBe(false);
  });

  test('when there is no room for all MAC addresses', () => {
    const { stations, checks } = tables();
    const many = Array.from({ length: 5000 }, (_, i) => link(i + 1, MAC[0]));
    stations.update(many);
    expect(checks()).toBe(false);
    stations.update(many.slice(0, 64));
    expect(checks()).toBe(true);
  });
});

test('a MAC address is kept as a frame has it', () => {
  const { stations, words } = tables();
  stations.update([link(2, MAC[0])]);
  const [word = 0n] = words.filter((each) => each !== 0n);
  expect(new Uint8Array(BigUint64Array.of(word).buffer).slice(0, 6)).toEqual(macBytes(MAC[0]));
});

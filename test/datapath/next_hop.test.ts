import { beforeEach, describe, expect, test } from 'vitest';
import { generationIn, liveConnections } from '../../ts/dataplane/connections.ts';
import { writeAddress } from '../../ts/dataplane/encoding.ts';
import { Address, Connection, NextHop, Settings, Verdict } from '../../ts/native/abi.gen.ts';
import { loadAddon, type MemoryDirector } from '../../ts/native/addon.ts';
import { arriving, forwarded, LINKS, SERVER, type Way } from './case.ts';
import { fill } from './tables.ts';

const { MemoryDirector: Memory } = loadAddon();
const WAY: Way = { family: 4, protocol: 'tcp', method: 'masq', direction: 'in' };
const FRAME = arriving(WAY).bytes();

describe('the next hop of a connection', () => {
  let director: MemoryDirector;
  let settings: DataView;
  beforeEach(() => {
    director = new Memory();
    settings = new DataView(director.settings);
    fill(director, forwarded('', WAY));
  });

  const verdict = (): number => director.run(FRAME).verdict;

  function putRoute(generation: number, ifindex: number): void {
    const target = new DataView(new ArrayBuffer(Address.size));
    writeAddress(target, 0, SERVER[4].address);
    const { target: dmac, source: smac } = LINKS.out;
    const hop = { generation, ifindex, dmac, smac, mtu: 1400, source: new Uint8Array(16) };
    director.putRoute(new Uint8Array(target.buffer), hop);
  }

  test('is looked up again under a new route generation, and kept', () => {
    const generation = Settings.routeGeneration(settings, 0) + 1;
    Settings.setRouteGeneration(settings, 0, generation);
    expect(verdict()).toBe(Verdict.RAISED_ROUTE);

    putRoute(generation, 99);
    const { verdict: now, frame, ifindex } = director.run(FRAME);
    expect(now).toBe(Verdict.FORWARDED_IN);
    expect(ifindex).toBe(99);
    expect(frame.slice(0, 12)).toEqual(Uint8Array.of(...LINKS.out.target, ...LINKS.out.source));

    const [at = 0] = liveConnections(director);
    const connection = new DataView(director.connections, at);
    const hops = new DataView(director.nextHops);
    const state = Connection.state(connection, 0);
    expect(Connection.routeGeneration(connection, 0)).toBe(generationIn(state, generation));
    expect(NextHop.mtu(hops, Connection.hopIn(connection, 0) * NextHop.size)).toBe(1400);
    // The other direction waits for its own packet.
    expect(Connection.hopOut(connection, 0)).toBe(0);
  });

  test('is none where the kernel has no way', () => {
    const generation = Settings.routeGeneration(settings, 0) + 1;
    Settings.setRouteGeneration(settings, 0, generation);
    putRoute(generation, 0);
    expect(verdict()).toBe(Verdict.RAISED_ROUTE);
  });

  test('holds for a second at a time once the daemon has been silent for two', () => {
    const hz = 100;
    const heartbeat = 2 ** 32 - 50; // jiffies run over
    const at = (jiffies: number) => director.setClock((heartbeat + jiffies) % 2 ** 32);
    Settings.setHz(settings, 0, hz);
    Settings.setHeartbeatJiffies(settings, 0, heartbeat);

    at(-1); // the heartbeat may be of this very moment, seen from another CPU
    expect(verdict()).toBe(Verdict.FORWARDED_IN);
    at(2 * hz);
    expect(verdict()).toBe(Verdict.FORWARDED_IN);
    at(2 * hz + 1);
    expect(verdict()).toBe(Verdict.RAISED_ROUTE);

    putRoute(~2 >>> 0, 99);
    expect(verdict()).toBe(Verdict.FORWARDED_IN);
    at(3 * hz - 1);
    expect(verdict()).toBe(Verdict.FORWARDED_IN);
    at(3 * hz);
    expect(verdict()).toBe(Verdict.RAISED_ROUTE);
  });
});

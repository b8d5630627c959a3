import { Readable } from 'node:stream';
import { describe, expect, test, vi } from 'vitest';
import { createServer } from '../../ts/api/server.ts';
import { Director } from '../../ts/lvs/director.ts';
import type { Operation } from '../../ts/lvs/operation.ts';
import { MemoryDataplane } from '../support/memory_dataplane.ts';
import { destination, rule, service } from '../support/rules.ts';

const status = {
  pid: 1,
  netnsCookie: '4711',
  programId: 7,
  adopted: false,
  interfaces: [],
  services: 1,
  destinations: 1,
  connections: 0,
  ahead: [],
  cramped: [],
  failed: [],
};

/** The API over a data plane without packets. */
function api() {
  const dataplane = new MemoryDataplane();
  const director = new Director(dataplane);
  const stop = vi.fn();
  const info = vi.fn();
  const capture = vi.fn((): Readable => Readable.from([Uint8Array.of(10, 13, 13, 10)]));
  const server = createServer(
    {
      director,
      tableSize: 65_536,
      connections: () => [],
      verdicts: () => ({ FORWARDED_IN: 2n ** 60n }),
      events: () => ({ counts_corrected: 3 }),
      recount: async () => ({ miscounts: [], unsettled: 2 }),
      status: () => status,
      capture,
      stop,
      replace: async ({ program }) => `replaced by ${program[0]}`,
    },
    { info },
  );
  const get = async (url: string) => answerOf(await server.inject({ method: 'GET', url }));
  const post = async (url: string, payload: object) =>
    answerOf(await server.inject({ method: 'POST', url, payload }));
  const operations = (...list: Operation[]) => post('/operations', { operations: list });
  return { dataplane, director, server, stop, info, capture, get, post, operations };
}

function answerOf({ statusCode, body }: { statusCode: number; body: string }) {
  return { status: statusCode, body: JSON.parse(body) };
}

describe('operations', () => {
  test('are carried out in order, each with its own result', async () => {
    const { operations, director } = api();
    const answer = await operations(rule.add(), rule.add(), rule.addDestination(destination(1)));
    expect(answer).toEqual({
      status: 200,
      body: {
        results: [
          { ok: true },
          { ok: false, code: 'SERVICE_EXISTS', message: expect.any(String) },
          { ok: true },
        ],
      },
    });
    expect(director.services).toHaveLength(1);
  });

  test('that are atomic leave nothing behind a refusal', async () => {
    const { post, director, info } = api();
    const refused = rule.add(service({ port: 443 }), 'nosuch');
    const answer = await post('/operations', { operations: [rule.add(), refused], atomic: true });
    expect(answer.body.results).toMatchObject([{ ok: true }, { code: 'SCHEDULER_NOT_FOUND' }]);
    expect(director.services).toEqual([]);
    expect(info).toHaveBeenCalledTimes(1);
  });

  test('are logged with their caller', async () => {
    const { post, info } = api();
    await post('/operations', { operations: [rule.add()], caller: 'ipvsadm -A -t …' });
    const facts = { caller: 'ipvsadm -A -t …', service: { ...service(), scheduler: 'rr' } };
    expect(info).toHaveBeenCalledExactlyOnceWith(facts, 'addService');
  });

  test('may spell an address in any way', async () => {
    const { operations, director } = api();
    const address = '2001:DB8:0::1';
    const answer = await operations(rule.add({ ...service({ address }), family: 6 }));
    expect(answer.status).toBe(200);
    expect(director.services[0]!.id.address).toBe('2001:db8::1');
  });

  test('of a hundred thousand destinations fit into one request', async () => {
    const { post } = api();
    const many = Array.from({ length: 100_000 }, () => rule.addDestination(destination(1)));
    const answer = await post('/operations', { operations: [rule.add(), ...many], atomic: true });
    expect(answer.body.results).toHaveLength(3);
  });

  const at = (index: number, operation: object) => {
    const operations: object[] = Array.from({ length: index }, () => rule.add());
    return { operations: [...operations, operation] };
  };
  test.each([
    [{}, 'operations', 'array', 'nothing'],
    [at(0, { op: 'nonsense' }), 'operations[0].op', expect.stringContaining('flush'), '"nonsense"'],
    [
      at(1, rule.add(service({ port: 70_000 }))),
      'operations[1].service.port',
      '0 to 65535',
      '70000',
    ],
    [
      at(0, rule.addDestination(destination(1, { weight: -1 }))),
      'operations[0].destination.weight',
      '0 to 2147483647',
      '-1',
    ],
    [
      at(0, rule.add({ ...service(), address: 'localhost' })),
      'operations[0].service.address',
      'an address',
      '"localhost"',
    ],
    [
      at(0, rule.add({ ...service(), family: 6 })),
      'operations[0].service.address',
      'an address of the family',
      '"192.0.2.1"',
    ],
    [at(0, { op: 'flush', now: true }), 'operations[0].now', 'no such key', 'true'],
  ])('of an unknown shape are refused: %j', async (body, path, expected, received) => {
    const { post, director } = api();
    const answer = await post('/operations', body);
    expect(answer).toMatchObject({ status: 400, body: { path, expected, received } });
    expect(director.services).toEqual([]);
  });

  test('that are no JSON are refused', async () => {
    const { server } = api();
    const headers = { 'content-type': 'application/json' };
    const request = { method: 'POST', url: '/operations', headers, payload: '{' } as const;
    expect((await server.inject(request)).statusCode).toBe(400);
  });
});

describe('services', () => {
  test('are listed with counts and counters', async () => {
    const { operations, dataplane, get } = api();
    await operations(rule.add(), rule.addDestination(destination(1)));
    dataplane.open(0, 'tcp');
    const { body } = await get('/services');
    expect(body).toEqual({
      tableSize: 65_536,
      services: [
        {
          ...service(),
          scheduler: 'rr',
          counters: expect.objectContaining({ connections: '1' }),
          rates: expect.objectContaining({ connections: '0' }),
          destinations: [
            {
              ...destination(1),
              activeConnections: 1,
              inactiveConnections: 0,
              persistentConnections: 0,
              counters: expect.objectContaining({ connections: '1' }),
              rates: expect.objectContaining({ connections: '0' }),
            },
          ],
        },
      ],
    });
  });

  test('are listed with the figures that are wanted', async () => {
    const { operations, director, dataplane, get } = api();
    await operations(rule.add(), rule.addDestination(destination(1)));
    dataplane.count(0, { connections: 20n });
    director.estimate();
    const figures = async (query: string) => (await get(`/services?${query}`)).body.services[0];
    expect(await figures('figures=none')).not.toHaveProperty('counters');
    expect(await figures('figures=counters')).not.toHaveProperty('rates');
    const { counters, destinations } = await figures(
      'figures=rates&port=80&protocol=tcp&address=192.0.2.1',
    );
    expect(counters).toBeUndefined();
    expect(destinations).toMatchObject([{ rates: { connections: '2' } }]);
    expect(await get('/services?figures=nonsense')).toMatchObject({ status: 400 });
  });

  test('can be asked for one by one', async () => {
    const { operations, get } = api();
    await operations(rule.add(), rule.add(service({ port: 443 })));
    const one = await get('/services?protocol=tcp&address=192.0.2.1&port=443');
    expect(one.body.services).toMatchObject([{ port: 443 }]);
    const none = await get('/services?protocol=udp&address=192.0.2.1&port=443');
    expect(none).toMatchObject({ status: 404, body: { code: 'NO_SUCH_SERVICE' } });
  });

  test.each(['protocol=tcp', 'protocol=tcp&address=192.0.2.1&port=-1', 'nonsense=1'])(
    'cannot be asked for by %s',
    async (query) => {
      const { get } = api();
      expect(await get(`/services?${query}`)).toMatchObject({ status: 400 });
    },
  );
});

test('counters of verdicts are text, however large', async () => {
  const { get } = api();
  expect((await get('/statistics')).body).toEqual({
    verdicts: { FORWARDED_IN: '1152921504606846976' },
    events: { counts_corrected: 3 },
  });
});

test('counts are compared with the connections when somebody asks', async () => {
  const { post } = api();
  expect((await post('/recount', {})).body).toEqual({ miscounts: [], unsettled: 2 });
});

test('status, timeouts and connections are told', async () => {
  const { get } = api();
  expect((await get('/status')).body).toEqual(status);
  expect((await get('/timeouts')).body).toEqual({ tcpS: 900, tcpFinS: 120, udpS: 300 });
  expect((await get('/connections')).body).toEqual({ connections: [] });
});

test('settings are set by number or word, and shown as text', async () => {
  const { get, post } = api();
  const set = (settings: object) =>
    post('/operations', { operations: [{ op: 'setSettings', settings }] });
  expect((await set({ syn_cookies: 'off', drop_entry: 3 })).body.results).toEqual([{ ok: true }]);
  expect((await get('/settings')).body).toMatchObject({ syn_cookies: 'off', drop_entry: '3' });
  expect(await set({ drop_entry: 4 })).toMatchObject({
    status: 400,
    body: { path: 'operations[0].settings.drop_entry', expected: '0 to 3', received: '4' },
  });
});

describe('a capture', () => {
  const payload = { filter: 'tcp port 80', snapLength: 256, count: 3 };

  test('is answered with its file', async () => {
    const { server, capture } = api();
    const answer = await server.inject({ method: 'POST', url: '/capture', payload });
    expect([...answer.rawPayload]).toEqual([10, 13, 13, 10]);
    expect(capture).toHaveBeenCalledExactlyOnceWith(payload);
  });

  test('that cannot begin is refused', async () => {
    const { post, capture } = api();
    capture.mockImplementation(() => {
      throw Object.assign(new Error('another capture is on'), { statusCode: 409 });
    });
    const answer = await post('/capture', payload);
    expect(answer).toMatchObject({ status: 409, body: { message: 'another capture is on' } });
    expect(await post('/capture', { filter: 1, snapLength: 256 })).toMatchObject({ status: 400 });
  });
});

test('a stop is answered first', async () => {
  const { post, stop } = api();
  expect(await post('/stop', { detach: true })).toEqual({ status: 200, body: {} });
  await new Promise(setImmediate);
  expect(stop).toHaveBeenCalledExactlyOnceWith({ detach: true });
});

test('what is no route is not found', async () => {
  const { get } = api();
  expect((await get('/nonsense')).status).toBe(404);
});

import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer, type RequestListener, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Client, DaemonError, NoDaemonError, socketPath } from '../../ts/api/client.ts';
import { ask } from '../cli/recordings.ts';

let folder: string;
let path: string;
let server: Server | undefined;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'xlvs-client-'));
  path = join(folder, 'socket');
});

afterEach(async () => {
  server?.closeAllConnections();
  await new Promise((done) => (server === undefined ? done(undefined) : server.close(done)));
  server = undefined;
  rmSync(folder, { recursive: true });
});

async function listen(answer: RequestListener): Promise<void> {
  server = createServer(answer);
  await new Promise<void>((done) => server!.listen(path, done));
}

const service = { protocol: 'tcp', family: 6, address: '2001:db8::1', port: 80 } as const;

test('a call is a request with a JSON body, and its reply what was answered', async () => {
  const asked: unknown[] = [];
  await listen(async (request, response) => {
    const { method, url } = request;
    const body = (await request.toArray()).join('');
    asked.push({ method, url, body: JSON.parse(body) });
    response.end('{"results":[{"ok":true}]}');
  });
  const reply = await new Client(path).operations({ operations: [{ op: 'flush' }] });
  expect(reply).toEqual({ results: [{ ok: true }] });
  expect(asked).toEqual([
    { method: 'POST', url: '/operations', body: { operations: [{ op: 'flush' }] } },
  ]);
});

test('a service that does not exist is an empty reply', async () => {
  await listen((request, response) => {
    expect(request.url).toBe('/services?protocol=tcp&address=2001%3Adb8%3A%3A1&port=80');
    response.writeHead(404).end('{"message":"no such service"}');
  });
  expect(await new Client(path).services(service)).toEqual({ tableSize: 0, services: [] });
});

test('an error answer is a DaemonError with its message', async () => {
  await listen((_, response) => response.writeHead(500).end('{"message":"it broke"}'));
  await expect(new Client(path).status()).rejects.toThrow(
    new DaemonError('the daemon answered 500: it broke', { status: 500 }),
  );
});

test('no socket, or one that a killed daemon left, means no daemon', async () => {
  await expect(new Client(path).timeouts()).rejects.toThrow(NoDaemonError);
  const killed = `require('node:net').createServer().listen(process.argv[1], () => {
    process.kill(process.pid, 'SIGKILL');
  })`;
  expect(spawnSync(process.execPath, ['-e', killed, path]).signal).toBe('SIGKILL');
  expect(existsSync(path)).toBe(true);
  await expect(new Client(path).timeouts()).rejects.toThrow(NoDaemonError);
});

test('a daemon that dies within a request is told in one line', async () => {
  await listen((request) => request.socket.destroy());
  const answer = await ask(new Client(path), { args: ['-C'] });
  expect(answer).toEqual({
    stdout: '',
    stderr: 'xlvs: the daemon went away before it answered\n',
    status: 2,
  });
});

test('a listing without a daemon is that of a director without rules', async () => {
  const client = new Client(path);
  const list = async (args: string) => (await ask(client, { args: args.split(' ') })).stdout;
  expect(await list('-Ln')).toMatch(/^IP Virtual Server version 1\.2\.1 \(size=4096\)\n.*\n.*\n$/);
  expect(await list('-lnc')).toMatch(/^IPVS connection entries\n.*\n$/);
  expect(await list('-L --timeout')).toBe('Timeout (tcp tcpfin udp): 900 120 300\n');
  expect(await list('-Sn')).toBe('');
  const one = await ask(client, { args: ['-Ln', '-t', '10.0.0.1:80'] });
  expect(one).toEqual({ stdout: '', stderr: 'No such service\n', status: 1 });
});

test('the first change starts the daemon and is then carried out', async () => {
  const client = new Client(path);
  const start = () => listen((_, response) => response.end('{"results":[{"ok":true}]}'));
  expect(await ask(client, { args: ['-C'] }, { start })).toEqual({
    stdout: '',
    stderr: '',
    status: 0,
  });
});

test('nothing is started for a listing, nor with --no-start', async () => {
  const client = new Client(path);
  const start = () => Promise.reject(new Error('started'));
  expect((await ask(client, { args: ['-Ln'] }, { start })).status).toBe(0);
  const answer = await ask(client, { args: ['-C', '--no-start'] }, { start });
  expect(answer).toEqual({ stdout: '', stderr: `xlvs: no daemon listens at ${path}\n`, status: 2 });
  const restored = await ask(client, { args: ['-R', '--no-start'], stdin: '-C\n' }, { start });
  expect(restored.status).toBe(2);
});

test('the socket is named by the network namespace', () => {
  const { XLVS_SOCKET: named } = process.env;
  delete process.env.XLVS_SOCKET;
  expect(socketPath()).toMatch(/^\/run\/xlvs\/netns-\d+$/);
  process.env.XLVS_SOCKET = '/elsewhere';
  expect(socketPath()).toBe('/elsewhere');
  if (named === undefined) delete process.env.XLVS_SOCKET;
  else process.env.XLVS_SOCKET = named;
});

test('a capture comes as it is taken, and ends when it is not read any more', async () => {
  let closed: Promise<unknown> | undefined;
  await listen((_, response) => {
    closed = once(response, 'close');
    response.write('one');
  });
  const stream = await new Client(path).capture({ filter: '', snapLength: 256 });
  expect(String((await once(stream, 'data'))[0])).toBe('one');
  stream.destroy();
  await closed;
});

test('a capture that is refused is a DaemonError with the reason alone', async () => {
  await listen((_, response) => response.writeHead(409).end('{"message":"another capture is on"}'));
  await expect(new Client(path).capture({ filter: '', snapLength: 256 })).rejects.toThrow(
    new DaemonError('another capture is on', { status: 409 }),
  );
});

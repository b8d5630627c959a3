import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { s204 } from '../../ts/lab/topologies.ts';
import { lab, type TestLab } from '../support/netns.ts';

/*
 *   client ─────────── director ───────────┬── rs1 192.168.166.129
 *   172.16.253.36   VIP 172.16.253.63      └── rs2 192.168.166.131
 */
const VIP = '172.16.253.63';
const CLIENT = '172.16.253.36';
const SERVERS = ['192.168.166.129', '192.168.166.131'] as const;
const URL = `http://${VIP}/`;
/** A condition is waited for as long as it takes. */
const PATIENCE = { timeout: 60_000, interval: 300 };

let net: TestLab;
beforeAll(async () => {
  net = await lab(s204);
});
afterAll(() => net?.dispose());
// Templates outlive their service.
beforeEach(() => net.director('bin/xlvs', 'daemon --stop --detach'));

/** A service with both servers, as `-A` would have it. */
const persistent = (port: number, options: string) => [
  `-A -t ${VIP}:${port} -s rr ${options}`,
  ...SERVERS.map((server) => `-a -t ${VIP}:${port} -r ${server}:${port} -m`),
];

/** Who answered so many requests, one after the other. */
const answers = async (count: number, url = URL) => {
  const { order, errors } = await net.curlMany(count, 1, url);
  expect(errors).toEqual([]);
  return order;
};

/** The rows of templates: client, virtual service and destination, without time and state. */
const templates = async () => {
  const { stdout } = await net.adm('-L -n -c');
  const rows = stdout.split('\n').map((line) => line.trim().split(/ +/));
  return rows.filter(([, , , client]) => client?.endsWith(':0')).map((row) => row.slice(3));
};

test('a client is answered by one server, also of another port; without -p by all', async () => {
  await net.rules(...persistent(80, ''));
  expect(new Set(await answers(4)).size).toBe(2);
  await net.rules(...persistent(0, '-p 600'));
  const order = [...(await answers(4)), ...(await answers(4, `http://${VIP}:8080/`))];
  expect(new Set(order).size).toBe(1);
  const { stdout } = await net.adm('-L -n --persistent-conn');
  expect(stdout).toContain(`TCP  ${VIP}:0 rr persistent 600\n`);
  expect(stdout).toMatch(/^ {2}-> 192\.168\.166\.\d+:0 +1 {9}1 /m);
  const [template, ...more] = await templates();
  expect(more).toEqual([]);
  expect(template).toEqual([`${CLIENT}:0`, `${VIP}:0`, expect.stringMatching(/^192\.168.*:0$/)]);
});

test('a mask makes one client of a network', async () => {
  await net.rules(...persistent(80, '-p 600 -M 255.255.0.0'));
  expect(new Set(await answers(3)).size).toBe(1);
  expect((await templates()).map(([client]) => client)).toEqual(['172.16.0.0:0']);
});

test('a quiesced server keeps its clients, unless expire_quiescent_template', async () => {
  await net.rules(...persistent(80, '-p 600'));
  const [first] = await answers(1);
  for (const server of SERVERS) {
    const own = (await templates())[0]![2] === `${server}:80`;
    if (own) await net.adm(`-e -t ${VIP}:80 -r ${server}:80 -m -w 0`);
  }
  expect(await answers(3)).toEqual([first, first, first]);
  await net.director('bin/xlvs', 'set expire_quiescent_template=1');
  const [moved, ...others] = await answers(3);
  expect(moved).not.toBe(first);
  expect(others).toEqual([moved, moved]);
  await net.director('bin/xlvs', 'set expire_quiescent_template=0');
});

test('templates outlive kill -9 and replacement, and one is made without a daemon', async () => {
  await net.rules(...persistent(80, '-p 600'), ...persistent(8080, '-p 600'));
  const [first] = await answers(1);
  await net.killAll('director');
  expect(await answers(3)).toEqual([first, first, first]);
  const alone = await answers(4, `http://${VIP}:8080/`);
  expect(new Set(alone).size).toBe(1);
  expect((await net.director('bin/xlvs', 'daemon')).status).toBe(0);
  expect(await answers(3)).toEqual([first, first, first]);
  expect((await net.director('bin/xlvs', 'daemon --replace')).status).toBe(0);
  expect(await answers(3)).toEqual([first, first, first]);
  expect(await answers(1, `http://${VIP}:8080/`)).toEqual([alone[0]]);
  expect((await templates()).length).toBe(2);
});

test('a template lives while connections hang on it, and is gone after them', async () => {
  await net.rules(...persistent(80, '-p 2'));
  const [first] = await answers(1);
  // Connections that were closed hang on it until they expire; it is kept meanwhile.
  await expect
    .poll(async () => (await net.adm('-L -n -c')).stdout, PATIENCE)
    .toMatch(/^TCP 00:5\d +ASSURED +172\.16\.253\.36:0 /m);
  expect(await answers(2)).toEqual([first, first]);
});

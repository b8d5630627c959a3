import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { s204 } from '../../ts/lab/topologies.ts';
import { lab, type TestLab } from '../support/netns.ts';

/*
 *   client ─────────── director ───────────┬── rs1 192.168.166.129
 *   172.16.253.36   VIP 172.16.253.63      └── rs2 192.168.166.131
 *
 * What only the slow path sees: first packets, refusals, a full table, no way to a server.
 */
const VIP = '172.16.253.63';
const RS1 = '192.168.166.129';
const RS2 = '192.168.166.131';

/**
 * Opens `flows` sockets and sends `packets` datagrams on each, twice; counts the replies. Eighty
 * sockets send at once: more would overflow the echo's own buffer.
 */
const BURST = `
const dgram = require('node:dgram');
const [address, flows, packets] = process.argv.slice(1);
const replies = [0, 0];
let round = 0;
const sockets = Array.from({ length: Number(flows) }, () => dgram.createSocket('udp4'));
const silence = async (ms) => {
  for (let before = -1; before !== replies[round]; ) {
    before = replies[round];
    await new Promise((done) => setTimeout(done, ms));
  }
};
const sendAll = async () => {
  for (let i = 0; i < sockets.length; i++) {
    for (let n = 0; n < Number(packets); n++) sockets[i].send('x');
    if (i % 80 === 79) await silence(50);
  }
  await silence(1000);
};
Promise.all(sockets.map((socket) => new Promise((done) => {
  socket.on('message', () => { replies[round]++; });
  socket.on('error', () => {});
  socket.connect(7, address, done);
}))).then(async () => {
  await sendAll();
  round = 1;
  await sendAll();
  console.log(JSON.stringify(replies));
  process.exit();
});`;

describe('the slow path', () => {
  let net: TestLab;
  beforeEach(async () => {
    await net?.dispose();
    net = await lab(s204);
  });
  afterAll(() => net?.dispose());

  const burst = async (flows: number, packets: number): Promise<number[]> => {
    const words = ['node', '-e', BURST, VIP, String(flows), String(packets)];
    return JSON.parse(await net.must('client', words));
  };
  const verdict = async (name: string): Promise<number> => {
    const { stdout } = await net.director('bin/xlvs', 'stats');
    return Number(new RegExp(`^${name}\\s+(\\d+)$`, 'm').exec(stdout)?.[1]);
  };

  test('makes one connection of a flow whose first packets come many at a time', async () => {
    await net.rules(
      `-A -u ${VIP}:7 -s rr`,
      `-a -u ${VIP}:7 -r ${RS1} -m`,
      `-a -u ${VIP}:7 -r ${RS2} -m`,
    );

    // Nobody knows the real servers' hardware addresses yet: the first packets have to wait.
    expect(await burst(80, 3)).toEqual([240, 240]);

    const { stdout: connections } = await net.adm('-L -n -c');
    expect(connections.match(/^UDP/gm)).toHaveLength(80);
    const { stdout: stats } = await net.adm('-L -n --stats');
    expect(stats).toMatch(/^UDP +172\.16\.253\.63:7 +80 +480 +480 /m);
    expect(stats).toMatch(/^ {2}-> 192\.168\.166\.129:7 +40 +240 +240 /m);
  });

  test('refuses at once, with an ICMP error, when no destination accepts', async () => {
    const vip6 = '[2001:db8:204:1::63]';
    await net.rules(
      `-A -t ${VIP}:80`,
      `-a -t ${VIP}:80 -r ${RS1} -m -w 0`,
      `-A -t ${vip6}:80`,
      `-a -t ${vip6}:80 -r [2001:db8:204:2::129]:80 -m -w 0`,
    );
    for (const address of [VIP, vip6]) {
      const { status, stderr } = await net.exec('client', [
        'curl',
        '-sS',
        '-m',
        '30',
        `http://${address}/`,
      ]);
      expect(status).toBe(7); // refused; 28 would be the time-out
      expect(stderr).toMatch(/refused|Couldn't connect/);
    }
    expect(await verdict('dropped_no_destination')).toBe(2);
  });

  test('keeps the connections of a full table, and counts what it refuses', async () => {
    await net.director('bin/xlvs', 'daemon --connections 1024');
    await net.rules(`-A -u ${VIP}:7 -s rr`, `-a -u ${VIP}:7 -r ${RS1} -m`);

    await burst(1, 1); // afterwards the real server's hardware address is known
    const room = 205 * 7; // slots: seven for every five connections
    // The first client's port may come again.
    const [answered = 0, ...again] = await burst(1600, 1);
    expect([room - 1, room]).toContain(answered);
    expect(again).toEqual([answered]);
    // Of those that came up to the slow path some may have found its socket's ring full.
    const refused = await verdict('dropped_table_full');
    expect(refused).toBeGreaterThan(1600 - room);
    expect(refused).toBeLessThanOrEqual(2 * (1600 - room + 1));
    const { stdout } = await net.adm('-L -n');
    expect(stdout).toMatch(new RegExp(`-> 192\\.168\\.166\\.129:7 +Masq +1 +0 +${room} `));
  });

  test('counts what it knows no way for, and reaches the other real server', async () => {
    await net.rules(
      `-A -u ${VIP}:7 -s rr`,
      `-a -u ${VIP}:7 -r ${RS1} -m`,
      `-a -u ${VIP}:7 -r 203.0.113.9 -m`,
    );
    expect(await burst(10, 1)).toEqual([5, 5]);
    expect(await verdict('dropped_no_route')).toBe(10);
  });
});

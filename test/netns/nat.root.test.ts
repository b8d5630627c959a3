import { expect, test } from 'vitest';
import { s204 } from '../../ts/lab/topologies.ts';
import { describeForwarding, type ForwardingCase } from '../support/forwarding.ts';

/*
 *   client ─────────── director ───────────┬── rs1 192.168.166.129
 *   172.16.253.36   VIP 172.16.253.63      └── rs2 192.168.166.131
 *                   DIP 192.168.166.130
 *
 * The director is the real servers' default gateway; requests and answers pass through it.
 */
const nat: ForwardingCase = {
  name: 'NAT',
  topology: s204,
  method: '-m',
  ipv4: { vip: '172.16.253.63', realServers: ['192.168.166.129', '192.168.166.131'] },
  ipv6: {
    vip: '[2001:db8:204:1::63]',
    realServers: ['[2001:db8:204:2::129]', '[2001:db8:204:2::131]'],
  },
};

describeForwarding(nat, (net) => {
  test('a port of the VIP is another port of the real server', async () => {
    await net().rules(
      '-A -t 172.16.253.63:80 -s rr',
      '-a -t 172.16.253.63:80 -r 192.168.166.129:8080 -m',
    );
    const { answers, errors } = await net().curlMany(20, 4, 'http://172.16.253.63/');
    expect({ answers, errors }).toEqual({ answers: { 'Web from RS1': 20 }, errors: [] });
  });

  test('a service whose destinations are all quiesced refuses the connection', async () => {
    await net().rules(
      '-A -t 172.16.253.63:80 -s rr',
      '-a -t 172.16.253.63:80 -r 192.168.166.129:80 -m -w 0',
    );
    const { errors } = await net().curlMany(3, 1, 'http://172.16.253.63/');
    expect(errors).toMatchObject(Array(3).fill({ code: 'ECONNREFUSED' }));
  });

  test('the packets of both directions are counted', async () => {
    await net().rules(
      '-A -t 172.16.253.63:80 -s rr',
      '-a -t 172.16.253.63:80 -r 192.168.166.129:80 -m',
    );
    await net().curlMany(10, 1, 'http://172.16.253.63/');
    const { stdout } = await net().adm('-L -n --stats');
    const [, connections, inPackets, outPackets] =
      /-> 192\.168\.166\.129:80\s+(\d+)\s+(\d+)\s+(\d+)/.exec(stdout) ?? [];
    expect(Number(connections)).toBe(10);
    expect(Number(inPackets)).toBeGreaterThanOrEqual(40);
    expect(Number(outPackets)).toBeGreaterThanOrEqual(40);
  });
});

import { expect, test } from 'vitest';
import { s197 } from '../../ts/lab/topologies.ts';
import { describeForwarding, type ForwardingCase } from '../support/forwarding.ts';

/*
 *   client 172.16.100.1 ─────────┬── director  VIP 172.16.100.8, DIP 192.168.12.10
 *                                ├── rs1 192.168.12.11, VIP on lo
 *                                ├── rs2 192.168.12.12, VIP on lo
 *                                └── router 192.168.12.254: the real servers' way out
 *
 * One segment. Requests pass through the director, answers go past it.
 */
const dr: ForwardingCase = {
  name: 'direct routing',
  topology: s197,
  method: '-g',
  ipv4: { vip: '172.16.100.8', realServers: ['192.168.12.11', '192.168.12.12'] },
  ipv6: {
    vip: '[2001:db8:197:1::8]',
    realServers: ['[2001:db8:197:2::11]', '[2001:db8:197:2::12]'],
  },
};

describeForwarding(dr, (net) => {
  test('no answer passes through the director', async () => {
    await net().rules('-A -t 172.16.100.8:80 -s rr', '-a -t 172.16.100.8:80 -r 192.168.12.11 -g');
    await net().curlMany(10, 1, 'http://172.16.100.8/');
    const { stdout } = await net().adm('-L -n --stats');
    const [, connections, inPackets, outPackets] =
      /-> 192\.168\.12\.11:80\s+(\d+)\s+(\d+)\s+(\d+)/.exec(stdout) ?? [];
    expect(Number(connections)).toBe(10);
    expect(Number(inPackets)).toBeGreaterThanOrEqual(40);
    expect(Number(outPackets)).toBe(0);
  });

  test('a real server answers no ARP request for the VIP', async () => {
    await net().must('client', ['ip', 'neigh', 'flush', 'dev', 'eth0']);
    await net().must('client', ['ping', '-n', '-c', '1', '-W', '30', '172.16.100.8']);
    const [neighbour] = JSON.parse(
      await net().must('client', ['ip', '-j', 'neigh', 'show', '172.16.100.8']),
    );
    const [director] = JSON.parse(
      await net().must('director', ['ip', '-j', 'link', 'show', 'eth0']),
    );
    expect(neighbour.lladdr).toBe(director.address);
  });
});

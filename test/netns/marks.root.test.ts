import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { s204 } from '../../ts/lab/topologies.ts';
import { lab, type TestLab } from '../support/netns.ts';

/*
 *   client ─────────── director ───────────┬── rs1 192.168.166.129
 *   172.16.253.36   VIP 172.16.253.63      └── rs2 192.168.166.131
 *
 * The real servers answer at the ports 80 and 8080.
 */
const VIP = '172.16.253.63';
const [RS1, RS2] = ['192.168.166.129', '192.168.166.131'];
const IN = '-t mangle -A PREROUTING';

/** Ten thousand rules that fit nothing of this test, and the two that it needs, in two orders. */
function manyRules(needed: readonly string[], edition: number): string {
  const others = Array.from(
    { length: 10_000 },
    (_, i) => `-d 10.${edition}.${i >> 8}.${i & 255}/32 -p tcp --dport 80 -j MARK --set-mark 77`,
  );
  const rules = edition % 2 ? [...others, ...needed] : [...needed, ...others];
  const lines = rules.map((rule) => `-A PREROUTING ${rule}`);
  return ['*mangle', ':PREROUTING ACCEPT [0:0]', ...lines, 'COMMIT', ''].join('\n');
}

describe('firewall marks', () => {
  let net: TestLab;
  beforeAll(async () => {
    net = await lab(s204);
  });
  afterAll(() => net?.dispose());

  const iptables = (args: string) => net.director('bin/compat/iptables', args);
  const marks = async () => (await net.director('bin/xlvs', 'mark list')).stdout;
  const answers = async (url: string, count = 10) => {
    const tally = await net.curlMany(count, 1, url);
    return { answers: tally.answers, errors: tally.errors };
  };
  const half = { answers: { 'Web from RS1': 5, 'Web from RS2': 5 }, errors: [] };

  test('one service for two ports, by the commands of the documents', async () => {
    for (const port of [80, 8080]) {
      const rule = `-d ${VIP} -i eth0 -p tcp --dport ${port} -j MARK --set-mark 8`;
      expect(await iptables(`${IN} ${rule}`)).toMatchObject({ status: 0, stderr: '' });
    }
    await net.rules('-A -f 8 -s rr', `-a -f 8 -r ${RS1} -m -w 2`, `-a -f 8 -r ${RS2} -m -w 5`);
    expect(await answers(`http://${VIP}/`)).toEqual(half);
    expect(await answers(`http://${VIP}:8080/`)).toEqual(half);
    const { stdout } = await net.adm('-L -n --stats');
    expect(stdout).toMatch(/^FWM {2}8 +20 /m);
    expect(stdout).toMatch(/^ {2}-> 192\.168\.166\.129:0 +10 /m);
    expect((await net.adm('-L -n -c')).stdout).toMatch(
      /172\.16\.253\.36:\d+ +172\.16\.253\.63:8080 +192\.168\.166\.1\d+:8080$/m,
    );
  });

  test('a mark comes before the address, and reaches addresses that are of nobody', async () => {
    await net.adm(`-A -t ${VIP}:80 -s rr`);
    await net.adm(`-a -t ${VIP}:80 -r ${RS1}:80 -m`);
    expect(await answers(`http://${VIP}/`)).toEqual(half);
    await net.must('client', ['ip', 'route', 'add', '10.98.0.0/24', 'via', VIP]);
    const rule = '-d 10.98.0.0/24 -p tcp -m multiport --dports 80,443 -j MARK --set-mark 8';
    expect((await iptables(`${IN} ${rule}`)).status).toBe(0);
    expect(await answers('http://10.98.0.7/')).toEqual(half);
  });

  test('what cannot be honoured changes nothing; all else is not ours', async () => {
    const before = await marks();
    for (const rule of ['-m conntrack --ctstate NEW', '-s host.example', '-p tcp --dport x']) {
      const { status, stderr } = await iptables(`${IN} ${rule} -j MARK --set-mark 5`);
      expect({ rule, failed: status !== 0, told: stderr !== '' }).toEqual({
        rule,
        failed: true,
        told: true,
      });
    }
    expect((await iptables(`${IN} -p tcp -j NOSUCH`)).status).not.toBe(0);
    expect(await marks()).toBe(before);
    const rule = before.split('\n')[2]!.replace('-A ', '-t mangle -D ');
    expect((await iptables(rule)).status).toBe(0);
    expect(await marks()).toBe(before.split('\n').toSpliced(2, 1).join('\n'));
  });

  test('ten thousand rules are replaced under traffic: none is mislabelled', async () => {
    const needed = [80, 8080].map(
      (port) => `-d ${VIP}/32 -p tcp -m tcp --dport ${port} -j MARK --set-mark ${port}`,
    );
    const input = (edition: number) => ({ input: manyRules(needed, edition) });
    expect(await net.director('bin/xlvs', 'mark import', input(1))).toMatchObject({ status: 0 });
    await net.rules(
      ...['-A -f 80 -s rr', `-a -f 80 -r ${RS1} -m`],
      ...['-A -f 8080 -s rr', `-a -f 8080 -r ${RS2} -m`],
    );
    const loops = await Promise.all(
      ['', ':8080'].map((port) => net.curlLoop(2, `http://${VIP}${port}/`)),
    );
    for (const edition of [2, 3]) {
      const { status, stderr } = await net.director('bin/xlvs', 'mark import', input(edition));
      expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    }
    const tallies = await Promise.all(loops.map((loop) => loop.stop()));
    expect(tallies.map(({ answers: by }) => Object.keys(by))).toEqual([
      ['Web from RS1'],
      ['Web from RS2'],
    ]);
    expect(tallies.flatMap(({ errors }) => errors)).toEqual([]);
  });

  test('rules outlive a daemon that is killed', async () => {
    const before = await marks();
    expect(before.split('\n')).toHaveLength(10_003);
    await net.killAll('director');
    expect((await net.director('bin/xlvs', 'daemon')).status).toBe(0);
    expect(await marks()).toBe(before);
    expect(await answers(`http://${VIP}/`)).toMatchObject({ answers: { 'Web from RS1': 10 } });
  });
});

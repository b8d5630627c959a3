import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { contentDigest } from '../../ts/lab/content.ts';
import type { Topology } from '../../ts/lab/topology.ts';
import { lab, type TestLab } from './netns.ts';

/** The addresses of one family in a topology with two real servers, as a URL spells them. */
export interface Numbers {
  readonly vip: string;
  readonly realServers: readonly [string, string];
}

export interface ForwardingCase {
  readonly name: string;
  readonly topology: Topology;
  /** ipvsadm's letter of the forwarding method. */
  readonly method: '-m' | '-g';
  readonly ipv4: Numbers;
  readonly ipv6: Numbers;
}

const GIBIBYTE = 2 ** 30;

/**
 * What has to hold for every forwarding method, in both families, on real traffic; `more` tests in
 * the same lab.
 */
export function describeForwarding(
  forwarding: ForwardingCase,
  more: (net: () => TestLab) => void,
): void {
  describe(forwarding.name, () => {
    let net: TestLab;
    beforeAll(async () => {
      net = await lab(forwarding.topology);
    });
    afterAll(() => net?.dispose());
    for (const family of ['ipv4', 'ipv6'] as const) {
      describe(family, () => {
        distributionTests(forwarding, forwarding[family], () => net);
        localTests(forwarding[family], () => net);
      });
    }
    more(() => net);
  });
}

/** The lines that make a service with both real servers; the weights are theirs in order. */
export function serviceLines(
  { method }: Pick<ForwardingCase, 'method'>,
  { vip, realServers }: Numbers,
  { kind = '-t', port = 80, scheduler = 'rr', weights = [1, 1] } = {},
): string[] {
  const service = `${kind} ${vip}:${port}`;
  return [
    `-A ${service} -s ${scheduler}`,
    ...realServers.map((rs, i) => `-a ${service} -r ${rs}:${port} ${method} -w ${weights[i]}`),
  ];
}

function distributionTests(forwarding: ForwardingCase, numbers: Numbers, net: () => TestLab): void {
  const url = `http://${numbers.vip}/`;

  test('rr sends 1,000 requests, 16 at a time, to either real server 500 times', async () => {
    await net().rules(...serviceLines(forwarding, numbers));
    const { answers, errors } = await net().curlMany(1000, 16, url);
    expect(errors).toEqual([]);
    expect(answers).toEqual({ 'Web from RS1': 500, 'Web from RS2': 500 });
  });

  test('wrr of weights 3 and 1 sends exactly 750 and 250 of 1,000', async () => {
    const options = { scheduler: 'wrr', weights: [3, 1] };
    await net().rules(...serviceLines(forwarding, numbers, options));
    const { answers, errors } = await net().curlMany(1000, 16, url);
    expect(errors).toEqual([]);
    expect(answers).toEqual({ 'Web from RS1': 750, 'Web from RS2': 250 });
  });

  test('1 GiB arrives with the right digest', async () => {
    await net().rules(...serviceLines(forwarding, numbers));
    const { bytes, sha256 } = await net().download(`${url}size/${GIBIBYTE}`);
    expect(bytes).toBe(GIBIBYTE);
    expect(sha256).toBe(contentDigest(GIBIBYTE));
  });

  test('a datagram is echoed, from the VIP, by the real servers in turn', async () => {
    await net().rules(...serviceLines(forwarding, numbers, { kind: '-u', port: 7 }));
    const replies = await net().echo(numbers.vip.replace(/[[\]]/g, ''), 10);
    const rest = replies.map((reply) => reply?.slice('RS1 '.length));
    expect(rest).toEqual(Array.from({ length: 10 }, (_, i) => `datagram ${i}`));
    const names = replies.map((reply) => reply?.slice(0, 'RS1'.length));
    expect(names.filter((name) => name === 'RS1')).toHaveLength(5);
    expect(names.filter((name) => name === 'RS2')).toHaveLength(5);
  });
}

/** The director is still a host of its own. */
function localTests({ vip }: Numbers, net: () => TestLab): void {
  const bare = vip.replace(/[[\]]/g, '');

  test('the director itself answers a ping of the VIP', async () => {
    const before = await echoRequests(net());
    await net().must('client', ['ping', '-n', '-c', '3', '-i', '0.2', '-W', '30', bare]);
    expect(await echoRequests(net())).toBe(before + 3);
  });

  test('a port of the VIP without a service belongs to the director', async () => {
    const refused = await net().curlMany(1, 1, `http://${vip}:2222/`);
    expect(refused.errors).toMatchObject([{ code: 'ECONNREFUSED' }]);

    const server = net().start('director', 'http_server', '--name', 'DIRECTOR', '--http', '2222');
    await once(server.stdout!, 'data');
    const { answers } = await net().curlMany(20, 4, `http://${vip}:2222/`);
    expect(answers).toEqual({ 'Web from DIRECTOR': 20 });
    server.kill();
    await once(server, 'close');
  });
}

/** The pings that the director's own stack has received, of either family. */
async function echoRequests(net: TestLab): Promise<number> {
  const counters = ['IcmpInEchos', 'Icmp6InEchos'];
  const text = await net.must('director', ['nstat', '-asz', ...counters]);
  return [...text.matchAll(/(?:Icmp6InEchos|IcmpInEchos)\s+(\d+)/g)].reduce(
    (sum, [, count]) => sum + Number(count),
    0,
  );
}

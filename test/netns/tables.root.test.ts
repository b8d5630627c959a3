import { afterAll, beforeAll, expect, test } from 'vitest';
import { s204 } from '../../ts/lab/topologies.ts';
import { Director } from '../../ts/lvs/director.ts';
import type { SchedulerFlag } from '../../ts/lvs/operation.ts';
import { MemoryDataplane } from '../support/memory_dataplane.ts';
import { lab, type TestLab } from '../support/netns.ts';
import { destination, flow, rule, service } from '../support/rules.ts';

/*
 *   client, of many addresses ── director ───────────┬── rs1 192.168.166.129
 *   172.16.253.100 …          VIP 172.16.253.63      └── rs2 192.168.166.131
 */
const VIP = '172.16.253.63';
const REAL_SERVERS = ['192.168.166.129', '192.168.166.131'] as const;
const CLIENTS = Array.from({ length: 40 }, (_, i) => `172.16.253.${100 + i}`);

let net: TestLab;
let port = 10_000;
beforeAll(async () => {
  net = await lab(s204);
  const lines = CLIENTS.map((client) => `ip address add ${client}/24 dev eth0`);
  await net.must('client', ['sh', '-ec', lines.join('\n')]);
});
afterAll(() => net?.dispose());

/** Who answers a request of each client, all from the same port. */
async function answers(): Promise<string[]> {
  port += 1;
  const request = `curl -sS --max-time 30 --local-port ${port} --interface`;
  const lines = CLIENTS.map((client) => `${request} ${client} http://${VIP}/ || echo nobody`);
  const answered = await net.must('client', ['sh', '-c', lines.join('; echo;')]);
  return answered.split('\n').filter(Boolean);
}

async function raised(): Promise<string | undefined> {
  const { stdout } = await net.director('bin/xlvs', 'stats --all');
  return /^raised_new +(\d+)$/m.exec(stdout)?.[1];
}

/** The same service in memory: what its scheduler says. */
class Twin {
  readonly #dataplane = new MemoryDataplane();
  readonly #director = new Director(this.#dataplane);
  readonly #service = service({ address: VIP });

  constructor(scheduler: string, flags: readonly SchedulerFlag[]) {
    this.#director.apply({
      op: 'addService',
      service: { ...this.#service, scheduler, flags, exact: true },
    });
    for (const address of REAL_SERVERS) {
      this.#director.apply(rule.addDestination(destination(0, { address }), this.#service));
    }
  }

  setWeight(address: string, weight: number): void {
    const to = destination(0, { address, weight });
    this.#director.apply(rule.editDestination(to, this.#service));
  }

  /** Who ought to have answered last. */
  get answers(): string[] {
    const own = this.#director.service(this.#service)!;
    return CLIENTS.map((client) => {
      const index = this.#dataplane.choose(own, flow({ client, virtual: VIP, port }))!;
      const { address } = this.#director.destinationAt(index)!;
      return `Web from RS${REAL_SERVERS.findIndex((server) => server === address) + 1}`;
    });
  }
}

test.for([
  ['sh', '-s sh', []],
  ['mh with ports', '-s mh -b mh-port', ['flag-2']],
] as const)('XDP serves as %s says: at first, after an edit, without a daemon', async (way) => {
  const [, options, flags] = way;
  const twin = new Twin(options.split(' ')[1]!, flags);
  await net.rules(
    `-A -t ${VIP}:80 ${options}`,
    ...REAL_SERVERS.map((server) => `-a -t ${VIP}:80 -r ${server} -m`),
  );
  const before = await raised();
  expect(await answers()).toEqual(twin.answers);
  expect(new Set(twin.answers).size).toBe(2);

  await net.adm(`-e -t ${VIP}:80 -r ${REAL_SERVERS[1]} -m -w 3`);
  const otherwise = twin.answers;
  twin.setWeight(REAL_SERVERS[1], 3);
  expect(twin.answers).not.toEqual(otherwise);
  expect(await answers()).toEqual(twin.answers);
  expect(await raised()).toBe(before);

  await net.killAll('director');
  expect(await answers()).toEqual(twin.answers);
});

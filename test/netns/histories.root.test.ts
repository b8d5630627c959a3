import { afterAll, beforeAll, expect, test } from 'vitest';
import { forwardingSysctls, type Topology } from '../../ts/lab/topology.ts';
import type { Flow } from '../../ts/lvs/scheduler.ts';
import { packetOf } from '../datapath/packet_dataplane.ts';
import { FarEnds, senderOf } from '../support/far_ends.ts';
import { recordedHistories } from '../support/histories.ts';
import { lab, type TestLab } from '../support/netns.ts';
import { addressOf, letterOf } from '../support/recorded_clients.ts';
import { type Phase, RuledHistory } from '../support/ruled_history.ts';

/*
 *   clients of 172.16.0.0/12 ── director ── 10.2.0.11 to 10.2.0.26
 *
 * What happened to kernel IPVS happens to the director: real frames, ipvsadm's lines. Services
 * live side by side, and each has one client under way at a time, so that it is known in which
 * order they came.
 */
const SERVERS = Array.from('ABCDEFGHIJKLMNOP', (letter) => [
  `${addressOf(letter, 4)}/24`,
  `${addressOf(letter, 6)}/64`,
]);
const topology: Topology = {
  name: 'histories',
  title: 'Histories of kernel IPVS',
  drawing: '',
  cables: ['front', 'back'],
  hosts: [
    { role: 'client', links: [{ device: 'eth0', lan: 'front', addresses: ['172.31.255.1/12'] }] },
    {
      role: 'director',
      links: [
        { device: 'eth0', lan: 'front', addresses: ['172.31.255.254/12', '2001:db8:16::1/48'] },
        { device: 'eth1', lan: 'back', addresses: ['10.2.0.1/24', '2001:db8:2::1/64'] },
      ],
      sysctls: forwardingSysctls,
    },
    { role: 'server', links: [{ device: 'eth0', lan: 'back', addresses: SERVERS.flat() }] },
  ],
};

/** Of every service the first history that has one virtual address: four of each scheduler. */
const stories: RuledHistory[] = [];
for (const history of recordedHistories()) {
  const { slot, spread, expirationS } = history;
  const isMeant = spread === 1 && expirationS === undefined;
  if (isMeant && !stories.some((story) => story.history.slot === slot)) {
    stories.push(new RuledHistory(history));
  }
}

let net: TestLab;
let ends: FarEnds;
let directorMac: Uint8Array;
beforeAll(async () => {
  net = await lab(topology);
  await net.rules(); // starts the daemon
  ends = new FarEnds(net);
  const mac = await net.must('director', ['cat', '/sys/class/net/eth0/address']);
  directorMac = Buffer.from(mac.trim().replaceAll(':', ''), 'hex');
});
afterAll(() => net?.dispose());

/** So long connections stay that their clients have closed. Source: the states' timeouts. */
const CLOSED_MS = 60_000;

/** A story at one of its phases. */
interface Scene {
  readonly story: RuledHistory;
  readonly phase: Phase;
  /** By letter who was chosen so far. */
  chosen: string;
}

test('real servers are chosen as by kernel IPVS: by ticket, by table and one by one', async ({
  skip,
}) => {
  const all: Scene[] = [];
  const endMs = performance.now() + CLOSED_MS;
  const before = await ends.verdict('raised_new');
  for (let i = 0; stories.some(({ phases }) => i < phases.length); i++) {
    const scenes = stories
      .filter(({ phases }) => i < phases.length)
      .map((story): Scene => ({ story, phase: story.phases[i]!, chosen: '' }));
    await play(scenes);
    skip(performance.now() > endMs, 'needs a less busy machine');
    expect(scenes.map(said)).toEqual(scenes.map(wanted));
    all.push(...scenes);
  }
  const raised = (await ends.verdict('raised_new')) - before;
  const letters = (exact: boolean) =>
    all
      .filter(({ story }) => story.isExact === exact)
      .map(lettersOf)
      .join('');
  const [asked, ahead] = [letters(true), letters(false)];
  const refused = ahead.split('-').length - 1;
  // The slow path was asked for each one by one, and else for new tickets, many at a time.
  expect(raised).toBeGreaterThanOrEqual(asked.length);
  expect(raised).toBeLessThan(asked.length + refused + ahead.length / 16);
});

const lettersOf = ({ chosen }: Scene) => chosen;
const said = ({ story, chosen }: Scene) => `${story.history.name} ${chosen}`;
const wanted = ({ story, phase }: Scene) => `${story.history.name} ${phase.chosen}`;

/** Changes the rules, lets clients go and others come; of each service one at a time. */
async function play(scenes: readonly Scene[]): Promise<void> {
  const input = scenes.flatMap(({ phase }) => phase.rules.map((rule) => `${rule}\n`)).join('');
  const { status, stderr } = await net.adm('-R', { input });
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  await send(
    scenes.flatMap(({ story, phase }) => phase.closed.map((n) => [story, n])),
    'FA',
  );
  const opened: Sent[] = [];
  const most = Math.max(...scenes.map(({ phase }) => phase.chosen.length));
  for (let n = 0; n < most; n++) {
    const coming = scenes.filter(({ phase }) => n < phase.chosen.length);
    const first = coming.map(({ story, phase }): Sent => [story, story.come(phase)]);
    const servers = await send(first, 'S');
    for (const [i, server] of servers.entries()) {
      coming[i]!.chosen += server === undefined ? '-' : letterOf(server);
      if (server !== undefined) opened.push(first[i]!);
    }
  }
  await send(
    opened.filter(([{ history }]) => history.protocol === 'tcp'),
    'A',
  );
}

/** A packet of one of a story's connections. */
type Sent = readonly [story: RuledHistory, number: number];

/** By packet the server that it has arrived at. */
async function send(packets: readonly Sent[], flags: string): Promise<(string | undefined)[]> {
  const flows = packets.map(([story, number]): Flow => story.flows[number]!);
  const frames = packets.map(([{ history }], i) => {
    const frame = packetOf(flows[i]!, history.protocol, flags);
    frame.set(directorMac);
    return frame;
  });
  const arrived = await ends.send(frames);
  return flows.map(({ clientAddress, clientPort }) => {
    return arrived.get(senderOf(clientAddress, clientPort));
  });
}

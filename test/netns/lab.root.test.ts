import { describe, expect, test } from 'vitest';
import { Lab, labNames, takeDown } from '../../ts/lab/lab.ts';
import { must, projectRoot, run } from '../../ts/lab/process.ts';
import { s195, s197, topologies } from '../../ts/lab/topologies.ts';
import type { Host, Topology } from '../../ts/lab/topology.ts';
import { lab } from '../support/netns.ts';

/*
 *   client ──── (router) ──── director ────┬── rs1
 *                                          └── rs2
 *
 * The networks alone, before there is any rule: every LAN is a bridge in the lab's namespace
 * "switch".
 */
describe('the lab', () => {
  test.each(topologies)('$name connects everyone, in both families', async (topology) => {
    const net = await lab(topology);
    try {
      for (const vip of vips(topology)) {
        await net.must('client', ['ping', '-n', '-q', '-c', '1', '-W', '30', vip]);
      }
      for (const { serves, links } of topology.hosts.filter((host) => host.serves)) {
        for (const address of links[0]!.addresses.map(bare)) {
          const host = address.includes(':') ? `[${address}]` : address;
          const answer = await net.must('director', ['curl', '-sS', '-m', '30', `http://${host}/`]);
          expect(answer).toBe(`Web from ${serves}\n`);
        }
      }
    } finally {
      await net.dispose();
    }
  });

  test('two labs of one topology live side by side, and each goes alone', async () => {
    const names = ['a', 'ab'].map((letters) => `test.${process.pid}.${letters}`);
    const [first, second] = await Promise.all(
      names.map((name) => Lab.up(s195, { name, bound: true })),
    );
    await first!.down();
    expect(labNames()).toContain(names[1]);
    expect(labNames()).not.toContain(names[0]);
    const answer = await second!.exec('director', ['curl', '-sS', 'http://192.168.12.11/']);
    expect(answer.stdout).toBe('Web from RS1\n');
    await second!.down();
  });

  test('a lab bound to a process that is killed goes with it', async () => {
    const name = `test.${process.pid}.orphan`;
    const script = `
      const { Lab } = await import('${projectRoot()}/dist/ts/lab/lab.js');
      const { s195 } = await import('${projectRoot()}/dist/ts/lab/topologies.js');
      await Lab.up(s195, { name: '${name}', bound: true });
      process.kill(process.pid, 'SIGKILL');`;
    expect(await run([process.execPath, '--input-type=module', '-e', script])).toMatchObject({
      status: 137,
    });
    await expect.poll(() => labNames(), { timeout: 60_000 }).not.toContain(name);
  });

  test('a lab that was left half built is built over, and nothing of it stays', async () => {
    const name = `test.${process.pid}.ruin`;
    await must(['ip', 'netns', 'add', `xlvs-${name}-client`]);
    const ruin = await Lab.up(s197, { name, bound: true });
    await ruin.down();
    expect(labNames()).not.toContain(name);
    await takeDown(name); // and again is no error
  });
});

/** The addresses that clients ask: on the director's side towards them, or on a DR server's lo. */
function vips({ hosts }: Topology): string[] {
  const find = (wanted: string): Host => hosts.find(({ role }) => role === wanted)!;
  return (find('rs1').loopback ?? find('director').links[0]!.addresses).map(bare);
}

function bare(address: string): string {
  return address.slice(0, address.indexOf('/'));
}

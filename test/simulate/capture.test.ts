import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { PcapWriter } from '../../ts/net/pcapng.ts';
import { packetsOf } from '../../ts/simulate/capture.ts';
import { EVERY_EVENT, run } from '../../ts/simulate/run.ts';
import { Simulation } from '../../ts/simulate/simulation.ts';
import { eth, type Frame } from '../support/packet.ts';
import { destination, rule, service } from '../support/rules.ts';

const directory = mkdtempSync(join(tmpdir(), 'xlvs-simulate-'));
afterAll(() => rmSync(directory, { recursive: true }));
const noTcpdump = spawnSync('tcpdump', ['--version']).error;

const [CLIENT, VIRTUAL] = ['198.51.100.7', '192.0.2.1'] as const;
const [CLIENT6, VIRTUAL6] = ['2001:db8::7', '2001:db8:99::1'] as const;

function file(content: Uint8Array): string {
  const path = join(directory, 'capture');
  writeFileSync(path, content);
  return path;
}

/** A capture of frames at times, in milliseconds. */
function captureOf(frames: readonly (readonly [number, Frame])[]): Uint8Array {
  const writer = new PcapWriter();
  writer.section('xlvs');
  writer.interface('eth0', 65_535);
  for (const [ms, frame] of frames) {
    const bytes = frame.bytes();
    writer.packet({
      interfaceId: 0,
      timeNs: 1_700_000_000_000_000_000n + BigInt(ms) * 1_000_000n,
      length: bytes.length,
      bytes,
      direction: 'inbound',
      comment: '',
      packetId: 0,
    });
  }
  return writer.take();
}

async function tell(content: Uint8Array): Promise<string[]> {
  const simulation = new Simulation();
  const ids = [service(), service({ protocol: 'udp', port: 53 }), service({ address: VIRTUAL6 })];
  for (const id of ids) {
    const address = id.family === 6 ? '2001:db8:2::1' : '10.0.0.1';
    simulation.director.apply(rule.add(id));
    simulation.director.apply(rule.addDestination(destination(1, { address }), id));
  }
  let told = '';
  const write = async (text: string) => {
    told += text;
  };
  await run(simulation, packetsOf(file(content), simulation), EVERY_EVENT, write);
  return told.trimEnd().split('\n');
}

test('the packets of services in a capture are events', async ({ skip }) => {
  skip(noTcpdump !== undefined, 'needs tcpdump');
  const lines = await tell(
    captureOf([
      [0, eth().ip4(CLIENT, VIRTUAL).tcp(4000, 80, 'S')],
      [1, eth().vlan(7).ip4(VIRTUAL, CLIENT).tcp(80, 4000, 'SA')],
      [2, eth().ip4(CLIENT, VIRTUAL).tcp(4000, 80, 'PA')],
      [3, eth().ip4(CLIENT, VIRTUAL).tcp(4000, 81, 'S')],
      [3, eth().ip4(CLIENT, VIRTUAL).icmp()],
      [1500, eth().ip4(CLIENT, VIRTUAL).udp(4000, 53)],
      [1400, eth().ip6(CLIENT6, VIRTUAL6).tcp(4000, 80, 'S')],
      [2000, eth().ip4(CLIENT, VIRTUAL).tcp(4000, 80, '')],
    ]),
  );
  expect(lines.map((line) => Object.values(JSON.parse(line) as object).join(' '))).toEqual([
    `packet 0 in S tcp ${CLIENT} 4000 ${VIRTUAL} 80 10.0.0.1:80 SYN_RECV 60`,
    `packet 0.001 out SA tcp ${CLIENT} 4000 ${VIRTUAL} 80 SYN_RECV 60`,
    `packet 0.002 in PA tcp ${CLIENT} 4000 ${VIRTUAL} 80 ESTABLISHED 900`,
    `packet 1.5 in  udp ${CLIENT} 4000 ${VIRTUAL} 53 10.0.0.1:80 UDP 300`,
    `packet 1.5 in S tcp ${CLIENT6} 4000 ${VIRTUAL6} 80 [2001:db8:2::1]:80 SYN_RECV 60`,
    `packet 2 in  tcp ${CLIENT} 4000 ${VIRTUAL} 80 CLOSE 10`,
  ]);
});

test('what is no capture is refused in the words of tcpdump', async ({ skip }) => {
  skip(noTcpdump !== undefined, 'needs tcpdump');
  await expect(tell(new Uint8Array(100))).rejects.toThrow(/capture: .*unknown file format$/);
});

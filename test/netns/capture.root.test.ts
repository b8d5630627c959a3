import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { projectRoot } from '../../ts/lab/process.ts';
import { s204 } from '../../ts/lab/topologies.ts';
import { frameText } from '../../ts/net/frame.ts';
import { PcapReader } from '../../ts/net/pcapng.ts';
import { lab, type TestLab } from '../support/netns.ts';

/*
 *   client ───── eth0  director  eth1 ─────┬── rs1 192.168.166.129
 *   172.16.253.36   VIP 172.16.253.63      └── rs2 192.168.166.131
 */
const VIP = '172.16.253.63';
const RS1 = '192.168.166.129';
const CLIENT = '172.16.253.36';

const XLVS = join(projectRoot(), 'bin/xlvs');

let net: TestLab;
let folder: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'xlvs-capture-'));
  net = await lab(s204);
  await net.rules(
    `-A -t ${VIP}:80 -s rr`,
    `-a -t ${VIP}:80 -r ${RS1} -m`,
    `-A -u ${VIP}:7 -s rr`,
    `-a -u ${VIP}:7 -r ${RS1} -m -w 0`,
  );
});
afterAll(async () => {
  await net?.dispose();
  rmSync(folder, { recursive: true });
});

/** A capture on the director, begun. */
class Running {
  readonly child: ChildProcess;
  /** What it has written so far. */
  output = '';
  readonly #ended: Promise<unknown>;
  readonly #complaints: Promise<string>;

  private constructor(argv: readonly string[]) {
    const words = ['netns', 'exec', net.namespace('director'), ...argv];
    this.child = spawn('ip', words, { stdio: ['ignore', 'pipe', 'pipe'] });
    this.child.stdout!.setEncoding('utf8').on('data', (chunk: string) => {
      this.output += chunk;
    });
    this.#ended = once(this.child, 'close');
    this.#complaints = text(this.child.stderr!);
  }

  /** `xlvs capture` with these words. */
  static begin(...words: readonly string[]): Promise<Running> {
    return Running.start(XLVS, 'capture', ...words);
  }

  static async start(...argv: readonly string[]): Promise<Running> {
    for (;;) {
      const running = new Running(argv);
      const [said] = await once(running.child.stderr!, 'data'); // that it has begun
      // The daemon takes a moment to see that the client before has ended.
      if (!String(said).includes('another capture is on')) return running;
    }
  }

  /** Ends it as a person would; what it wrote and what it said. */
  async end(signal?: NodeJS.Signals): Promise<{ output: string; complaints: string }> {
    if (signal !== undefined) this.child.kill(signal);
    const [complaints] = await Promise.all([this.#complaints, this.#ended]);
    return { output: this.output, complaints };
  }
}

/** Until what is on its way is there. */
const PATIENCE = { timeout: 60_000 };

/** The frames of a file: interface, direction, five-tuple, comment. */
function framesOf(file: Uint8Array) {
  const names: string[] = [];
  const blocks = [...new PcapReader().read(file)];
  return blocks.flatMap((block) => {
    if (block.kind === 'interface') names.push(block.name);
    return block.kind === 'packet' ? [{ ...block, on: names[block.interfaceId] }] : [];
  });
}

const get = (size = '') =>
  net.must('client', ['curl', '-sS', '-o', '/dev/null', `http://${VIP}/${size}`]);
const port = `(\\d+)`;

describe('a capture', () => {
  test('has each packet before and after its rewrite, with its verdict', async () => {
    const file = join(folder, 'tcp.pcapng');
    const running = await Running.begin('-w', file, 'tcp', 'port', '80');
    await get();
    const linesOf = (frames: ReturnType<typeof framesOf>) =>
      frames.map(({ on, bytes, comment }) => `${on} ${frameText(bytes)} ${comment}`);
    // From either side, before and after.
    const ends = () => linesOf(framesOf(readFileSync(file))).filter((line) => /\[F/.test(line));
    await expect.poll(() => ends().length, PATIENCE).toBeGreaterThanOrEqual(4);
    const { complaints } = await running.end('SIGINT');

    const frames = framesOf(readFileSync(file));
    const lines = linesOf(frames);
    // Nobody knows the real server's hardware address yet.
    expect(lines[0]).toMatch(
      new RegExp(`^eth0 ${CLIENT}:${port} > ${VIP}:80 tcp \\[S\\] received: raised_`),
    );
    const text = lines.join('\n');
    for (const line of [
      `eth0 ${CLIENT}:${port} > ${VIP}:80 tcp \\[S\\] received: forwarded_in`,
      `eth1 ${CLIENT}:${port} > ${RS1}:80 tcp \\[S\\] sent: forwarded_in`,
      `eth1 ${RS1}:80 > ${CLIENT}:${port} tcp \\[S.\\] received: forwarded_out`,
      `eth0 ${VIP}:80 > ${CLIENT}:${port} tcp \\[S.\\] sent: forwarded_out`,
      `eth0 ${CLIENT}:${port} > ${VIP}:80 tcp \\[.\\] received: forwarded_in`,
    ]) {
      expect(text).toMatch(new RegExp(`^${line}$`, 'm'));
    }
    const packets = new Set(frames.map(({ packetId }) => packetId)).size;
    expect(complaints).toContain(`xlvs: ${packets} packets captured\n`);
    const sent = frames.filter(({ direction }) => direction === 'outbound');
    const received = frames.filter(({ comment }) => comment.startsWith('received: forwarded'));
    expect(sent.map(({ packetId }) => packetId)).toEqual(received.map(({ packetId }) => packetId));

    const ageMs = Date.now() - Number(frames[0]!.timeNs / 1_000_000n);
    expect(ageMs).toBeGreaterThan(0);
    expect(ageMs).toBeLessThan(60_000);
  });

  test('is read by tcpdump through a pipe, and ends after so many packets', async () => {
    const pipe = `${XLVS} capture -w - -c 4 -s 0 'tcp and port 80' | tcpdump -n -r -`;
    const running = await Running.start('sh', '-c', pipe);
    await get();
    const { output, complaints } = await running.end();
    expect(output).toMatch(/172\.16\.253\.36\.\d+ > 172\.16\.253\.63\.80: Flags \[S\]/);
    expect(output).toMatch(/172\.16\.253\.63\.80 > 172\.16\.253\.36\.\d+: Flags \[S\.\]/);
    expect(complaints).toContain('xlvs: 4 packets captured\n');
  });

  test('on the terminal shows what the slow path refuses, and what the kernel gets', async () => {
    const running = await Running.begin('udp or icmp');
    await net.must('client', ['ping', '-n', '-c', '1', '-W', '30', VIP]);
    await net.echo(VIP, 1);
    await expect.poll(() => running.output, PATIENCE).toContain('dropped_no_dest');
    const { output } = await running.end('SIGINT');
    const time = '\\d\\d:\\d\\d:\\d\\d\\.\\d{9}';
    const udp = `${time} eth0 ${CLIENT}:${port} > ${VIP}:7 udp length \\d+ received`;
    expect(output).toMatch(new RegExp(`^${udp}: raised_new$`, 'm'));
    expect(output).toMatch(new RegExp(`^${udp}: dropped_no_destination$`, 'm'));
    expect(output).toMatch(
      new RegExp(`^${time} eth0 ${CLIENT} > ${VIP} icmp length 98 received: passed_icmp$`, 'm'),
    );
  });

  test('takes nothing but what its filter wants', async () => {
    const running = await Running.begin('verdict dropped and dst host', VIP);
    await get();
    await net.echo(VIP, 2);
    const dropped = () => running.output.match(/received: dropped_no_destination\n/g);
    await expect.poll(dropped, PATIENCE).toHaveLength(2);
    const { output } = await running.end('SIGINT');
    expect(output.match(/\n/g)).toHaveLength(2);
  });

  test('is refused while there is one, and where its filter cannot be honoured', async () => {
    const running = await Running.begin('tcp');
    const second = await net.director('bin/xlvs', 'capture udp');
    expect(second).toMatchObject({
      status: 1,
      stderr: 'xlvs: another capture is on: expected one at a time\n',
    });
    const bad = await net.director('bin/xlvs', 'capture vlan 7');
    expect(bad.status).toBe(1);
    expect(bad.stderr).toMatch(/^xlvs: filter: expected host, .*, received vlan\n$/);
    await running.end('SIGTERM');
  });

  test('ends with its client, however that ends', async () => {
    const running = await Running.begin('tcp');
    running.child.kill('SIGKILL');
    await running.end();
    await get();
    const next = await Running.begin('-c', '1', 'tcp');
    await get();
    expect((await next.end()).output).toMatch(/ eth0 .* tcp \[S\] .* received: forwarded_in\n/);
  });

  test('loses packets rather than hold up traffic, and tells how many', async () => {
    const file = join(folder, 'flood.pcapng');
    const before = await counted();
    const running = await Running.begin('-s', '0', '-w', file, 'tcp');
    running.child.kill('SIGSTOP');
    await get(`size/${2 ** 27}`);
    running.child.kill('SIGCONT');
    const told = async () => toldIn(readFileSync(file)) - ((await counted()) - before);
    await expect.poll(told, PATIENCE).toBe(0);
    const { complaints } = await running.end('SIGINT');
    const [, captured] = /(\d+) packets captured/.exec(complaints)!;
    const [, lost] = /(\d+) packets not captured/.exec(complaints)!;
    expect(Number(captured) + Number(lost)).toBe((await counted()) - before);
    expect(framesOf(readFileSync(file)).at(-1)!.length).toBeGreaterThan(0);
  });

  test.each(['--replace', '--stop'])('ends with its daemon, by %s', async (how) => {
    const running = await Running.begin('tcp');
    const { status } = await net.director('bin/xlvs', `daemon ${how}`);
    expect(status).toBe(0);
    expect((await running.end()).complaints).toContain('xlvs: the daemon went away\n');
  });
});

/** The packets that a file tells of: captured, or lost. */
function toldIn(file: Uint8Array): number {
  let [captured, lost] = [0, 0];
  for (const block of new PcapReader().read(file)) {
    if (block.kind === 'packet' && block.direction === 'inbound') captured += 1;
    if (block.kind === 'statistics') lost = Number(block.lost);
  }
  return captured + lost;
}

/** Packets that the director has seen the end of, without ARP and its like. */
async function counted(): Promise<number> {
  const { stdout } = await net.director('bin/xlvs', 'stats --json');
  const {
    passed_not_ip: _,
    passed_icmp: __,
    ...rest
  } = JSON.parse(stdout) as Record<string, number>;
  return Object.values(rest).reduce((sum, packets) => sum + packets, 0);
}

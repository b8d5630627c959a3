import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { get, type IncomingMessage, type RequestOptions } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';

/**
 * A client of the lab: many requests, each on a connection of its own.
 *
 *   node http_client.js --url http://172.16.100.8/ --count 1000 --parallel 16 --from-port 10000
 *   node http_client.js --url http://172.16.100.8/ --parallel 4      until its input ends
 *   node http_client.js --url http://172.16.100.8/size/1000000 --digest [--rate 100000]
 *
 * What lasts until the input ends, as a download of so many bytes a second does, which then goes on
 * as fast as it can, says `begun` on stderr when the first answer is there.
 *
 * With --from-port each request has a port of its own, from there on: direct routing never sees a
 * connection end for good, so a port that is used again within two minutes keeps its real server.
 *
 * Prints one JSON object: a `Tally`, or with --digest a `Download`.
 */

/** Who answered how often, and what failed. */
export interface Tally {
  /** Body without its line end -> answers. */
  readonly answers: Record<string, number>;
  /** The bodies in the order in which they came. */
  readonly order: string[];
  readonly errors: Failure[];
  /**
   * TCP segments that this host has sent again meanwhile, as their answers did not come: of a lost
   * SYN after a second. The kernel's clock, not that of a process which has to wait for its turn.
   */
  resent: number;
}

export interface Failure {
  readonly code: string;
  /** Milliseconds since 1970, as is the end. */
  readonly startedMs: number;
  readonly endedMs: number;
}

export interface Download {
  readonly bytes: number;
  readonly sha256: string;
}

/** What is lost once is sent again long before. */
const TIMEOUT_MS = 60_000;

const { values } = parseArgs({
  options: {
    url: { type: 'string', default: '' },
    count: { type: 'string' },
    parallel: { type: 'string', default: '1' },
    digest: { type: 'boolean', default: false },
    rate: { type: 'string' },
    'from-port': { type: 'string' },
  },
});

let nextPort = Number(values['from-port'] ?? 0);
let hasBegun = false;
let stopped = false;
if (values.digest ? values.rate !== undefined : values.count === undefined) {
  process.stdin.resume().on('end', () => {
    stopped = true;
  });
}
const result = values.digest ? await download() : await requests();
// More than a pipe holds is written later.
process.stdout.write(`${JSON.stringify(result)}\n`, () => process.exit(0));

async function requests(): Promise<Tally> {
  const tally: Tally = { answers: {}, order: [], errors: [], resent: -resentSegments() };
  let left = values.count === undefined ? Number.POSITIVE_INFINITY : Number(values.count);
  const worker = async () => {
    while (left > 0 && !stopped) {
      left -= 1;
      await request(tally);
    }
  };
  await Promise.all(Array.from({ length: Number(values.parallel) }, worker));
  tally.resent += resentSegments();
  return tally;
}

/** Of this network namespace, ever since. */
function resentSegments(): number {
  const [names, counts] = [...readFileSync('/proc/net/snmp', 'utf8').matchAll(/^Tcp: .*$/gm)].map(
    ([line]) => line.split(' '),
  );
  return Number(counts![names!.indexOf('RetransSegs')]);
}

async function request(tally: Tally): Promise<void> {
  const startedMs = Date.now();
  try {
    const response = await open();
    let body = '';
    for await (const text of response.setEncoding('utf8')) body += text;
    const answer = body.trimEnd();
    tally.answers[answer] = (tally.answers[answer] ?? 0) + 1;
    tally.order.push(answer);
    if (values.count === undefined) begun();
  } catch (error) {
    const { code = 'UNKNOWN' } = error as NodeJS.ErrnoException;
    tally.errors.push({ code, startedMs, endedMs: Date.now() });
  }
}

function begun(): void {
  if (!hasBegun) process.stderr.write('begun\n');
  hasBegun = true;
}

async function download(): Promise<Download> {
  const hash = createHash('sha256');
  let bytes = 0;
  for await (const chunk of await open()) {
    hash.update(chunk);
    bytes += chunk.length;
    if (values.rate === undefined) continue;
    begun();
    const pauseMs = (chunk.length / Number(values.rate)) * 1000;
    if (!stopped) await sleep(pauseMs);
  }
  return { bytes, sha256: hash.digest('hex') };
}

/** A response on a connection of its own: `agent: false` makes none that is used twice. */
function open(): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const options: RequestOptions = { agent: false };
    if (!values.digest) options.signal = AbortSignal.timeout(TIMEOUT_MS);
    if (nextPort > 0) options.localPort = nextPort++;
    get(values.url, options, resolve).on('error', reject);
  });
}

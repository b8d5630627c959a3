import { setTimeout as sleep } from 'node:timers/promises';
import type { Contender } from './contenders.ts';
import { PORTS, type Rig } from './rig.ts';

/** Frames by what they belong to, as sender and sink count them. */
export interface FrameCounts {
  /** Of established flows, and of UDP whatever it is. */
  readonly known: number;
  /** That open a flow. */
  readonly opening: number;
}

/** Round trips of small messages, one under way at a time. */
export interface RoundTrips {
  readonly sent: number;
  /** Answers that did not come in time, or TCP segments that had to be sent again. */
  readonly lost: number;
  readonly p50_us: number;
  readonly p90_us: number;
  readonly p99_us: number;
}

/** What bench/sender.cc is asked to send; see there. */
export interface Frames {
  readonly to: string;
  readonly protocol: 'udp' | 'tcp';
  readonly seconds: number;
  readonly rate?: number;
  readonly burst?: number;
  readonly limit?: number;
  readonly flow_bits?: number;
  readonly new_every?: number;
  readonly first_new?: number;
  readonly open?: 1;
}

/** Frames on both sides of the director. */
export interface Passage {
  readonly sent: FrameCounts;
  readonly received: FrameCounts;
  /** CPU time that the director took for them. */
  readonly directorNs: number;
}

/** What a load may last, and which new flow is the next. */
export interface Effort {
  readonly seconds: number;
  /** A number that no other load of this rig has. */
  readonly firstNew?: number;
}

/** In which the last frames arrive, those that are decided on one by one included. */
const SETTLE_MS = 50;
const KNOWN_FLOW_BITS = 10;
/** What every contender takes without loss: the price of a flow is asked, not the most of them. */
const NEW_FLOWS_PER_S = 100_000;
/** As a busy interface delivers them: one wake-up for many. */
const BURST = 128;
const PARALLEL_CONNECTIONS = 32;

/** Sends frames from the client to the sink of the real servers; at the longest until then. */
export async function sendFrames(
  rig: Rig,
  frames: Frames,
  until?: Promise<unknown>,
): Promise<Passage> {
  const gateway = await rig.mac('director', 'outer');
  const words = Object.entries({ interface: 'eth0', gateway, port: PORTS.sink, ...frames });
  const argv = ['sender', ...words.map(([key, value]) => `${key}=${value}`)];
  const [before, startedNs] = [await sunk(rig), await rig.directorTimeNs()];
  const sent = await rig.measure<FrameCounts>('client', argv, until);
  await sleep(SETTLE_MS);
  const [after, endedNs] = [await sunk(rig), await rig.directorTimeNs()];
  const received = {
    known: after.known - before.known,
    opening: after.opening - before.opening,
  };
  return { sent, received, directorNs: endedNs - startedNs };
}

/** CPU time of the director for one UDP packet of 1,024 known flows, as fast as they come. */
export async function knownPacketNs(rig: Rig, to: string, seconds: number): Promise<number> {
  const frames = { to, protocol: 'udp', seconds, flow_bits: KNOWN_FLOW_BITS } as const;
  return perFrame(await sendFrames(rig, frames));
}

/** CPU time of the director for one UDP packet that opens a flow. */
export async function newFlowNs(rig: Rig, to: string, effort: Effort): Promise<number> {
  const { seconds, firstNew = 0 } = effort;
  const limit = Math.round(NEW_FLOWS_PER_S * seconds);
  const passage = await sendFrames(rig, {
    to,
    protocol: 'udp',
    seconds,
    rate: NEW_FLOWS_PER_S,
    burst: BURST,
    limit,
    new_every: 1,
    first_new: firstNew,
  });
  return perFrame(passage);
}

/** CPU time of the director for one TCP connection, from SYN to the last ACK. */
export async function connectionUs(
  rig: Rig,
  { targets }: Pick<Contender, 'targets'>,
  seconds: number,
): Promise<number> {
  const endpoints = targets.flatMap((address) => [address, `${PORTS.accept}`]);
  const argv = ['tcp_load', 'connect', `${seconds}`, `${PARALLEL_CONNECTIONS}`, rig.sources];
  const startedNs = await rig.directorTimeNs();
  const tally = await rig.measure<{ connections: number; failures: number }>('client', [
    ...argv,
    ...endpoints,
  ]);
  const tookNs = (await rig.directorTimeNs()) - startedNs;
  if (tally.failures > 0) throw new Error(`expected no failures, received ${tally.failures}`);
  return tookNs / 1000 / tally.connections;
}

/** As much as goes through one TCP connection. */
export interface Bulk {
  readonly gbps: number;
  /** CPU time of the director for 1,000 bytes. */
  readonly nsPerKb: number;
}

/** Sends through one TCP connection as fast as it goes. */
export async function bulk(rig: Rig, to: string, seconds: number): Promise<Bulk> {
  const argv = ['tcp_bulk', 'send', to, `${PORTS.discard}`, `${seconds}`];
  const startedNs = await rig.directorTimeNs();
  const sent = await rig.measure<{ bytes: number; seconds: number }>('client', argv);
  const tookNs = (await rig.directorTimeNs()) - startedNs;
  return { gbps: (sent.bytes * 8) / sent.seconds / 1e9, nsPerKb: tookNs / (sent.bytes / 1000) };
}

/** Whom to play with, and for how long. */
export interface Play {
  readonly to: string;
  readonly seconds: number;
  /** Played before, and not counted. */
  readonly warmUpS?: number;
}

/** Plays ping-pong with the echo of a real server, always by the same connection. */
export async function roundTrips(
  rig: Rig,
  protocol: 'udp' | 'tcp',
  { to, seconds, warmUpS = 0 }: Play,
): Promise<RoundTrips> {
  const argv = ['ping_pong', protocol, to, `${PORTS.echo}`];
  const times = await rig.ask<RoundTrips>('client', argv, `${seconds} ${warmUpS}`);
  if (times.lost < times.sent) return times;
  throw new Error(`expected answers of ${to} by ${protocol}, received none`);
}

/** CPU time of the director for each frame that came through. */
export function perFrame({ received, directorNs }: Passage): number {
  const frames = received.known + received.opening;
  if (frames === 0) throw new Error('expected frames at the real servers, received none');
  return directorNs / frames;
}

/** Lets the client drop what answers its frames, as a host would that is elsewhere. */
export async function dropAnswers(rig: Rig): Promise<void> {
  await rig.ask('client', ['sink', 'eth0', 'from', `${PORTS.sink}`], '');
}

/** What has come to the sink, which takes frames in the real servers' place. */
function sunk(rig: Rig): Promise<FrameCounts> {
  return rig.ask('servers', ['sink', 'eth0', 'to', `${PORTS.sink}`], '');
}

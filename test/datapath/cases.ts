import type { PacketCase } from './case.ts';
import { FORWARDED } from './cases_forwarded.ts';
import { MARKED } from './cases_marks.ts';
import { OPENED, REUSED } from './cases_opened.ts';
import { RECORDED_PACKETS } from './cases_packets.ts';
import { REFUSED } from './cases_refused.ts';
import { SETTINGS } from './cases_settings.ts';
import { RECORDED_STATES } from './cases_states.ts';
import { STRANGE } from './cases_strange.ts';
import { TCP_STATES } from './cases_tcp.ts';
import { TUNNELLED } from './cases_tunnels.ts';

/** Every case but the truncated frames, under the heading of its group. */
export const CASES: Readonly<Record<string, readonly PacketCase[]>> = {
  'a packet of a connection': FORWARDED,
  'a TCP segment': TCP_STATES,
  'a packet that ends here': REFUSED,
  'a packet without a connection': STRANGE,
  'a packet that opens its connection': OPENED,
  'a packet that mark rules fit': MARKED,
  'a packet that kernel IPVS took under its sysctls': SETTINGS,
  'a packet that kernel IPVS forwarded': RECORDED_PACKETS,
  'a segment that kernel IPVS took': RECORDED_STATES,
  'a packet that kernel IPVS put into a tunnel': TUNNELLED,
};

/** What XDP does alone, where the slow path has no other to ask. */
export const WITHOUT_DAEMON: Readonly<Record<string, readonly PacketCase[]>> = {
  'a packet that opens its connection without a daemon': REUSED,
};

/** One whole frame, and what becomes of it cut off at every length. */
export interface Truncation {
  readonly name: string;
  readonly cuts: readonly PacketCase[];
}

/** Frames that would be forwarded: tags, options and extension headers are cut as well. */
export const TRUNCATIONS: readonly Truncation[] = FORWARDED.filter(({ name }) =>
  /^(plain|two tags|options).*masq in/.test(name),
).map(truncation);

function truncation(whole: PacketCase): Truncation {
  const { connection, name, frame } = whole;
  const cuts = Array.from(
    { length: frame.length },
    (_, length): PacketCase => ({
      name: `${length} of ${frame.length} bytes, ${name}`,
      ...(connection && { connection }),
      frame: frame.slice(0, length),
      verdict: 'passed_malformed',
    }),
  );
  return { name, cuts };
}

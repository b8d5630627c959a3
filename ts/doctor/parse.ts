import type { Feature } from './facts.ts';

/** CONFIG_ name -> value from the text of a kernel configuration. */
export function parseKernelConfig(text: string): ReadonlyMap<string, string> {
  return new Map(
    [...text.matchAll(/^(CONFIG_\w+)=(.*)$/gm)].map((match) => [match[1]!, match[2]!]),
  );
}

/** Feature name -> state from what `ethtool -k` prints. */
export function parseFeatures(text: string): ReadonlyMap<string, Feature> {
  const lines = text.matchAll(/^\s*([\w-]+): (on|off)( \[fixed\])?/gm);
  return new Map(
    [...lines].map(([, name, state, fixed]) => [name!, { on: state === 'on', fixed: !!fixed }]),
  );
}

/** RLIMIT_MEMLOCK in bytes from the text of /proc/self/limits. */
export function parseMemlock(text: string): number {
  const soft = /^Max locked memory\s+(\S+)/m.exec(text)?.[1];
  return soft === 'unlimited' ? Number.POSITIVE_INFINITY : Number(soft ?? 0);
}

/** An interface in what `ip -json -details address` prints, as far as it is read here. */
export interface Link {
  readonly ifname: string;
  readonly link_type: string;
  readonly flags: readonly string[];
  readonly mtu: number;
  readonly num_rx_queues: number;
  readonly linkinfo?: { readonly info_kind?: string };
  readonly xdp?: { readonly prog?: { readonly name?: string; readonly id: number } };
  readonly addr_info: readonly { readonly local?: string; readonly prefixlen: number }[];
}

/** The Ethernet interfaces in what `ip -json -details address` prints. */
export function parseLinks(text: string): readonly Link[] {
  return (JSON.parse(text || '[]') as readonly Link[]).filter(
    ({ link_type, linkinfo }) => link_type === 'ether' && linkinfo?.info_kind !== 'ifb',
  );
}

/** A number that can be set, and how far. */
export interface Adjustable {
  readonly now: number;
  readonly max: number;
}

/** Receive queues, and by what name `ethtool -L` sets them. */
export interface Channels extends Adjustable {
  readonly option: 'combined' | 'rx';
}

/** The receive queues in what `ethtool -l` prints; undefined where it tells none. */
export function parseChannels(text: string): Channels | undefined {
  const combined = parseAdjustable(text, 'Combined');
  if (combined !== undefined) return { ...combined, option: 'combined' };
  const receiving = parseAdjustable(text, 'RX');
  return receiving && { ...receiving, option: 'rx' };
}

/** Frames of a receive ring in what `ethtool -g` prints. */
export function parseRing(text: string): Adjustable | undefined {
  return parseAdjustable(text, 'RX');
}

// The maximum stands before the current value, under the same name.
function parseAdjustable(text: string, name: string): Adjustable | undefined {
  const [max, now] = [...text.matchAll(new RegExp(`^${name}:\\s+(\\d+)$`, 'gm'))];
  return max && now && { max: Number(max[1]), now: Number(now[1]) };
}

/** How a card spreads flows over its queues. */
export interface Rss {
  /** Bytes in hexadecimal, with colons between. */
  readonly key: string;
  readonly function: string;
  /** The card hashes both directions of a flow alike, whatever the key. */
  readonly symmetric: boolean;
}

/** What `ethtool -x` prints; undefined where the card does not tell its key. */
export function parseRss(text: string): Rss | undefined {
  const key = /^RSS hash key:\n((?:[0-9a-f]{2}:)+[0-9a-f]{2})$/m.exec(text)?.[1];
  if (key === undefined) return undefined;
  const hash = /^\s+(\w+): on$/m.exec(text.slice(text.indexOf('RSS hash function')))?.[1];
  const symmetric = /^\s+symmetric\S*: on$/m.test(text);
  return { key, function: hash ?? 'unknown', symmetric };
}

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

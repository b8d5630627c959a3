import type { PlaneBytes } from '../dataplane/memory.ts';
import type { Capability } from './capabilities.ts';
import type { Adjustable, Channels, Rss } from './parse.ts';

/** What was found on this machine, before anything is judged. Undefined: could not be read. */
export interface Facts {
  readonly table: TableFacts;
  readonly kernel: KernelFacts;
  readonly process: ProcessFacts;
  readonly product: ProductFacts;
  readonly interfaces: readonly InterfaceFacts[];
}

/** What a connection table of some size costs on this machine. */
export interface TableFacts extends PlaneBytes {
  readonly connections: number;
  /** Memory of the machine that can be had without swapping. */
  readonly availableBytes: number;
}

export interface KernelFacts {
  /** CPUs that are online. */
  readonly cpus: number;
  /** As `uname -r` prints it. */
  readonly release: string;
  /** CONFIG_ name -> value, of what is set. */
  readonly config: ReadonlyMap<string, string> | undefined;
  readonly btf: boolean;
  /** net.core.bpf_jit_enable. */
  readonly jit: number | undefined;
  /** kernel.unprivileged_bpf_disabled. */
  readonly unprivilegedBpfDisabled: number | undefined;
  /** A bpffs is mounted at /sys/fs/bpf. */
  readonly bpffs: boolean;
}

export interface ProcessFacts {
  readonly capabilities: readonly Capability[];
  /** RLIMIT_MEMLOCK, the soft limit; Infinity for none. */
  readonly memlockBytes: number;
}

export interface ProductFacts {
  readonly addonBuilt: boolean;
  readonly objectBuilt: boolean;
  /** Shared libraries of the addon that are in none of the usual folders. */
  readonly missingLibraries: readonly string[];
  readonly load: LoadProbe;
}

/** What came of loading the BPF object; `not tried` says why. */
export type LoadProbe =
  | { readonly outcome: 'loaded' }
  | { readonly outcome: 'refused'; readonly error: string }
  | { readonly outcome: 'not tried'; readonly reason: string };

/** An Ethernet interface of this network namespace. */
export interface InterfaceFacts {
  readonly name: string;
  readonly up: boolean;
  /** `veth`, `vlan`, …; empty for a physical or virtual card. */
  readonly kind: string;
  readonly driver: string | undefined;
  readonly mtu: number;
  readonly receiveQueues: number;
  readonly addresses: readonly string[];
  /** Name of the XDP program that is attached. */
  readonly xdpProgram: string | undefined;
  readonly features: ReadonlyMap<string, Feature>;
  readonly channels: Channels | undefined;
  readonly ring: Adjustable | undefined;
  readonly rss: Rss | undefined;
  /** net.ipv4.conf and net.ipv6.conf, the larger of `all` and the interface where both count. */
  readonly ipv4Forwarding: number | undefined;
  readonly ipv6Forwarding: number | undefined;
  readonly rpFilter: number | undefined;
  readonly arpIgnore: number | undefined;
}

/** One line of `ethtool -k`. */
export interface Feature {
  readonly on: boolean;
  readonly fixed: boolean;
}

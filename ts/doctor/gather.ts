import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { arch, availableParallelism, cpus, freemem, release } from 'node:os';
import { gunzipSync } from 'node:zlib';
import { bytesFor, DEFAULT_CONNECTIONS } from '../dataplane/memory.ts';
import { addonPath, loadAddon, objectPath } from '../native/addon.ts';
import { effectiveCapabilities, missingCapabilities } from './capabilities.ts';
import type {
  Facts,
  InterfaceFacts,
  KernelFacts,
  LoadProbe,
  ProcessFacts,
  ProductFacts,
} from './facts.ts';
import {
  type Link,
  parseChannels,
  parseFeatures,
  parseKernelConfig,
  parseLinks,
  parseMemlock,
  parseRing,
  parseRss,
} from './parse.ts';

/** Looks at this machine and this process, and changes nothing. */
export function gatherFacts({ connections = DEFAULT_CONNECTIONS } = {}): Facts {
  const process = processFacts();
  return {
    table: {
      connections,
      availableBytes: freemem(),
      ...bytesFor(connections, cpus().length),
    },
    kernel: kernelFacts(),
    process,
    product: productFacts(process),
    interfaces: parseLinks(run('ip', ['-json', '-details', 'address', 'show'])).map(interfaceFacts),
  };
}

function kernelFacts(): KernelFacts {
  return {
    cpus: availableParallelism(),
    release: release(),
    config: kernelConfig(),
    btf: existsSync('/sys/kernel/btf/vmlinux'),
    jit: sysctl('net/core/bpf_jit_enable'),
    unprivilegedBpfDisabled: sysctl('kernel/unprivileged_bpf_disabled'),
    bpffs: / \/sys\/fs\/bpf bpf /.test(read('/proc/self/mounts')?.toString() ?? ''),
  };
}

// libbpf looks in the same two places for the object's CONFIG_HZ.
function kernelConfig(): ReadonlyMap<string, string> | undefined {
  const plain = read(`/boot/config-${release()}`);
  if (plain) return parseKernelConfig(plain.toString());
  const packed = read('/proc/config.gz');
  return packed && parseKernelConfig(gunzipSync(packed).toString());
}

function processFacts(): ProcessFacts {
  return {
    capabilities: effectiveCapabilities(readFileSync('/proc/self/status', 'utf8')),
    memlockBytes: parseMemlock(readFileSync('/proc/self/limits', 'utf8')),
  };
}

function productFacts(process: ProcessFacts): ProductFacts {
  const multiarch = arch() === 'arm64' ? 'aarch64-linux-gnu' : 'x86_64-linux-gnu';
  const folders = [`/usr/lib/${multiarch}`, '/usr/lib64', '/usr/lib', '/usr/local/lib'];
  const present = (library: string) => folders.some((folder) => existsSync(`${folder}/${library}`));
  return {
    addonBuilt: existsSync(addonPath()),
    objectBuilt: existsSync(objectPath()),
    missingLibraries: ['libbpf.so.1', 'libxdp.so.1'].filter((library) => !present(library)),
    load: probeLoad(process),
  };
}

/** Loads the BPF object with a small table, and lets it go at once: the kernel's own answer. */
export function probeLoad({ capabilities }: ProcessFacts): LoadProbe {
  if (!existsSync(addonPath()) || !existsSync(objectPath())) {
    return { outcome: 'not tried', reason: 'not built' };
  }
  const missing = missingCapabilities(capabilities).join(' ');
  if (missing) return { outcome: 'not tried', reason: `missing ${missing}` };
  try {
    const maxEntries = { connections: 64, flows: 128 };
    new (loadAddon().BpfObject)(objectPath(), { maxEntries, reuse: {} }).close();
    return { outcome: 'loaded' };
  } catch (error) {
    return { outcome: 'refused', error: error instanceof Error ? error.message : String(error) };
  }
}

function interfaceFacts(link: Link): InterfaceFacts {
  const name = link.ifname;
  const larger = (path: string) => {
    const values = ['all', name].map((each) => sysctl(`net/ipv4/conf/${each}/${path}`));
    return values.includes(undefined) ? undefined : Math.max(...values.map(Number));
  };
  return {
    name,
    up: link.flags.includes('UP'),
    kind: link.linkinfo?.info_kind ?? '',
    driver: /^driver: (\S+)/m.exec(run('ethtool', ['-i', name]))?.[1],
    mtu: link.mtu,
    receiveQueues: link.num_rx_queues,
    addresses: link.addr_info.map(({ local, prefixlen }) => `${local}/${prefixlen}`),
    xdpProgram: link.xdp?.prog && (link.xdp.prog.name ?? `id ${link.xdp.prog.id}`),
    features: parseFeatures(run('ethtool', ['-k', name])),
    channels: parseChannels(run('ethtool', ['-l', name])),
    ring: parseRing(run('ethtool', ['-g', name])),
    rss: parseRss(run('ethtool', ['-x', name])),
    ipv4Forwarding: sysctl(`net/ipv4/conf/${name}/forwarding`),
    ipv6Forwarding: sysctl(`net/ipv6/conf/${name}/forwarding`),
    rpFilter: larger('rp_filter'),
    arpIgnore: larger('arp_ignore'),
  };
}

function sysctl(path: string): number | undefined {
  const text = read(`/proc/sys/${path}`)?.toString();
  return text === undefined ? undefined : Number(text);
}

function read(path: string): Buffer | undefined {
  try {
    return readFileSync(path);
  } catch {
    return undefined;
  }
}

// An absent tool and a refused question are the same here: nothing is known.
function run(file: string, args: readonly string[]): string {
  const env = { ...process.env, PATH: `${process.env.PATH}:/usr/sbin:/sbin` };
  try {
    return execFileSync(file, args, { encoding: 'utf8', env, stdio: ['ignore', 'pipe', 'ignore'] });
  } catch {
    return '';
  }
}

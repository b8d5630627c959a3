import type { Facts, InterfaceFacts } from '../../ts/doctor/facts.ts';

/** A machine on which nothing is to be complained of. */
export const goodFacts: Facts = {
  table: { connections: 1000, table: 128_000, total: 320_000, availableBytes: 2 ** 30 },
  kernel: {
    cpus: 4,
    release: '6.1.0-13-amd64',
    config: new Map([
      ['CONFIG_BPF_SYSCALL', 'y'],
      ['CONFIG_XDP_SOCKETS', 'y'],
      ['CONFIG_HZ', '250'],
    ]),
    btf: true,
    jit: 1,
    unprivilegedBpfDisabled: 2,
    bpffs: true,
  },
  process: {
    capabilities: [
      'CAP_BPF',
      'CAP_IPC_LOCK',
      'CAP_NET_ADMIN',
      'CAP_NET_RAW',
      'CAP_PERFMON',
      'CAP_SYS_ADMIN',
    ],
    memlockBytes: 8 << 20,
  },
  product: {
    addonBuilt: true,
    objectBuilt: true,
    missingLibraries: [],
    load: { outcome: 'loaded' },
  },
  interfaces: [],
};

/** A card on which nothing is to be complained of. */
export const goodInterface: InterfaceFacts = {
  name: 'eth0',
  up: true,
  kind: '',
  driver: 'ixgbe',
  mtu: 1500,
  receiveQueues: 8,
  addresses: ['192.0.2.1/24'],
  xdpProgram: undefined,
  features: new Map([['generic-receive-offload', { on: true, fixed: false }]]),
  channels: { now: 8, max: 8, option: 'combined' },
  ring: { now: 1024, max: 4096 },
  rss: { key: '6d:5a:6d:5a', function: 'toeplitz', symmetric: false },
  ipv4Forwarding: 1,
  ipv6Forwarding: 1,
  rpFilter: 0,
  arpIgnore: 0,
};

import { sendingOf } from '../dataplane/egress.ts';
import type { Facts, InterfaceFacts } from './facts.ts';
import type { Finding } from './finding.ts';
import { checkReception } from './queue_checks.ts';

/** Drivers that run XDP themselves, as of Linux 6.12. Source: `ndo_bpf` in drivers/net. */
const nativeDrivers = new Set(
  `atlantic bnxt_en bonding cpsw dpaa2_eth ena enetc fec fsl_dpa-net funeth gve hv_netvsc i40e iavf
  ice idpf igb igc ixgbe ixgbevf lan966x mana mlx4_en mlx5_core mvneta mvpp2 netsec nfp nicvf qede
  rvu_nicpf sfc sfc-ef100 stmmac st_gmac thunder-nicvf tsnep tun veth virtio_net vif xen_netfront`
    .split(/\s+/)
    .filter(Boolean),
);

/** Those that give XDP a packet in several buffers (NETDEV_XDP_ACT_RX_SG in drivers/net). */
const jumboDrivers = new Set([
  'atlantic',
  'bnxt_en',
  'i40e',
  'ice',
  'mlx5_core',
  'mvneta',
  'veth',
  'virtio_net',
]);

/**
 * With the others a packet must lie in one page, beside headroom and the kernel's own record:
 * about 3500 bytes.
 */
const NATIVE_MTU = 3498;

/** MAX_QUEUES of bpf/abi.h. */
const QUEUES = 64;

/** Judges each Ethernet interface of this network namespace that is up. */
export function checkInterfaces({ interfaces, kernel }: Facts): readonly Finding[] {
  const up = interfaces.filter((each) => each.up);
  if (up.length > 0) {
    return up.flatMap((each) => [...checkInterface(each), ...checkReception(each, kernel)]);
  }
  return [
    {
      level: 'warning',
      subject: 'interfaces',
      found: 'no Ethernet interface is up in this network namespace',
      advice: 'run this where the director will run: ip netns exec <name> xlvs doctor',
    },
  ];
}

function checkInterface(facts: InterfaceFacts): readonly Finding[] {
  const found = [
    checkMode(facts),
    checkVeth(facts),
    checkMerging(facts),
    checkQueues(facts),
    checkOtherProgram(facts),
    checkAddresses(facts),
    checkForwarding(facts),
    checkRpFilter(facts),
    checkArp(facts),
  ];
  return found.filter((finding) => finding !== undefined);
}

/** Features that merge received packets beyond a page, and their names for `ethtool -K`. */
const merging = [
  ['large-receive-offload', 'lro'],
  ['rx-gro-hw', 'rx-gro-hw'],
] as const;

/** Why the interface cannot run XDP in its driver, and what to do about it if anything. */
function nativeRefusal(facts: InterfaceFacts): { why: string; advice?: string } | undefined {
  const { name, driver, kind, mtu, features } = facts;
  if (kind === 'vlan')
    return { why: 'a VLAN', advice: 'attach to its parent: xlvs reads the tags' };
  if (!driver) return { why: 'its driver is unknown' };
  if (!nativeDrivers.has(driver)) return { why: `driver ${driver} has no XDP` };
  if (mtu > NATIVE_MTU && !jumboDrivers.has(driver)) {
    const why = `MTU over ${NATIVE_MTU}, and ${driver} gives XDP no jumbo frames`;
    return { why, advice: `ip link set ${name} mtu ${NATIVE_MTU}` };
  }
  const stuck = merging.find(([feature]) => isOn(facts, feature) && features.get(feature)?.fixed);
  return stuck && { why: `${stuck[0]} is on and cannot be turned off here` };
}

function isOn({ features }: InterfaceFacts, feature: string): boolean {
  return features.get(feature)?.on === true;
}

function checkMode(facts: InterfaceFacts): Finding {
  const { name: subject, driver, mtu, receiveQueues } = facts;
  const refusal = nativeRefusal(facts);
  const seen = `driver ${driver ?? 'unknown'}, MTU ${mtu}, receive queues ${receiveQueues}`;
  if (!refusal) {
    const back = sendingOf(driver) === 'tx' ? ', and by XDP_TX where they came from' : '';
    // Every figure of this project is of veth.
    const measured = driver === 'veth' ? '' : '; coded for this driver, not measured with it';
    const found = `native XDP, forwards by redirect${back}: ${seen}${measured}`;
    return { level: 'ok', subject, found };
  }
  const { why, advice } = refusal;
  const found = `generic XDP, several times slower: ${why} (${seen})`;
  return advice ? { level: 'warning', subject, found, advice } : { level: 'note', subject, found };
}

function checkVeth({ name, driver }: InterfaceFacts): Finding | undefined {
  if (driver !== 'veth') return undefined;
  return {
    level: 'note',
    subject: name,
    found: 'veth: packets of its other end arrive unsummed, and none reach it without NAPI there',
    advice: `on the other end, which cannot be seen from here: ethtool -K <peer> tx off gro on`,
  };
}

function checkMerging(facts: InterfaceFacts): Finding | undefined {
  const { name: subject } = facts;
  const refused = nativeRefusal(facts) !== undefined;
  if (refused && isOn(facts, 'generic-receive-offload')) {
    const found = 'generic-receive-offload merges packets before generic XDP sees them';
    return { level: 'warning', subject, found, advice: `ethtool -K ${subject} gro off` };
  }
  const [feature, option] = merging.find(([each]) => isOn(facts, each)) ?? [];
  if (refused || !feature) return undefined;
  const found = `${feature} is on: some drivers refuse native XDP while they merge packets`;
  return { level: 'warning', subject, found, advice: `ethtool -K ${subject} ${option} off` };
}

function checkQueues({ name, receiveQueues }: InterfaceFacts): Finding | undefined {
  if (receiveQueues <= QUEUES) return undefined;
  return {
    level: 'warning',
    subject: name,
    found: `${receiveQueues} receive queues: new connections on those past ${QUEUES} are dropped`,
    advice: `ethtool -L ${name} combined ${QUEUES}`,
  };
}

function checkOtherProgram({ name, xdpProgram }: InterfaceFacts): Finding | undefined {
  if (!xdpProgram) return undefined;
  if (xdpProgram.startsWith('xlvs_')) {
    return { level: 'ok', subject: name, found: `${xdpProgram} is attached` };
  }
  return {
    level: 'warning',
    subject: name,
    found: `another XDP program is attached: ${xdpProgram}`,
    advice: "both run only behind libxdp's dispatcher (`xdp-loader status`); else detach it",
  };
}

function checkAddresses({ name, addresses }: InterfaceFacts): Finding {
  if (addresses.length > 0) return { level: 'ok', subject: name, found: addresses.join(' ') };
  const found = 'no address: nobody sends it packets for a virtual service';
  const advice = `ip address add <address>/<prefix> dev ${name}`;
  return { level: 'note', subject: name, found, advice };
}

function checkForwarding(facts: InterfaceFacts): Finding | undefined {
  const { name, addresses, ipv4Forwarding, ipv6Forwarding } = facts;
  const routable6 = addresses.some((each) => each.includes(':') && !each.startsWith('fe80:'));
  const settings = [
    ipv4Forwarding === 0 && `net.ipv4.conf.${name}.forwarding`,
    routable6 && ipv6Forwarding === 0 && `net.ipv6.conf.${name}.forwarding`,
  ].filter((each) => each !== false);
  if (settings.length === 0) return undefined;
  return {
    level: 'warning',
    subject: name,
    found: `forwarding is off (${settings.join(', ')}): the kernel names no next hop`,
    advice: `sysctl -w net.ipv4.ip_forward=1${routable6 ? ' net.ipv6.conf.all.forwarding=1' : ''}`,
  };
}

function checkRpFilter({ name, rpFilter }: InterfaceFacts): Finding | undefined {
  if (rpFilter !== 1) return undefined;
  return {
    level: 'note',
    subject: name,
    found: 'rp_filter is strict: what the kernel handles must come in where its answer goes out',
    advice: `where routes differ by direction: sysctl -w net.ipv4.conf.${name}.rp_filter=2`,
  };
}

function checkArp({ name, arpIgnore }: InterfaceFacts): Finding | undefined {
  if (!arpIgnore) return undefined;
  return {
    level: 'note',
    subject: name,
    found: `arp_ignore is ${arpIgnore}: ARP is answered for addresses of this interface only`,
    advice: `put the virtual address on ${name}; on lo it is for real servers`,
  };
}

/**
 * A small network as data. Every host is a network namespace; a LAN is a bridge, kept in a
 * namespace of its own, that joins all interfaces which name it, or a mere cable between two.
 */
export interface Topology {
  readonly name: string;
  readonly title: string;
  readonly drawing: string;
  readonly hosts: readonly Host[];
  /** The LANs that are cables: one veth pair, without a bridge. */
  readonly cables?: readonly string[];
  /** Of every interface; 1500 where absent. */
  readonly mtu?: number;
}

export interface Host {
  /** What it is in the network, and the end of its namespace's name: client, director, rs1. */
  readonly role: string;
  readonly links: readonly Link[];
  /** Addresses on lo: where a real server of direct routing holds the VIP. */
  readonly loopback?: readonly string[];
  /** Routes, as `ip route add` takes them. */
  readonly routes?: readonly string[];
  /** Kernel variables by their sysctl name, over those that every host has. */
  readonly sysctls?: Sysctls;
  /** Runs the web server and UDP echo that answer with this name. */
  readonly serves?: string;
}

export interface Link {
  readonly device: string;
  readonly lan: string;
  /** With prefix length. */
  readonly addresses: readonly string[];
}

export type Sysctls = Readonly<Record<string, string>>;

/** Every host: addresses usable at once, packets of direct routing not taken for forged ones. */
export const hostSysctls: Sysctls = {
  'net.ipv6.conf.default.accept_dad': '0',
  'net.ipv4.conf.all.rp_filter': '0',
  'net.ipv4.conf.default.rp_filter': '0',
};

/** A host that forwards: the director and plain routers. */
export const forwardingSysctls: Sysctls = {
  'net.ipv4.ip_forward': '1',
  'net.ipv6.conf.all.forwarding': '1',
  'net.ipv4.conf.all.send_redirects': '0',
  'net.ipv4.conf.default.send_redirects': '0',
};

/**
 * A real server of direct routing: answers no ARP request for the VIP on its lo, and asks with
 * its own address. IPv6 needs nothing: neighbour discovery only speaks for a link's own addresses.
 */
export const hiddenVipSysctls: Sysctls = {
  'net.ipv4.conf.all.arp_ignore': '1',
  'net.ipv4.conf.lo.arp_ignore': '1',
  'net.ipv4.conf.all.arp_announce': '2',
  'net.ipv4.conf.lo.arp_announce': '2',
};

/** The interface ends of a topology, as pairs of host and link. */
export function linksOf(topology: Topology): { host: Host; link: Link }[] {
  return topology.hosts.flatMap((host) => host.links.map((link) => ({ host, link })));
}

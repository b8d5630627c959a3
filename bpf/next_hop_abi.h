/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/*
 * next_hop_abi - how packets leave, as XDP, C++ and TypeScript share it; part of abi.h
 */
#ifndef XLVS_NEXT_HOP_ABI_H
#define XLVS_NEXT_HOP_ABI_H

/* How packets leave: interface; by XDP_TX where they came by it, else, or without, by redirect. */
enum egress {
	EGRESS_IFINDEX = 0x3fffffff,
	EGRESS_TRANSMIT = 0x40000000,
};

/* An attached interface: its place in the map of sockets; what next hops by it have. */
struct interface {
	__u32 slot;
	__u32 egress;
};

/*
 * A neighbour that packets leave to, found for one route generation, and the tunnel that they
 * leave in, if any; connections hold its index. A cache line, read as eight words. The key is
 * written first, by compare-and-swap.
 */
struct next_hop {
	/* Generation and interface: generation << 32 | enum egress. */
	__u64 key;
	__u8 dmac[6];
	__u8 smac[6];
	/* Of what may leave; of a tunnel, of what may be put into it. Never 0. */
	__u32 mtu;
	/* Both ends of the tunnel; without one 0, as all that follows. */
	struct address saddr;
	struct address daddr;
	__u8 family;
	/* enum tunnel_kind; whether it has a checksum; where GUE is listened to. */
	__u8 tunnel;
	__u8 tunnel_checksum;
	__u8 pad;
	__be16 tunnel_port;
	__u16 pad_port;
};
ABI_ASSERT(sizeof(struct next_hop) == 64, "struct next_hop");

/* What stands between a tunnel's IP header and the packet in it: nothing; UDP and GUE; GRE. */
enum tunnel_kind {
	TUNNEL_IPIP = 0,
	TUNNEL_GUE = 1,
	TUNNEL_GRE = 2,
};

#endif

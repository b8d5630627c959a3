// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0
/*
 * A real server's end of tunnels, for machines whose kernel has none: takes the outer headers of
 * IPIP, GUE on any port and GRE off, and hands the packet to the kernel. What is in no tunnel
 * passes; a GRE header with anything but a checksum in it does not.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/udp.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

char _license[] SEC("license") = "Dual BSD/GPL";

enum decap {
	GUE_BYTES = 4,
	GRE_BYTES = 4,
	GRE_CHECKSUM = 0x8000,
	/* The port that tests have GUE sent to. */
	GUE_PORT = 6080,
};

struct gre {
	__be16 flags;
	__be16 protocol;
};

/* Bytes between the outer IP header and the packet, whose protocol it notes; -1: no tunnel. */
static __always_inline int read_shim(void *at, void *end, __u8 protocol, __be16 *inner)
{
	struct udphdr *udp = at;
	struct gre *gre = at;
	__u8 *gue;

	*inner = bpf_htons(protocol == IPPROTO_IPIP ? ETH_P_IP : ETH_P_IPV6);
	if (protocol == IPPROTO_IPIP || protocol == IPPROTO_IPV6)
		return 0;
	if (protocol == IPPROTO_GRE && (void *)(gre + 1) <= end) {
		*inner = gre->protocol;
		if (gre->flags == 0)
			return GRE_BYTES;
		return gre->flags == bpf_htons(GRE_CHECKSUM) ? 2 * GRE_BYTES : -1;
	}
	if (protocol != IPPROTO_UDP || (void *)(udp + 1) + GUE_BYTES > end ||
	    udp->dest != bpf_htons(GUE_PORT))
		return -1;
	gue = (__u8 *)(udp + 1);
	*inner = bpf_htons(gue[1] == IPPROTO_IPIP ? ETH_P_IP : ETH_P_IPV6);
	return sizeof(*udp) + GUE_BYTES;
}

SEC("xdp")
int decapsulate(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	struct ethhdr *eth = data, link;
	struct ipv6hdr *ipv6;
	struct iphdr *ipv4;
	__be16 inner = 0;
	int outer, shim;

	if ((void *)(eth + 1) > end)
		return XDP_PASS;
	link = *eth;
	ipv4 = (void *)(eth + 1);
	ipv6 = (void *)(eth + 1);
	if (link.h_proto == bpf_htons(ETH_P_IP) && (void *)(ipv4 + 1) <= end) {
		outer = sizeof(*ipv4);
		shim = read_shim(ipv4 + 1, end, ipv4->protocol, &inner);
	} else if (link.h_proto == bpf_htons(ETH_P_IPV6) && (void *)(ipv6 + 1) <= end) {
		outer = sizeof(*ipv6);
		shim = read_shim(ipv6 + 1, end, ipv6->nexthdr, &inner);
	} else {
		return XDP_PASS;
	}
	if (shim < 0)
		return XDP_PASS;
	if (bpf_xdp_adjust_head(ctx, outer + shim))
		return XDP_DROP;
	data = (void *)(long)ctx->data;
	end = (void *)(long)ctx->data_end;
	eth = data;
	if ((void *)(eth + 1) > end)
		return XDP_DROP;
	link.h_proto = inner;
	*eth = link;
	return XDP_PASS;
}

// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0
/*
 * redirect - the least that a director on XDP can do: new MAC addresses, out of the other side
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include "frames.h"

char _license[] SEC("license") = "Dual BSD/GPL";

const volatile struct way ways[2] = {};

SEC("xdp")
int redirect(struct xdp_md *ctx)
{
	struct ethhdr *link = (void *)(long)ctx->data;
	const volatile struct way *way = &ways[ctx->ingress_ifindex == ways[1].from];
	__u8 *macs = (void *)link;

	if ((void *)(link + 1) > (void *)(long)ctx->data_end ||
	    link->h_proto != bpf_htons(ETH_P_IP))
		return XDP_PASS;
	for (int i = 0; i < 12; i++)
		macs[i] = way->macs[i];
	return bpf_redirect(way->to, 0);
}

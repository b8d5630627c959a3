// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0
/*
 * sink - counts and drops what comes to one port, or from it
 *
 * Any other packet goes on to the host. A real server that let its kernel see every frame of the
 * sender would be the slowest part of the network. One end alone is looked at: clients whose own
 * port happens to be that one are none of the sender's.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/in.h>
#include <linux/tcp.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include "frames.h"

char _license[] SEC("license") = "Dual BSD/GPL";

const volatile struct sunk sunk = {};
/* An interface of one queue: nobody else counts at the same time. */
struct frame_counts received = {};

SEC("xdp")
int sink(struct xdp_md *ctx)
{
	void *end = (void *)(long)ctx->data_end;
	struct ethhdr *link = (void *)(long)ctx->data;
	struct iphdr *ip = (void *)(link + 1);
	/* A frame has bytes enough for this even when it is UDP: the least are 60. */
	struct tcphdr *tcp = (void *)(ip + 1);

	if ((void *)(tcp + 1) > end || link->h_proto != bpf_htons(ETH_P_IP) || ip->ihl != 5)
		return XDP_PASS;
	if (ip->protocol != IPPROTO_UDP && ip->protocol != IPPROTO_TCP)
		return XDP_PASS;
	if ((sunk.is_source ? tcp->source : tcp->dest) != sunk.port)
		return XDP_PASS;
	if (ip->protocol == IPPROTO_TCP && tcp->syn)
		received.opening++;
	else
		received.known++;
	return XDP_DROP;
}

// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0
/*
 * sender - frames of many flows, for a live-frame run of BPF_PROG_TEST_RUN
 *
 *   due? -> whose turn is it -> write the whole frame -> redirect it out of the interface
 *
 * Pages come back as the last program left them, so every frame is written from its first byte.
 * Established flows come in an order without a pattern, each as often as any other; a new flow
 * has an address that no other has. Checksums are right, as they are on a wire.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/in.h>
#include <linux/tcp.h>
#include <linux/udp.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include "frames.h"

char _license[] SEC("license") = "Dual BSD/GPL";

enum {
	KNOWN_NETWORK = 0xc6120000, /* 198.18.0.0/15, RFC 2544 */
	KNOWN_BITS = 17,
	NEW_NETWORK = 0x0a000000, /* 10.0.0.0/8 */
	NEW_BITS = 24,
	FIRST_PORT = 1024,
	PORT_BITS = 15,
	/* A sender that was held up forgets all but so many frames: a burst would overflow rings.
	 */
	ARREARS = 64,
};

const volatile struct plan plan = {};
struct frame_counts sent = {};
static __u64 due_ns;

static __always_inline int is_due(void)
{
	__u64 now;

	if (sent.known + sent.opening >= plan.limit)
		return 0;
	if (!plan.interval_ns || (sent.known + sent.opening) % plan.burst)
		return 1;
	now = bpf_ktime_get_ns();
	if (due_ns > now)
		return 0;
	if (due_ns + plan.arrears_ns < now)
		due_ns = now - plan.arrears_ns;
	due_ns += plan.interval_ns;
	return 1;
}

/* Another number of so many bits for every number, without a pattern. */
static __always_inline __u32 mixed(__u32 number, __u32 bits)
{
	__u32 mask = (1u << bits) - 1;

	number = (number * 0x9e3779b1) & mask;
	number ^= number >> ((bits + 1) / 2);
	return (number * 0x85ebca6b) & mask;
}

static __always_inline __u16 folded(__u32 sum)
{
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return ~sum;
}

/* False only for a frame of the wrong size. */
static __always_inline int write_frame(struct xdp_md *ctx, __be32 saddr, __be16 sport, __be16 flags)
{
	__u64 *words = (__u64 *)(long)ctx->data;
	struct iphdr *ip = (void *)words + ETH_HLEN;
	struct udphdr *udp = (void *)(ip + 1);
	struct tcphdr *tcp = (void *)(ip + 1);
	__u32 source = (saddr & 0xffff) + (saddr >> 16);
	__u32 check;

	if ((void *)words + SENT_FRAME_BYTES > (void *)(long)ctx->data_end)
		return 0;
	for (int i = 0; i < SENT_FRAME_BYTES / 8; i++)
		words[i] = plan.frame[i];
	ip->saddr = saddr;
	ip->check = folded(plan.ip_sum + source);
	udp->source = sport;
	check = folded(plan.transport_sum + source + sport + flags);
	if (!flags) {
		udp->check = check ?: 0xffff;
		return 1;
	}
	*(__be16 *)((void *)tcp + 12) = flags;
	tcp->check = check;
	return 1;
}

SEC("xdp")
int sender(struct xdp_md *ctx)
{
	__u64 turn = sent.known + sent.opening;
	int opens = plan.new_every && turn % plan.new_every == 0;
	__u32 flow, saddr, port;

	if (!is_due())
		return XDP_DROP;
	if (opens) {
		flow = mixed(plan.first_new + (__u32)sent.opening++, NEW_BITS);
		saddr = NEW_NETWORK + flow;
		port = FIRST_PORT + (flow & ((1 << PORT_BITS) - 1));
	} else {
		flow = mixed((__u32)sent.known++, plan.flow_bits);
		saddr = KNOWN_NETWORK + (flow & ((1 << KNOWN_BITS) - 1));
		port = FIRST_PORT + (flow >> KNOWN_BITS);
	}
	if (!write_frame(ctx, bpf_htonl(saddr), bpf_htons(port),
			 opens ? plan.new_flags : plan.known_flags))
		return XDP_ABORTED;
	return bpf_redirect(plan.ifindex, 0);
}

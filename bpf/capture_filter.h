/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/*
 * capture_filter - whether a capture wants a packet
 *
 *   frame -> five-tuple -> a bit for each term -> does any alternative want these bits?
 *
 * TypeScript has brought the filter into this form (ts/dataplane/capture_filter.ts): terms are
 * what can be true of a packet, alternatives which of them have to be true or false together.
 *
 * Five-tuples are read here once more, so that packets too which the director does not look
 * into (ICMP, fragments) can be asked for, and so that it need not keep anything for a capture.
 */
#ifndef XLVS_CAPTURE_FILTER_H
#define XLVS_CAPTURE_FILTER_H

#include "packet.h"

struct frame;

/* Copies bytes of the frame; 0, or other than 0 where it has not so many. */
static int read_frame(struct frame *frame, __u32 offset, void *to, __u32 size);

/* These two return where the transport header starts; 0 where there is none to be read. */
static __always_inline __u32 read_ipv4(struct frame *frame, __u32 at, struct flow *flow)
{
	struct iphdr ip;

	if (read_frame(frame, at, &ip, sizeof(ip)) || ip.version != 4)
		return 0;
	flow->family = FAMILY_IPV4;
	flow->protocol = ip.protocol;
	COPY(&flow->saddr, &ip.saddr, 4);
	COPY(&flow->daddr, &ip.daddr, 4);
	return bpf_ntohs(ip.frag_off) & IPV4_FRAGMENT_OFFSET ? 0 : at + ip.ihl * 4u;
}

static __always_inline __u32 read_ipv6(struct frame *frame, __u32 at, struct flow *flow)
{
	struct ipv6hdr ip;

	if (read_frame(frame, at, &ip, sizeof(ip)) || ip.version != 6)
		return 0;
	flow->family = FAMILY_IPV6;
	flow->protocol = ip.nexthdr;
	COPY(&flow->saddr, &ip.saddr, 16);
	COPY(&flow->daddr, &ip.daddr, 16);
	at += sizeof(ip);
	for (int i = 0; i < IPV6_EXTENSIONS_MAX && is_extension(flow->protocol); i++) {
		struct ipv6_extension extension;
		int is_fragment = flow->protocol == IPPROTO_FRAGMENT;

		if (read_frame(frame, at, &extension, sizeof(extension)))
			return 0;
		flow->protocol = extension.next;
		if (is_fragment && bpf_ntohs(extension.fragment) & IPV6_FRAGMENT_OFFSET)
			return 0;
		at += is_fragment ? 8 : (extension.length + 1u) * 8;
	}
	return at;
}

/* The five-tuple as far as the frame has one: family 0 is no IP, ports 0 are none. */
static __always_inline void read_flow(struct frame *frame, struct flow *flow)
{
	__u32 at = sizeof(struct ethhdr);
	__be16 ports[2];
	__be16 proto;

	*flow = (struct flow){};
	if (read_frame(frame, at - sizeof(proto), &proto, sizeof(proto)))
		return;
	for (int i = 0; i < VLAN_TAGS_MAX; i++) {
		if (proto != bpf_htons(ETH_P_8021Q) && proto != bpf_htons(ETH_P_8021AD))
			break;
		at += sizeof(struct vlan_header);
		if (read_frame(frame, at - sizeof(proto), &proto, sizeof(proto)))
			return;
	}
	if (proto == bpf_htons(ETH_P_IP))
		at = read_ipv4(frame, at, flow);
	else if (proto == bpf_htons(ETH_P_IPV6))
		at = read_ipv6(frame, at, flow);
	else
		return;
	if (flow->protocol != IPPROTO_TCP && flow->protocol != IPPROTO_UDP &&
	    flow->protocol != IPPROTO_SCTP)
		return;
	if (!at || read_frame(frame, at, ports, sizeof(ports)))
		return;
	flow->sport = ports[0];
	flow->dport = ports[1];
}

static __always_inline int is_in_prefix(const struct address *address,
					const struct capture_term *term)
{
	const word *bits = (const word *)address;
	const word *prefix = (const word *)&term->prefix;
	const word *mask = (const word *)&term->mask;

	return ((bits[0] ^ prefix[0]) & mask[0]) == 0 && ((bits[1] ^ prefix[1]) & mask[1]) == 0;
}

/* Whether the term is true of the packet; one that asks for the verdict is not yet. */
static __always_inline __u32 is_true(const struct capture_term *term, const struct flow *flow)
{
	int source = (term->sides & TERM_SOURCE) != 0, target = (term->sides & TERM_TARGET) != 0;

	switch (term->kind) {
	case TERM_FAMILY:
		return flow->family == term->value;
	case TERM_PROTOCOL:
		return flow->family && flow->protocol == term->value;
	case TERM_ADDRESS:
		return flow->family == term->value &&
		       ((source && is_in_prefix(&flow->saddr, term)) ||
			(target && is_in_prefix(&flow->daddr, term)));
	case TERM_PORT:
		return (source && bpf_ntohs(flow->sport) == term->value) ||
		       (target && bpf_ntohs(flow->dport) == term->value);
	default:
		return 0;
	}
}

/* A bit for each term that is true of the frame. */
static __always_inline __u32 truth_of_frame(const struct capture *wanted, struct frame *frame)
{
	struct flow flow;
	__u32 truth = 0;

	read_flow(frame, &flow);
	NO_UNROLL
	for (__u32 i = 0; i < CAPTURE_TERMS && i < wanted->terms_used; i++)
		truth |= is_true(&wanted->terms[i], &flow) << i;
	return truth;
}

/* A bit for each term that is true of the verdict. */
static __always_inline __u32 truth_of_verdict(const struct capture *wanted, enum verdict verdict)
{
	__u32 truth = 0;

	NO_UNROLL
	for (__u32 i = 0; i < CAPTURE_TERMS && i < wanted->terms_used; i++) {
		const struct capture_term *term = &wanted->terms[i];

		if (term->kind == TERM_VERDICT)
			truth |= (term->value >> verdict & 1) << i;
	}
	return truth;
}

/* Whether packets of which this is true are wanted, whatever the terms in `unknown` may be. */
static __always_inline int is_wanted(const struct capture *wanted, __u32 truth, __u32 unknown)
{
	NO_UNROLL
	for (__u32 i = 0; i < CAPTURE_ALTERNATIVES && i < wanted->alternatives_used; i++) {
		const struct capture_alternative *one = &wanted->alternatives[i];

		if (((truth ^ one->truth) & one->terms & ~unknown) == 0)
			return 1;
	}
	return 0;
}

/* So much of a frame is kept. */
static __always_inline __u32 kept_of(const struct capture *wanted, __u32 length)
{
	__u32 most = CAPTURE_BYTES;

	if (wanted->snap_length < most)
		most = wanted->snap_length;
	return length < most ? length : most;
}

#endif

/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/*
 * packet - from a frame to a five-tuple
 *
 *   Ethernet, up to two VLAN tags -> IPv4 with options | IPv6 with extension headers -> TCP | UDP
 *
 * Each step checks its bounds, so that whoever holds a typed pointer may read behind it. What a
 * step cannot or need not read ends the journey with a verdict of its own.
 */
#ifndef XLVS_PACKET_H
#define XLVS_PACKET_H

#include "target.h"

struct world;
struct packet;
/* Bytes of the whole frame, of which the driver may have put the rest into other buffers. */
static __u32 frame_bytes(struct world *world, const struct packet *pkt);
/* The frame's bytes; 0 where the frame does not reach so far. */
static int load_bytes(struct world *world, __u32 offset, void *to, __u32 length);
static int store_bytes(struct world *world, __u32 offset, const void *from, __u32 length);

enum packet_limits {
	VLAN_TAGS_MAX = 2,
	IPV6_EXTENSIONS_MAX = 6,
	/* From the frame's start to the transport header; packets with more are the kernel's. */
	HEADERS_MAX = 1024,
	IPV4_FRAGMENT = 0x3fff, /* more-fragments bit and offset */
	IPV4_FRAGMENT_OFFSET = 0x1fff,
	IPV4_DONT_FRAGMENT = 0x4000,
	IPV6_FRAGMENT_MORE = 1,
	IPV6_FRAGMENT_OFFSET = 0xfff8,
};

enum tcp_flag {
	TCP_FIN = 1,
	TCP_SYN = 2,
	TCP_RST = 4,
	TCP_ACK = 16,
};

struct packet {
	/* What can be read: the whole frame, or of a jumbo frame its first buffer. */
	__u8 *data;
	__u8 *end;
	/*
	 * Whole registers, not bits: the verifier (6.18) follows constants through the stack in
	 * 8 bytes only, and takes every pointer for one that may be null.
	 */
	__u64 is_ipv6;
	__u64 is_tcp;
	/* Network header; is_ipv6 says which of the two. */
	union {
		struct iphdr *ipv4;
		struct ipv6hdr *ipv6;
	};
	/* Transport header: ports stand alike in TCP and UDP, the checksum does not. */
	struct udphdr *ports;
	__be16 *transport_checksum;
	/*
	 * Both ends as connections hold them: address | port << 32, in network order. An IPv6
	 * address counts as 0 here until director.h has hashed it.
	 */
	__u64 source;
	__u64 target;
	/* Length of the IP packet, headers included, and of its headers before the transport's. */
	__u32 bytes;
	__u32 header_bytes;
	__u8 protocol;
	__u8 ttl;
	__u8 tcp_flags;
	/* First fragment of a larger packet; later ones never get this far. */
	__u8 fragment;
};

struct vlan_header {
	__be16 tci;
	__be16 proto;
};

struct ipv6_extension {
	__u8 next;
	/* In units of 8 bytes, the first 8 not counted. */
	__u8 length;
	__be16 fragment;
	__be32 rest;
};

/*
 * The same place, by an offset that the verifier does not know; 0 where that is too far. The
 * verifier follows every way here by itself (tags, options, extension headers), and joins them
 * only where they look alike.
 */
static __always_inline __u8 *settle(const struct packet *pkt, __u8 *at)
{
	__u64 offset = (__u64)(at - pkt->data);

	FORGET(offset);
	return offset > HEADERS_MAX ? 0 : pkt->data + offset;
}

static __always_inline enum verdict parse_tcp(struct packet *pkt, __u8 *at)
{
	struct tcphdr *tcp = (struct tcphdr *)at;

	if ((__u8 *)(tcp + 1) > pkt->end || pkt->header_bytes + sizeof(*tcp) > pkt->bytes)
		return VERDICT_PASSED_MALFORMED;
	pkt->is_tcp = 1;
	pkt->transport_checksum = &tcp->check;
	/* FIN to CWR are the header's 14th byte. */
	pkt->tcp_flags = at[13];
	return NEXT;
}

/* Reads the transport header at a place that is `header_bytes` behind the network header. */
static __always_inline enum verdict parse_ports(struct packet *pkt, __u8 *at, __u8 protocol)
{
	struct udphdr *udp = (struct udphdr *)at;

	/* Behind the packet's end the frame may go on, with the link's trailer. */
	if (pkt->header_bytes > pkt->bytes)
		return VERDICT_PASSED_MALFORMED;
	pkt->protocol = protocol;
	if (protocol == IPPROTO_ICMP || protocol == IPPROTO_ICMPV6)
		return VERDICT_PASSED_ICMP;
	if (protocol != IPPROTO_TCP && protocol != IPPROTO_UDP)
		return VERDICT_PASSED_OTHER_PROTOCOL;
	if ((__u8 *)(udp + 1) > pkt->end || pkt->header_bytes + sizeof(*udp) > pkt->bytes)
		return VERDICT_PASSED_MALFORMED;
	pkt->ports = udp;
	pkt->transport_checksum = &udp->check;
	pkt->source |= (__u64)udp->source << 32;
	pkt->target |= (__u64)udp->dest << 32;
	return protocol == IPPROTO_TCP ? parse_tcp(pkt, at) : NEXT;
}

static __always_inline enum verdict parse_transport(struct packet *pkt, __u8 *network, __u8 *at,
						    __u8 protocol)
{
	pkt->header_bytes = (__u32)(at - network);
	at = settle(pkt, at);
	return at ? parse_ports(pkt, at, protocol) : VERDICT_PASSED_OTHER_PROTOCOL;
}

/* Whether the frame ends before the packet, whose IP header stands at `at`. */
static __always_inline int is_cut(struct world *world, const struct packet *pkt, const __u8 *at)
{
	return at + pkt->bytes > pkt->end &&
	       (__u32)(at - pkt->data) + pkt->bytes > frame_bytes(world, pkt);
}

static __always_inline enum verdict parse_ipv4_header(struct world *world, struct packet *pkt,
						      __u8 *at)
{
	struct iphdr *ip = (struct iphdr *)at;
	__u32 fragment;

	if ((__u8 *)(ip + 1) > pkt->end || ip->version != 4 || ip->ihl < 5)
		return VERDICT_PASSED_MALFORMED;
	pkt->bytes = bpf_ntohs(ip->tot_len);
	if (pkt->bytes < ip->ihl * 4u || is_cut(world, pkt, at))
		return VERDICT_PASSED_MALFORMED;
	fragment = bpf_ntohs(ip->frag_off);
	if (fragment & IPV4_FRAGMENT_OFFSET)
		return VERDICT_PASSED_FRAGMENT;

	pkt->ipv4 = ip;
	pkt->ttl = ip->ttl;
	pkt->fragment = (fragment & IPV4_FRAGMENT) != 0;
	pkt->source = ip->saddr;
	pkt->target = ip->daddr;
	return NEXT;
}

static __always_inline enum verdict parse_ipv4(struct world *world, struct packet *pkt, __u8 *at)
{
	enum verdict verdict = parse_ipv4_header(world, pkt, at);
	const struct iphdr *ip = pkt->ipv4;

	if (verdict != NEXT)
		return verdict;
	return parse_transport(pkt, at, at + (__u64)ip->ihl * 4, ip->protocol);
}

static __always_inline int is_extension(__u8 protocol)
{
	return protocol == IPPROTO_HOPOPTS || protocol == IPPROTO_ROUTING ||
	       protocol == IPPROTO_DSTOPTS || protocol == IPPROTO_FRAGMENT;
}

static __always_inline enum verdict parse_ipv6_header(struct world *world, struct packet *pkt,
						      __u8 *at)
{
	struct ipv6hdr *ip = (struct ipv6hdr *)at;

	if ((__u8 *)(ip + 1) > pkt->end || ip->version != 6)
		return VERDICT_PASSED_MALFORMED;
	pkt->bytes = bpf_ntohs(ip->payload_len) + (__u32)sizeof(*ip);
	if (is_cut(world, pkt, at))
		return VERDICT_PASSED_MALFORMED;
	pkt->is_ipv6 = 1;
	pkt->ipv6 = ip;
	pkt->ttl = ip->hop_limit;
	return NEXT;
}

/* Walks the extension headers to the transport header; RFC 8200 section 4. */
static __always_inline enum verdict parse_ipv6(struct world *world, struct packet *pkt, __u8 *at)
{
	enum verdict verdict = parse_ipv6_header(world, pkt, at);
	const struct ipv6hdr *ip = pkt->ipv6;
	__u8 next;

	if (verdict != NEXT)
		return verdict;
	next = ip->nexthdr;
	at = (__u8 *)(ip + 1);
	for (int i = 0; i < IPV6_EXTENSIONS_MAX && is_extension(next); i++) {
		struct ipv6_extension *extension = (struct ipv6_extension *)at;
		__u32 length = 8;

		if ((__u8 *)(extension + 1) > pkt->end)
			return VERDICT_PASSED_MALFORMED;
		if (next == IPPROTO_FRAGMENT) {
			if (bpf_ntohs(extension->fragment) & IPV6_FRAGMENT_OFFSET)
				return VERDICT_PASSED_FRAGMENT;
			if (bpf_ntohs(extension->fragment) & IPV6_FRAGMENT_MORE)
				pkt->fragment = 1;
		} else {
			length = (extension->length + 1u) * 8;
		}
		next = extension->next;
		at += length;
	}
	return parse_transport(pkt, (__u8 *)ip, at, next);
}

/* Where the network header begins, and which it is; 0 where the frame ends before it. */
static __always_inline __u8 *parse_link(const struct packet *pkt, __be16 *proto)
{
	__u8 *at = pkt->data + ETH_HLEN;

	if (at > pkt->end)
		return 0;
	*proto = *(__be16 *)(at - sizeof(*proto));
	for (int i = 0; i < VLAN_TAGS_MAX; i++) {
		struct vlan_header *vlan = (struct vlan_header *)at;

		if (*proto != bpf_htons(ETH_P_8021Q) && *proto != bpf_htons(ETH_P_8021AD))
			break;
		if ((__u8 *)(vlan + 1) > pkt->end)
			return 0;
		*proto = vlan->proto;
		at = (__u8 *)(vlan + 1);
	}
	return at;
}

/* Reads the packet that starts at data. Expects *pkt zeroed but for data and end. */
static __always_inline enum verdict parse(struct world *world, struct packet *pkt)
{
	__be16 proto = 0;
	__u8 *at = parse_link(pkt, &proto);

	at = at ? settle(pkt, at) : 0;
	if (!at)
		return VERDICT_PASSED_MALFORMED;
	if (proto == bpf_htons(ETH_P_IP))
		return parse_ipv4(world, pkt, at);
	if (proto == bpf_htons(ETH_P_IPV6))
		return parse_ipv6(world, pkt, at);
	return VERDICT_PASSED_NOT_IP;
}

/* The five-tuple of a parsed packet. */
static __always_inline struct flow flow_of(const struct packet *pkt)
{
	struct flow flow = {};

	if (pkt->is_ipv6) {
		COPY(&flow.saddr, &pkt->ipv6->saddr, 16);
		COPY(&flow.daddr, &pkt->ipv6->daddr, 16);
	} else {
		COPY(&flow.saddr, &pkt->ipv4->saddr, 4);
		COPY(&flow.daddr, &pkt->ipv4->daddr, 4);
	}
	flow.sport = pkt->ports->source;
	flow.dport = pkt->ports->dest;
	flow.protocol = pkt->protocol;
	flow.family = pkt->is_ipv6 ? FAMILY_IPV6 : FAMILY_IPV4;
	return flow;
}

#endif

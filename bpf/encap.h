/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/*
 * encap - outer headers for tunnelling: IPIP, GUE, GRE
 *
 *   | link header | outer IP header | shim | the packet as it came, but for its TTL |
 *
 *   shim   IPIP: none;  GUE: UDP, and 4 bytes;  GRE: 4 bytes, 8 with a checksum
 *
 * What stands in the outer header is, to the bit, what Linux IPVS writes there. It may choose two
 * fields: GUE's source port, by which routers spread flows, and the identification of what may be
 * fragmented.
 *
 * Sources: RFC 2003, RFC 2473, RFC 2784, draft-ietf-intarea-gue-09 (version 0), RFC 6040.
 */
#ifndef XLVS_ENCAP_H
#define XLVS_ENCAP_H

#include "rewrite.h"
#include "table.h"

/* Moves a frame's beginning forward; its first bytes hold anything then. */
static int grow_front(struct world *world, __u32 bytes);

enum encap_limits {
	GUE_BYTES = 4,
	GRE_BYTES = 4,
	GRE_CHECKSUM_BYTES = 4,
	GRE_CHECKSUM_PRESENT = 0x8000,
	/* Where the outer IP header ends, and the shim begins, in the room for them. */
	SHIM_AT = 72,
	FRONT_ROOM = 128,
	/* A mask, too. */
	MAX_TAG_BYTES = 12,
	/* Linux's local ports, of which its GUE takes the source port. */
	FIRST_PORT = 32768,
	PORTS = 28232,
	ECN = 3,
	ECN_ECT0 = 2,
	/* Summed at a time. */
	CHUNK_BYTES = 256,
};

/* A packet that is to be put into a tunnel. */
struct parcel {
	struct next_hop hop;
	/* Bytes of its link header, and of itself. */
	__u32 link_bytes;
	__u32 bytes;
	__u64 is_ipv6;
	/* The outer header's; the TTL as it is after this hop. */
	__u8 tos;
	__u8 ttl;
	__be16 fragment;
	__be16 id;
	__be16 source_port;
	/* The headers, written towards SHIM_AT. */
	__u8 front[FRONT_ROOM] __attribute__((aligned(8)));
	__u8 chunk[CHUNK_BYTES];
};

static __always_inline __u32 shim_bytes(__u32 tunnel, __u32 has_checksum)
{
	if (tunnel == TUNNEL_GUE)
		return sizeof(struct udphdr) + GUE_BYTES;
	if (tunnel == TUNNEL_GRE)
		return GRE_BYTES + (has_checksum ? GRE_CHECKSUM_BYTES : 0);
	return 0;
}

static __always_inline __u32 outer_bytes(__u32 family)
{
	return family == FAMILY_IPV6 ? sizeof(struct ipv6hdr) : sizeof(struct iphdr);
}

/* What a tunnel's headers take of the next link's MTU. */
static __always_inline __u32 tunnel_bytes(const struct next_hop *hop)
{
	return outer_bytes(hop->family) + shim_bytes(hop->tunnel, hop->tunnel_checksum);
}

/* A number that tells flows apart. */
static __always_inline __u32 flow_number(const struct packet *pkt)
{
	const packet_word *words;
	__u64 ends;

	if (pkt->is_ipv6) {
		words = (const packet_word *)&pkt->ipv6->saddr;
		ends = words[0] ^ words[1] ^ words[2] ^ words[3];
	} else {
		words = (const packet_word *)&pkt->ipv4->saddr;
		ends = words[0];
	}
	ends ^= (pkt->source >> 32 | pkt->target >> 32 << 16) << 16;
	return (__u32)(ends * 0x9e3779b97f4a7c15ULL >> 32);
}

/* RFC 6040: that the packet met congestion is told by itself, and the tunnel begins anew. */
static __always_inline __u8 outer_tos(__u8 tos)
{
	return (tos & ECN) == ECN ? (__u8)((tos & ~ECN) | ECN_ECT0) : tos;
}

/*
 * Notes a packet whose TTL is counted already. What may be fragmented has an identification that
 * differs where the packets do.
 */
static __always_inline void note_parcel(struct parcel *parcel, const struct packet *pkt,
					__u32 pmtu_disc)
{
	const __u8 *network = pkt->is_ipv6 ? (__u8 *)pkt->ipv6 : (__u8 *)pkt->ipv4;
	__u32 number = flow_number(pkt);
	__u16 id = (__u16)number ^ *pkt->transport_checksum;

	parcel->link_bytes = (__u32)(network - pkt->data);
	parcel->bytes = pkt->bytes;
	parcel->is_ipv6 = pkt->is_ipv6;
	parcel->ttl = (__u8)(pkt->ttl - 1);
	parcel->fragment = 0;
	if (pkt->is_ipv6) {
		parcel->tos = outer_tos((__u8)(network[0] << 4 | network[1] >> 4));
	} else {
		parcel->tos = outer_tos(pkt->ipv4->tos);
		id ^= pkt->ipv4->id;
		if (pmtu_disc)
			parcel->fragment = pkt->ipv4->frag_off & bpf_htons(IPV4_DONT_FRAGMENT);
	}
	parcel->id = parcel->fragment ? 0 : id;
	parcel->source_port = bpf_htons((__u16)(FIRST_PORT + ((__u64)number * PORTS >> 32)));
}

/* Protocol number of the packet in an IP header, and in GUE's. */
static __always_inline __u8 inner_protocol(const struct parcel *parcel)
{
	return parcel->is_ipv6 ? IPPROTO_IPV6 : IPPROTO_IPIP;
}

static __always_inline __u8 outer_protocol(const struct parcel *parcel)
{
	if (parcel->hop.tunnel == TUNNEL_GUE)
		return IPPROTO_UDP;
	if (parcel->hop.tunnel == TUNNEL_GRE)
		return IPPROTO_GRE;
	return inner_protocol(parcel);
}

static __always_inline void put_outer_ipv4(struct parcel *parcel, __u32 payload)
{
	struct iphdr *ip = (struct iphdr *)(parcel->front + SHIM_AT - sizeof(*ip));

	ip->version = 4;
	ip->ihl = sizeof(*ip) / 4;
	ip->tos = parcel->tos;
	ip->tot_len = bpf_htons((__u16)(sizeof(*ip) + payload));
	ip->id = parcel->id;
	ip->frag_off = parcel->fragment;
	ip->ttl = parcel->ttl;
	ip->protocol = outer_protocol(parcel);
	ip->check = 0;
	ip->saddr = (__be32) * (const word *)&parcel->hop.saddr;
	ip->daddr = (__be32) * (const word *)&parcel->hop.daddr;
	ip->check = (__u16)~fold(sum_header(ip));
}

static __always_inline void put_outer_ipv6(struct parcel *parcel, __u32 payload)
{
	struct ipv6hdr *ip = (struct ipv6hdr *)(parcel->front + SHIM_AT - sizeof(*ip));

	*(packet_half_word *)ip = bpf_htonl(6u << 28 | (__u32)parcel->tos << 20);
	ip->payload_len = bpf_htons((__u16)payload);
	ip->nexthdr = outer_protocol(parcel);
	ip->hop_limit = parcel->ttl;
	copy_address((struct address *)&ip->saddr, &parcel->hop.saddr);
	copy_address((struct address *)&ip->daddr, &parcel->hop.daddr);
}

/* The sum of a packet, chunk by chunk. */
struct packet_sum {
	struct world *world;
	struct parcel *parcel;
	__u64 sum;
};

static long sum_chunk(__u32 turn, void *context)
{
	struct packet_sum *s = (struct packet_sum *)context;
	struct parcel *parcel = s->parcel;
	__u32 offset = turn * CHUNK_BYTES;
	__u64 length = (__u64)parcel->bytes - offset;

	if (offset >= parcel->bytes)
		return 1;
	if (length < CHUNK_BYTES)
		__builtin_memset(parcel->chunk, 0, CHUNK_BYTES);
	FORGET(length);
	if (length > CHUNK_BYTES)
		length = CHUNK_BYTES;
	if (length == 0 ||
	    !load_bytes(s->world, parcel->link_bytes + offset, parcel->chunk, (__u32)length))
		return 1;
	NO_UNROLL
	for (int i = 0; i < CHUNK_BYTES / 4; i++)
		s->sum += ((const packet_half_word *)parcel->chunk)[i];
	return 0;
}

/* One's complement sum of the packet in the tunnel. */
static __always_inline __u16 sum_packet(struct world *world, struct parcel *parcel)
{
	struct packet_sum s = { world, parcel, 0 };

	repeat((parcel->bytes + CHUNK_BYTES - 1) / CHUNK_BYTES, sum_chunk, &s);
	s.sum = (s.sum & 0xffffffff) + (s.sum >> 32);
	return fold(fold((__u32)s.sum) + (__u32)(s.sum >> 32));
}

/* Sum of both ends' addresses. */
static __always_inline __u32 sum_ends(const struct next_hop *hop)
{
	const word *saddr = (const word *)&hop->saddr, *daddr = (const word *)&hop->daddr;
	__u64 sum = 0;

	for (int i = 0; i < 2; i++) {
		sum += (__u32)saddr[i] + (saddr[i] >> 32);
		sum += (__u32)daddr[i] + (daddr[i] >> 32);
	}
	return fold((__u32)sum) + (__u32)(sum >> 32);
}

static __always_inline void put_gue(struct world *world, struct parcel *parcel)
{
	struct udphdr *udp = (struct udphdr *)(parcel->front + SHIM_AT);
	__be16 *gue = (__be16 *)(udp + 1);
	__u32 sum;

	udp->source = parcel->source_port;
	udp->dest = parcel->hop.tunnel_port;
	udp->len = bpf_htons((__u16)(sizeof(*udp) + GUE_BYTES + parcel->bytes));
	udp->check = 0;
	gue[0] = bpf_htons(inner_protocol(parcel));
	gue[1] = 0;
	if (!parcel->hop.tunnel_checksum)
		return;
	/* What both headers hold, and UDP's pseudo header, which has the length again. */
	sum = sum_packet(world, parcel) + sum_ends(&parcel->hop);
	sum += bpf_htons(IPPROTO_UDP) + 2u * udp->len + udp->source + udp->dest + gue[0];
	udp->check = (__u16)~fold(sum);
	if (!udp->check)
		udp->check = 0xffff;
}

static __always_inline void put_gre(struct world *world, struct parcel *parcel)
{
	__be16 protocol = parcel->is_ipv6 ? bpf_htons(ETH_P_IPV6) : bpf_htons(ETH_P_IP);
	__be16 *gre = (__be16 *)(parcel->front + SHIM_AT);

	gre[0] = 0;
	gre[1] = protocol;
	if (!parcel->hop.tunnel_checksum)
		return;
	gre[0] = bpf_htons(GRE_CHECKSUM_PRESENT);
	gre[2] = (__u16)~fold((__u32)gre[0] + protocol + sum_packet(world, parcel));
	gre[3] = 0;
}

/* The link header, which ends at `end`: the next hop's addresses, and the packet's VLAN tags. */
static __always_inline int put_outer_link(struct world *world, struct parcel *parcel, __u8 *link,
					  __u32 length)
{
	__be16 type =
		parcel->hop.family == FAMILY_IPV6 ? bpf_htons(ETH_P_IPV6) : bpf_htons(ETH_P_IP);
	const word *words = (const word *)&parcel->hop;

	if (length > ETH_HLEN && !load_bytes(world, 0, link, length))
		return 0;
	*(packet_word *)link = words[1];
	*(packet_half_word *)(link + 8) = (__u32)words[2];
	COPY(link + length - sizeof(type), &type, sizeof(type));
	return 1;
}

/* Puts the packet into its tunnel; 0 where there is no room. No pointer into it holds then. */
static __always_inline int encapsulate(struct world *world, struct parcel *parcel)
{
	__u32 shim = shim_bytes(parcel->hop.tunnel, parcel->hop.tunnel_checksum);
	/* Never more, which the verifier is to know. */
	__u32 link = ETH_HLEN + ((parcel->link_bytes - ETH_HLEN) & MAX_TAG_BYTES);
	__u32 outer = outer_bytes(parcel->hop.family);
	__u64 start = SHIM_AT - outer - link;
	__u8 *front;

	/* The verifier takes nothing away from pointers: the difference is to be made before. */
	FORGET(start);
	front = parcel->front + start;
	if (parcel->hop.tunnel == TUNNEL_GUE)
		put_gue(world, parcel);
	else if (parcel->hop.tunnel == TUNNEL_GRE)
		put_gre(world, parcel);
	if (parcel->hop.family == FAMILY_IPV6)
		put_outer_ipv6(parcel, shim + parcel->bytes);
	else
		put_outer_ipv4(parcel, shim + parcel->bytes);
	return put_outer_link(world, parcel, front, link) && grow_front(world, outer + shim) &&
	       store_bytes(world, 0, front, link + outer + shim);
}

#endif

/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/*
 * rewrite - addresses, ports, TTL and their checksums
 *
 * Checksums are updated, never summed anew: a wrong one stays wrong, so that the real server
 * still sees the damage (RFC 1624, equation 3: HC' = ~(~HC + ~m + m')). What a connection's
 * rewrite adds is the same for all its packets and is summed once, when it is made; the way
 * back subtracts it, which in one's complement is adding the complement.
 *
 * Sums are of 16-bit words as loaded: one's complement addition does not mind byte order.
 */
#ifndef XLVS_REWRITE_H
#define XLVS_REWRITE_H

#include "packet.h"

static __always_inline __u16 fold(__u32 sum)
{
	sum = (sum & 0xffff) + (sum >> 16);
	return (__u16)((sum & 0xffff) + (sum >> 16));
}

/* One's complement sum: of two words, whose carry is one at most, one fold is enough. */
static __always_inline __u16 add_deltas(__u16 a, __u16 b)
{
	__u32 sum = (__u32)a + b;

	return (__u16)(sum + (sum >> 16));
}

static __always_inline __u32 sum_address(const struct address *address)
{
	__u16 words[8];
	__u32 sum = 0;

	COPY(words, address, sizeof(words));
	for (int i = 0; i < 8; i++)
		sum += words[i];
	return sum;
}

static __always_inline __u16 update_checksum(__u16 checksum, __u16 delta)
{
	return (__u16)~add_deltas((__u16)~checksum, delta);
}

/* What changing `from` to `to` adds to the sum of a packet that holds it. */
static __always_inline __u16 address_delta(const struct address *from, const struct address *to)
{
	return fold((__u32)(__u16)~fold(sum_address(from)) + fold(sum_address(to)));
}

static __always_inline __u16 port_delta(__be16 from, __be16 to)
{
	return fold((__u32)(__u16)~from + to);
}

/* Sum of the IPv4 header without its options, at most 0x1ffff. */
static __always_inline __u32 sum_header(const struct iphdr *ip)
{
	__u32 words[5];
	__u64 sum = 0;

	COPY(words, ip, sizeof(words));
	for (int i = 0; i < 5; i++)
		sum += words[i];
	sum = (sum & 0xffffffff) + (sum >> 32);
	return (__u32)((sum & 0xffff) + (sum >> 16));
}

static __always_inline void update_transport_checksum(struct packet *pkt, __u16 delta)
{
	__u16 checksum = update_checksum(*pkt->transport_checksum, delta);

	if (pkt->is_tcp)
		*pkt->transport_checksum = checksum;
	else if (*pkt->transport_checksum)
		/* RFC 768: zero says that there is none. */
		*pkt->transport_checksum = checksum ? checksum : 0xffff;
}

/* One hop less, and what the caller changed in the addresses, in the header's checksum. */
static __always_inline void decrement_ttl(struct packet *pkt, __u16 delta)
{
	if (pkt->is_ipv6) {
		pkt->ipv6->hop_limit--;
		return;
	}
	pkt->ipv4->ttl--;
	/* The word of TTL and protocol falls by 0x0100. */
	pkt->ipv4->check = update_checksum(pkt->ipv4->check, add_deltas(delta, bpf_htons(0xfeff)));
}

/* What the rewrite of one packet puts where, and adds to its checksums. */
struct rewriting {
	__be32 address4;
	struct address address6;
	__be16 port;
	__u16 address_delta;
	__u16 transport_delta;
};

/* Client to real server: the destination becomes daddr:dport. */
static __always_inline void rewrite_in(struct packet *pkt, const struct rewriting *to)
{
	if (pkt->is_ipv6)
		COPY(&pkt->ipv6->daddr, &to->address6, 16);
	else
		pkt->ipv4->daddr = to->address4;
	pkt->ports->dest = to->port;
	update_transport_checksum(pkt, to->transport_delta);
	decrement_ttl(pkt, to->address_delta);
}

/* Real server to client: the source becomes vaddr:vport again. */
static __always_inline void rewrite_out(struct packet *pkt, const struct rewriting *to)
{
	if (pkt->is_ipv6)
		COPY(&pkt->ipv6->saddr, &to->address6, 16);
	else
		pkt->ipv4->saddr = to->address4;
	pkt->ports->source = to->port;
	update_transport_checksum(pkt, (__u16)~to->transport_delta);
	decrement_ttl(pkt, (__u16)~to->address_delta);
}

/* The MAC addresses of a next hop, as they stand in it; then its MTU. */
struct link {
	__u64 words[2];
};

/* The link header of the next hop; VLAN tags stay as they are. */
static __always_inline void rewrite_link(struct packet *pkt, const struct link *link)
{
	/* Both addresses at once: a struct ethhdr's would be copied byte by byte. */
	*(packet_word *)pkt->data = link->words[0];
	*(packet_half_word *)(pkt->data + 8) = (__u32)link->words[1];
}

#endif

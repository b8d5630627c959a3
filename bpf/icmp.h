/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/*
 * icmp - the errors that a director sends to a client
 *
 *   | link header, turned round | IP: virtual address -> client | ICMP | the packet's first bytes |
 *
 * Sources: RFC 792, RFC 1191, RFC 4443; which error for what, and that it comes from the virtual
 * address, as Linux IPVS does.
 */
#ifndef XLVS_ICMP_H
#define XLVS_ICMP_H

#include "rewrite.h"

enum icmp_error {
	/* No destination accepts the connection. */
	ICMP_ERROR_UNREACHABLE = 0,
	ICMP_ERROR_TTL = 1,
	/* Longer than the next link takes; says how long it may be. */
	ICMP_ERROR_MTU = 2,
};

enum icmp_limits {
	ICMP_HEADER_BYTES = 8,
	/* RFC 1812 section 4.3.2.3 and RFC 4443 section 2.4: the whole error. */
	ICMP_ERROR_MAX = 576,
	ICMPV6_ERROR_MAX = 1280,
	ICMP_FRAME_MAX = MAX_LINK_BYTES + ICMPV6_ERROR_MAX,
	/* Internetwork control, beside the packet's own TOS; RFC 1812 section 4.3.2.5. */
	ICMP_PRECEDENCE = 0xc0,
	IPV4_TOS = 0x1e,
};

static inline __u16 sum_bytes(__u16 sum, const __u8 *bytes, __u32 length)
{
	__u32 total = sum;
	__u16 word;

	for (__u32 i = 0; i + 1 < length; i += 2) {
		COPY(&word, bytes + i, 2);
		total = fold(total + word);
	}
	if (length & 1) {
		__u8 last[2] = { bytes[length - 1], 0 };

		COPY(&word, last, 2);
		total = fold(total + word);
	}
	return (__u16)total;
}

static inline void put_be16(__u8 *at, __u16 value)
{
	at[0] = (__u8)(value >> 8);
	at[1] = (__u8)value;
}

/* Type, code and fourth word of an error; the checksum comes later. */
static inline void put_icmp_header(__u8 *icmp, int ipv6, enum icmp_error error, __u16 mtu)
{
	static const __u8 types[2][3][2] = {
		{ { 3, 3 }, { 11, 0 }, { 3, 4 } },
		{ { 1, 4 }, { 3, 0 }, { 2, 0 } },
	};

	for (int i = 0; i < ICMP_HEADER_BYTES; i++)
		icmp[i] = 0;
	icmp[0] = types[ipv6][error][0];
	icmp[1] = types[ipv6][error][1];
	if (error == ICMP_ERROR_MTU)
		put_be16(icmp + 6, mtu);
}

static inline void put_ipv4_header(__u8 *ip, const struct packet *pkt, __u32 bytes)
{
	__u8 tos = ICMP_PRECEDENCE | (pkt->ipv4->tos & IPV4_TOS);
	const __u8 header[10] = { 0x45, tos, (__u8)(bytes >> 8), (__u8)bytes, 0, 0, 0,
				  0,    64,  IPPROTO_ICMP };
	__u16 checksum;

	COPY(ip, header, 10);
	ip[10] = ip[11] = 0;
	COPY(ip + 12, &pkt->ipv4->daddr, 4);
	COPY(ip + 16, &pkt->ipv4->saddr, 4);
	checksum = (__u16)~sum_bytes(0, ip, 20);
	COPY(ip + 10, &checksum, 2);
}

static inline void put_ipv6_header(__u8 *ip, const struct packet *pkt, __u32 payload)
{
	const __u8 header[8] = { 0x60,           0, 0, 0, (__u8)(payload >> 8), (__u8)payload,
				 IPPROTO_ICMPV6, 64 };

	COPY(ip, header, 8);
	COPY(ip + 8, &pkt->ipv6->daddr, 16);
	COPY(ip + 24, &pkt->ipv6->saddr, 16);
}

/* Sum of what ICMPv6's checksum covers beside the message; RFC 8200 section 8.1. */
static inline __u16 sum_pseudo_header(const struct packet *pkt, __u32 payload)
{
	struct flow flow = flow_of(pkt);
	__u32 sum = sum_address(&flow.saddr) + sum_address(&flow.daddr);

	return fold(fold(sum) + bpf_htons((__u16)payload) + bpf_htons(IPPROTO_ICMPV6));
}

/*
 * Writes the error about a parsed packet, as it came, to `out` (ICMP_FRAME_MAX bytes). Returns
 * its length. The packet's TTL and addresses must not have been rewritten yet.
 */
static inline __u32 put_icmp_error(const struct packet *pkt, enum icmp_error error, __u16 mtu,
				   __u8 *out)
{
	const __u8 *network = pkt->is_ipv6 ? (__u8 *)pkt->ipv6 : (__u8 *)pkt->ipv4;
	__u32 link = (__u32)(network - pkt->data);
	__u32 header = pkt->is_ipv6 ? 40 : 20;
	__u32 room =
		(pkt->is_ipv6 ? ICMPV6_ERROR_MAX : ICMP_ERROR_MAX) - header - ICMP_HEADER_BYTES;
	__u32 quoted = pkt->bytes < room ? pkt->bytes : room;
	__u32 payload = ICMP_HEADER_BYTES + quoted;
	__u8 *ip = out + link;
	__u8 *icmp = ip + header;
	__u16 checksum;

	COPY(out, pkt->data + ETH_ALEN, ETH_ALEN);
	COPY(out + ETH_ALEN, pkt->data, ETH_ALEN);
	for (__u32 i = 2 * ETH_ALEN; i < link; i++)
		out[i] = pkt->data[i];
	if (pkt->is_ipv6)
		put_ipv6_header(ip, pkt, payload);
	else
		put_ipv4_header(ip, pkt, header + payload);

	put_icmp_header(icmp, (int)pkt->is_ipv6, error, mtu);
	for (__u32 i = 0; i < quoted; i++)
		icmp[ICMP_HEADER_BYTES + i] = network[i];
	checksum = (__u16)~sum_bytes(pkt->is_ipv6 ? sum_pseudo_header(pkt, payload) : 0, icmp,
				     payload);
	COPY(icmp + 2, &checksum, 2);
	return link + header + payload;
}

#endif

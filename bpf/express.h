/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/*
 * express - the journey of a packet that changes nothing
 *
 * Nearly every packet is one: it has no options and is no fragment, its connection is established,
 * and the next hop is known. What director.h makes of it step by step is made here of the same
 * parts in one straight line, which is shorter for the compiler's knowing all that. Nothing is
 * written before the packet's way is certain; any other packet begins anew in director.h. The
 * fuzzer sends packets both ways and compares.
 */
#ifndef XLVS_EXPRESS_H
#define XLVS_EXPRESS_H

#include "director.h"

enum express_limits {
	/* First byte of an IPv4 header without options: version and length. */
	PLAIN_IPV4 = 0x45,
};

/* NEXT where the packet has headers without extras, and wants no other state. */
static __always_inline int parse_plain(struct world *world, struct packet *pkt, __u8 *at,
				       int is_ipv6)
{
	__u32 header_bytes = is_ipv6 ? sizeof(struct ipv6hdr) : sizeof(struct iphdr);
	enum verdict verdict;

	if (at + header_bytes > pkt->end || (!is_ipv6 && *at != PLAIN_IPV4))
		return 0;
	verdict = is_ipv6 ? parse_ipv6_header(world, pkt, at) : parse_ipv4_header(world, pkt, at);
	if (verdict != NEXT)
		return 0;
	pkt->header_bytes = header_bytes;
	at += header_bytes;
	/* The compiler would find the next check of bounds superfluous; the verifier needs it. */
	FORGET(at);
	if (parse_ports(pkt, at, is_ipv6 ? pkt->ipv6->nexthdr : pkt->ipv4->protocol) != NEXT)
		return 0;
	return !pkt->fragment && pkt->ttl > 1;
}

/* Whether the packet leaves an established connection as it is. */
static __always_inline int is_plain_segment(const struct packet *pkt)
{
	return !pkt->is_tcp ||
	       (pkt->tcp_flags & (TCP_SYN | TCP_FIN | TCP_RST | TCP_ACK)) == TCP_ACK;
}

/* Whether the connection at the likely slot is the packet's, and stays as it is. */
static __always_inline int find_steady(struct world *world, struct journey *j)
{
	__u32 steady = j->pkt.is_tcp ? STATE_ESTABLISHED : STATE_UDP;
	__u64 client = client_of(&j->pkt, j->reply), more;

	j->slot = likely_slot(world, j->settings, hash_client(j->settings, client), &more);
	j->conn = j->slot == NO_SLOT ? 0 : connection_at(world, j->slot);
	if (!j->conn)
		return 0;
	j->state = LOAD(&j->conn->state);
	if ((j->state & (SLOT_LIFE - 1)) != (SLOT_LIVE | steady) ||
	    !has_ends(j->conn, client, far_of(&j->pkt, j->reply), j->reply))
		return 0;
	return !j->pkt.is_ipv6 || has_addresses_of(world, j);
}

/* Whether the next hop is known, and takes the packet. */
static __always_inline int has_hop(struct world *world, struct journey *j)
{
	__u32 now = present_generation(j->settings, j->now_jiffies);
	__u64 known = LOAD((word *)&j->conn->route_generation);
	__u32 index = (__u32)(known >> (j->reply ? 48 : 32)) & 0xffff;

	if ((__u32)known != generation_in(j->state, now) || !index)
		return 0;
	j->hop = next_hop_at(world, index);
	if (!j->hop)
		return 0;
	j->hop_key = LOAD(&j->hop->key);
	return j->hop_key >> 32 == now && j->pkt.bytes <= LOAD(&j->hop->mtu);
}

/* Whether the connection goes on, with the timeout that its state has. */
static __always_inline int goes_on(const struct journey *j)
{
	__u32 timeout = j->settings->timeout_jiffies[j->state % STATES_ROOM];

	return LOAD(&j->conn->timeout_jiffies) == timeout && !is_expired(j->conn, j->now_jiffies);
}

/* The way of a packet in one direction. NEXT, with nothing changed, where it is not for here. */
static __always_inline enum verdict ride(struct world *world, struct journey *j, __u64 reply)
{
	j->reply = reply;
	if (!is_plain_segment(&j->pkt) || !find_steady(world, j) || !is_for_us(world, j) ||
	    !is_plain_sound(&j->pkt))
		return NEXT;
	j->now_jiffies = read_jiffies(world);
	find_counters(world, j);
	if (!j->counters || LOAD(&j->counters->removed) || !goes_on(j) || !has_hop(world, j))
		return NEXT;
	note_seen(j);
	return forward(world, j);
}

static __always_inline enum verdict board(struct world *world, struct journey *j, __u8 *at,
					  int is_ipv6)
{
	__u32 to;

	if (!parse_plain(world, &j->pkt, at, is_ipv6))
		return NEXT;
	if (is_ipv6)
		hash_addresses(&j->pkt, j->settings);
	to = roles_of(world, j->settings, (__u32)j->pkt.target) & ADDRESS_VIRTUAL;
	if (!to && roles_of(world, j->settings, (__u32)j->pkt.source) & ADDRESS_DESTINATION)
		return ride(world, j, 1);
	if (to || LOAD(&j->settings->marks_wide))
		return ride(world, j, 0);
	return VERDICT_PASSED_NOT_OURS;
}

/* What becomes of a packet that is for here; NEXT, with nothing changed, of any other. */
static __always_inline enum verdict express(struct world *world, struct journey *j)
{
	struct journey own = {};
	enum verdict verdict = NEXT;
	__be16 proto = 0;
	__u8 *at;

	own.settings = j->settings;
	own.pkt.data = j->pkt.data;
	own.pkt.end = j->pkt.end;
	at = parse_link(&own.pkt, &proto);
	if (at && proto == bpf_htons(ETH_P_IP))
		verdict = board(world, &own, at, 0);
	else if (at && proto == bpf_htons(ETH_P_IPV6))
		verdict = board(world, &own, at, 1);
	if (verdict != NEXT)
		*j = own;
	return verdict;
}

/* A packet's whole journey. On a FORWARDED verdict it is to leave by the interface of j->hop. */
static __always_inline enum verdict travel(struct world *world, struct journey *j)
{
	enum verdict verdict = VERDICT_PASSED_NOT_OURS;

	if (!j->settings)
		return verdict;
	verdict = express(world, j);
	if (verdict != NEXT)
		return verdict;
	verdict = director(world, j);
	return j->step == STEP_NONE ? verdict : finish_cookie(world, j, verdict);
}

#endif

/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/*
 * director - one packet of a virtual service, either way
 *
 *   parse -> find_connection -> find_next_hop -> track -> forward
 *
 * A connection answers for its packets in both directions, so it is asked first. A packet
 * without one is raised to the slow path if a service wants it, and is the kernel's if not; the
 * slow path schedules it, writes the connection and runs this same function again.
 *
 * The tables are behind `struct world`: BPF maps for XDP (maps.h); the same memory, mapped, or
 * plain memory for tests and fuzzers, in the addon (native/world.h).
 */
#ifndef XLVS_DIRECTOR_H
#define XLVS_DIRECTOR_H

#include "connection.h"
#include "route.h"

struct world;

static __u32 now_jiffies(struct world *world);
static const struct settings *find_settings(struct world *world);
static struct flow_entry *find_flow(struct world *world, const struct flow *flow);
static struct connection *connection_at(struct world *world, __u32 slot);
static int has_service(struct world *world, const struct service_key *key);
static struct destination *destination_at(struct world *world, __u32 index);
static struct counters *counters_at(struct world *world, __u32 index);
static void count(__u64 *counter, __u64 amount);
/* Sum of an IPv4 header's options. */
static __u32 sum_options(struct world *world, const struct packet *pkt);
/* Fills all but the generation of the next hop towards the connection's other end. */
static int find_route(struct world *world, const struct journey *j, struct route *route);

static __always_inline int find_connection(struct world *world, struct journey *j)
{
	struct flow_entry *entry = find_flow(world, &j->pkt.flow);

	if (!entry)
		return 0;
	j->reply = entry->reply != 0;
	j->conn = connection_at(world, entry->slot);
	return j->conn && is_connection_of(j->conn, &j->pkt.flow, j->reply);
}

/*
 * A packet without a connection. TCP opens one by SYN alone (an RST beside it forbids it); any
 * packet does so for UDP.
 */
static __always_inline enum verdict match_service(struct world *world, const struct packet *pkt)
{
	struct service_key key = {};

	key.vaddr = pkt->flow.daddr;
	key.vport = pkt->flow.dport;
	key.protocol = pkt->flow.protocol;
	key.family = pkt->flow.family;
	if (!has_service(world, &key))
		return VERDICT_PASSED_NOT_OURS;
	if (pkt->is_tcp && (pkt->tcp_flags & (TCP_SYN | TCP_RST)) != TCP_SYN)
		return VERDICT_PASSED_NOT_SYN;
	return VERDICT_RAISED_NEW;
}

/* What no packet of ours may be, whichever table it was found in. */
static __always_inline enum verdict check_packet(struct world *world, const struct packet *pkt)
{
	__u32 sum;

	if (pkt->fragment)
		return VERDICT_DROPPED_FRAGMENT;
	if (pkt->is_ipv6)
		return NEXT;
	sum = sum_header(pkt->ipv4);
	if (pkt->ipv4->ihl > 5)
		sum += sum_options(world, pkt);
	return fold(sum) == 0xffff ? NEXT : VERDICT_DROPPED_HEADER_CHECKSUM;
}

static __always_inline enum verdict find_next_hop(struct world *world, struct journey *j)
{
	__u32 now = present_generation(j->settings, now_jiffies(world));
	struct route found = {};

	j->route = j->reply ? &j->conn->route_out : &j->conn->route_in;
	if (j->route->generation == now)
		return NEXT;
	found.generation = now;
	if (!find_route(world, j, &found))
		return VERDICT_RAISED_ROUTE;
	store_route(j->route, &found);
	return NEXT;
}

/* Packets that end at the director: their last hop, or too long for the next link. */
static __always_inline enum verdict check_hop(const struct journey *j)
{
	const struct packet *pkt = &j->pkt;

	/* The kernel tells the real server, which is no different from any host behind a router. */
	if (pkt->ttl <= 1)
		return j->reply ? VERDICT_PASSED_REPLY_TTL : VERDICT_RAISED_TTL;
	if (pkt->bytes > j->route->mtu)
		return VERDICT_RAISED_MTU;
	return NEXT;
}

static __always_inline enum verdict forward(struct world *world, struct journey *j)
{
	struct counters *counters = counters_at(world, j->conn->destination);
	struct packet *pkt = &j->pkt;

	j->conn->seen_jiffies = now_jiffies(world);
	if (j->reply)
		rewrite_out(pkt, j->conn);
	else if (j->conn->method == METHOD_MASQ)
		rewrite_in(pkt, j->conn);
	else
		decrement_ttl(pkt, 0);
	rewrite_link(pkt, j->route);

	if (counters && j->reply) {
		count(&counters->out_packets, 1);
		count(&counters->out_bytes, pkt->bytes);
	} else if (counters) {
		count(&counters->in_packets, 1);
		count(&counters->in_bytes, pkt->bytes);
	}
	return j->reply ? VERDICT_FORWARDED_OUT : VERDICT_FORWARDED_IN;
}

/*
 * The whole journey. On a FORWARDED verdict the packet is to leave by j->route->ifindex; on
 * RAISED_NEW j->conn is the ended connection that the packet's own is to replace, or none.
 */
static __always_inline enum verdict director(struct world *world, struct journey *j)
{
	enum verdict verdict = parse(&j->pkt);
	enum verdict checked;

	if (verdict != NEXT)
		return verdict;
	j->settings = find_settings(world);
	if (!j->settings)
		return VERDICT_PASSED_NOT_OURS;

	if (!find_connection(world, j))
		j->conn = 0;
	if (!j->conn || (!j->reply && is_reopened(&j->pkt, j->conn->state)))
		verdict = match_service(world, &j->pkt);
	if (verdict != NEXT && verdict != VERDICT_RAISED_NEW)
		return verdict;
	checked = check_packet(world, &j->pkt);
	if (checked != NEXT)
		return checked;
	if (verdict == VERDICT_RAISED_NEW)
		return verdict;

	j->destination = destination_at(world, j->conn->destination);
	if (!j->destination || (!j->destination->available && !j->reply))
		return VERDICT_DROPPED_DESTINATION_REMOVED;
	verdict = find_next_hop(world, j);
	if (verdict != NEXT)
		return verdict;
	verdict = check_hop(j);
	if (verdict != NEXT)
		return verdict;
	track(j);
	return forward(world, j);
}

#endif

/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/*
 * next_hop - the next hop of a packet: as its connection or its destination knows it, or found anew
 *
 *   the address to be reached -> find_route -> of a tunnel: its ends, and room for its headers
 */
#ifndef XLVS_NEXT_HOP_H
#define XLVS_NEXT_HOP_H

#include "route.h"
#include "track.h"

/*
 * Fills a next hop's interface, MAC addresses and MTU by the address to be reached; of a tunnel
 * also our own address towards it.
 */
static int find_route(struct world *world, struct resolution *r);
/* find_hop and keep_hop, verified by themselves. */
static int resolve_apart(struct world *world);

/* Whether a connection goes by its destination's next hop; another method is for new ones only. */
static __always_inline int shares_hop(const struct connection *conn,
				      const struct destination *destination)
{
	return LOAD(&conn->method) == LOAD(&destination->method);
}

/* Notes the address to be reached: the client's, or the destination's, of whichever family. */
static __always_inline int aim(struct world *world, struct resolution *r,
			       const struct connection *conn, const struct destination *destination)
{
	const struct connection_addresses *line;
	__u32 caddr = LOAD(&conn->caddr);

	__builtin_memset(&r->target, 0, sizeof(r->target));
	r->tunnelled = !r->reply && LOAD(&conn->method) == METHOD_TUNNEL;
	r->family = r->is_ipv6 ? FAMILY_IPV6 : FAMILY_IPV4;
	if (!r->reply) {
		r->family = destination->family;
		copy_address(&r->target, &destination->daddr);
		return 1;
	}
	if (!r->is_ipv6) {
		*(word *)&r->target = caddr;
		return 1;
	}
	line = (const struct connection_addresses *)connection_at(world, r->slot + 1);
	if (line)
		load_address(&r->target, &line->caddr);
	return line != 0;
}

/* Of a tunnel a next hop has both ends, and room for what they put in front. */
static __always_inline void finish_hop(struct resolution *r, const struct destination *destination)
{
	struct next_hop *hop = &r->hop;
	__u32 taken;

	if (!r->tunnelled) {
		__builtin_memset(&hop->saddr, 0, sizeof(hop->saddr));
		return;
	}
	copy_address(&hop->daddr, &r->target);
	hop->family = (__u8)r->family;
	hop->tunnel = destination->tunnel;
	hop->tunnel_checksum = destination->tunnel_checksum;
	hop->tunnel_port = destination->tunnel_port;
	taken = tunnel_bytes(hop);
	hop->mtu = hop->mtu > taken ? hop->mtu - taken : 1;
}

/* Finds the next hop anew. What it notes of the connection is read in one life of that. */
static __always_inline int find_hop(struct world *world, struct resolution *r)
{
	const struct connection *conn = connection_at(world, r->slot);
	const struct destination *destination;

	r->destination = conn ? LOAD(&conn->destination) : 0;
	destination = destination_at(world, r->destination);
	if (!conn || !destination)
		return 0;
	r->is_shared = !r->reply && shares_hop(conn, destination);
	if (!aim(world, r, conn, destination) || !find_route(world, r) || !is_alive(conn, r->state))
		return 0;
	finish_hop(r, destination);
	return 1;
}

/*
 * Notes the next hop that was found in the connection, and in its destination if it leads there
 * and is reached by that method still.
 */
static __always_inline int keep_hop(struct world *world, struct resolution *r)
{
	struct connection *conn = connection_at(world, r->slot);
	struct destination *destination = destination_at(world, r->destination);
	__u32 index = index_of_hop(world, &r->hop);
	__u64 found = r->hop.key >> 32 | (__u64)index << 32;

	r->index = index;
	if (!conn || !destination || !is_shared_hop(index))
		return 1;
	store_hop(conn, r->state, found, (int)r->reply);
	if (r->is_shared)
		STORE((word *)&destination->route_generation, found);
	return 1;
}

/* The index of the next hop that is known for the packet's direction; 0 for none. */
static __always_inline __u32 known_hop(const struct journey *j,
				       const struct destination *destination, __u32 generation)
{
	__u64 known = LOAD((word *)&j->conn->route_generation);
	__u32 index = (__u32)(known >> (j->reply ? 48 : 32)) & 0xffff;

	if ((__u32)known == generation_in(j->state, generation) && index)
		return index;
	if (j->reply || !shares_hop(j->conn, destination))
		return 0;
	known = LOAD((word *)&destination->route_generation);
	index = (__u32)known == generation ? (__u32)(known >> 32) : 0;
	if (index)
		store_hop(j->conn, j->state, known, 0);
	return index;
}

static __always_inline enum verdict find_next_hop(struct world *world, struct journey *j,
						  const struct destination *destination)
{
	__u32 now = present_generation(j->settings, j->now_jiffies);
	__u32 index = known_hop(j, destination, now);
	struct resolution *r = &j->notes->resolution;

	j->hop = next_hop_at(world, index);
	if (index && j->hop) {
		j->hop_key = LOAD(&j->hop->key);
		if (j->hop_key >> 32 == now)
			return NEXT;
	}
	r->slot = j->slot;
	r->state = j->state;
	r->protocol = j->pkt.protocol;
	r->is_ipv6 = j->pkt.is_ipv6;
	r->reply = j->reply;
	__builtin_memset(&r->hop, 0, sizeof(r->hop));
	r->hop.key = (__u64)now << 32;
	if (!resolve_apart(world))
		return VERDICT_RAISED_ROUTE;
	j->hop = next_hop_at(world, r->index);
	j->hop_key = r->hop.key;
	return j->hop ? NEXT : VERDICT_RAISED_ROUTE;
}

/* Packets that end at the director: their last hop, or too long for the next link. */
static __always_inline enum verdict check_hop(const struct journey *j)
{
	const struct packet *pkt = &j->pkt;

	/* The kernel tells the real server, which is no different from any host behind a router. */
	if (pkt->ttl <= 1)
		return j->reply ? VERDICT_PASSED_REPLY_TTL : VERDICT_RAISED_TTL;
	if (pkt->bytes > LOAD(&j->hop->mtu))
		return VERDICT_RAISED_MTU;
	return NEXT;
}

#endif

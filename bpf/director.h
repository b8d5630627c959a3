/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/*
 * director - one packet of a virtual service, either way
 *
 *   parse -> find_connection -> is_for_us -> (match_service -> open) -> find_next_hop
 *         -> track -> forward
 *
 * A connection answers for its packets in both directions, so it is asked first. A packet
 * without one that a service wants opens its connection by ticket; where there is none, or the
 * service's scheduler wants to decide itself, it is raised to the slow path, which schedules it
 * and runs this same function again. All else is the kernel's.
 *
 * The tables are behind `struct world`: BPF maps for XDP (maps.h); the same memory, mapped, or
 * plain memory for tests and fuzzers, in the addon (native/world.h).
 */
#ifndef XLVS_DIRECTOR_H
#define XLVS_DIRECTOR_H

#include "opening.h"
#include "route.h"

static const __u64 *address_word_at(struct world *world, __u32 index);
/* The interface that the packet came by. */
static __u32 ingress_of(struct world *world);
static const struct station_line *stations_at(struct world *world, __u32 line);
/* Where TypeScript has sent the packet's connection already; NO_DESTINATION in XDP. */
static __u32 decided_destination(struct world *world);
/* Sum of an IPv4 header's options. */
static __u32 sum_options(struct world *world, const struct packet *pkt);
/* Fills all but the generation of the next hop towards the connection's other end. */
static int find_route(struct world *world, struct resolution *r);
/* The parts beside the path of most packets, as XDP has them verified: by themselves. */
static __u32 search_all(struct world *world);
static enum verdict open_apart(struct world *world);
static int resolve_apart(struct world *world);

/*
 * The two bits of an address, which it may share with others: in a table that is as small as our
 * addresses allow, since most packets without a connection come from addresses never seen before.
 */
static __always_inline __u32 address_cell(const struct settings *settings, __u32 address)
{
	__u64 hash = address * (settings->hash_keys[2] | 1);
	__u32 cells = LOAD(&settings->address_words) * 32;

	return cells + (__u32)((hash >> 32) * cells >> 32);
}

/* What an address is to us, or may be. */
static __always_inline __u32 roles_of(struct world *world, const struct settings *settings,
				      __u32 address)
{
	__u32 cell = address_cell(settings, address);
	const __u64 *roles = address_word_at(world, cell / 32);

	return roles ? (__u32)(LOAD(roles) >> (cell % 32 * 2)) & 3 : 0;
}

static __always_inline void hash_addresses(struct packet *pkt, const struct settings *settings)
{
	struct address saddr, daddr;

	COPY(&saddr, &pkt->ipv6->saddr, 16);
	COPY(&daddr, &pkt->ipv6->daddr, 16);
	pkt->source |= hash_address(settings, &saddr);
	pkt->target |= hash_address(settings, &daddr);
}

/* The client's end of the packet, as the first word of its connection. */
static __always_inline __u64 client_of(const struct packet *pkt, __u64 reply)
{
	__u64 kind = pkt->protocol | (pkt->is_ipv6 ? FAMILY_IPV6 << 8 : FAMILY_IPV4 << 8);

	return (reply ? pkt->target : pkt->source) | kind << 48;
}

static __always_inline __u64 far_of(const struct packet *pkt, __u64 reply)
{
	return reply ? pkt->source : pkt->target;
}

/* Notes what the packet's connection is to be looked for by, in this direction. */
static __always_inline void note_key(struct journey *j, __u64 reply)
{
	const struct packet *pkt = &j->pkt;
	struct search *search = &j->notes->opening.search;

	search->client = client_of(pkt, reply);
	search->far = far_of(pkt, reply);
	search->hash = hash_client(j->settings, search->client);
	search->is_ipv6 = pkt->is_ipv6;
	search->reply = reply;
	if (!pkt->is_ipv6)
		return;
	COPY(&search->client_address, reply ? &pkt->ipv6->daddr : &pkt->ipv6->saddr, 16);
	COPY(&search->far_address, reply ? &pkt->ipv6->saddr : &pkt->ipv6->daddr, 16);
}

/* Looks everywhere, for the few that are not where the first tag points to. */
static __always_inline struct connection *find_apart(struct world *world, struct journey *j,
						     __u64 reply)
{
	note_key(j, reply);
	j->slot = search_all(world);
	j->state = j->notes->opening.search.state;
	return j->slot == NO_SLOT ? 0 : connection_at(world, j->slot);
}

/*
 * The slot that the first fitting tag of the two buckets points to: nearly always the connection
 * is there, or nowhere. NO_SLOT where no tag fits; *more when there are others to be looked at.
 */
static __always_inline __u32 likely_slot(struct world *world, const struct settings *settings,
					 __u64 hash, __u64 *more)
{
	__u32 bucket = first_bucket(settings, hash);
	__u64 *at = bucket_at(world, bucket);
	__u64 lanes = at ? lanes_with(LOAD(at), tag_of(hash)) : 0;

	*more = 1;
	if (!lanes && at) {
		*more = LOAD(at) >> OVERFLOW_SHIFT;
		bucket = second_bucket(settings, hash);
		at = bucket_at(world, bucket);
		lanes = at ? lanes_with(LOAD(at), tag_of(hash)) : 0;
		*more |= lanes;
	}
	return lanes ? bucket * WAYS + lowest_lane(lanes) : NO_SLOT;
}

/* Whether an IPv6 packet's addresses are those of the connection in the slot. */
static __always_inline int has_addresses_of(struct world *world, const struct journey *j)
{
	const struct address *saddr = (const struct address *)&j->pkt.ipv6->saddr;
	const struct address *daddr = (const struct address *)&j->pkt.ipv6->daddr;
	struct address_ends ends = { j->reply ? daddr : saddr, j->reply ? saddr : daddr, j->reply };

	return has_addresses(world, j->slot, &ends);
}

static __always_inline struct connection *find_by(struct world *world, struct journey *j,
						  __u64 reply)
{
	const struct packet *pkt = &j->pkt;
	__u64 client = client_of(pkt, reply);
	struct connection *conn = 0;
	__u64 more;

	j->slot = likely_slot(world, j->settings, hash_client(j->settings, client), &more);
	if (j->slot != NO_SLOT)
		conn = connection_at(world, j->slot);
	/* Before all else of it: what is read under another life is another connection's. */
	j->state = conn ? LOAD(&conn->state) : 0;
	if (!conn || (j->state & SLOT_PHASE) != SLOT_LIVE ||
	    !has_ends(conn, client, far_of(pkt, reply), reply))
		return more ? find_apart(world, j, reply) : 0;
	if (pkt->is_ipv6 && !has_addresses_of(world, j))
		return find_apart(world, j, reply);
	return conn;
}

/* NEXT with j->conn, or without where the packet may open a connection. */
static __always_inline enum verdict find_connection(struct world *world, struct journey *j)
{
	__u32 to = roles_of(world, j->settings, (__u32)j->pkt.target) & ADDRESS_VIRTUAL;

	j->reply = !to;
	FORGET(j->reply);
	if (j->reply && !(roles_of(world, j->settings, (__u32)j->pkt.source) & ADDRESS_DESTINATION))
		return VERDICT_PASSED_NOT_OURS;
	j->conn = find_by(world, j, j->reply);
	if (!j->conn && !j->reply &&
	    roles_of(world, j->settings, (__u32)j->pkt.source) & ADDRESS_DESTINATION) {
		/* A real server that is a client too. */
		j->conn = find_apart(world, j, 1);
		j->reply = j->conn != 0;
		FORGET(j->reply);
	}
	FORGET(j->slot);
	return j->conn || to ? NEXT : VERDICT_PASSED_NOT_OURS;
}

/* Where a station stands, in the map of stations. */
static __always_inline __u32 line_of_station(__u64 station)
{
	return (__u32)(station * 0x9e3779b97f4a7c15ULL >> 54) % STATION_LINES;
}

/*
 * Whether the frame was sent to its interface's own MAC address, and not merely flooded here by a
 * switch that did not know better: whoever it was sent to gets it too.
 */
static __always_inline int is_for_us(struct world *world, const struct journey *j)
{
	__u64 mac = *(const packet_word *)j->pkt.data & 0xffffffffffffULL;
	__u64 station = mac | (__u64)ingress_of(world) << 48;
	const struct station_line *line;
	int is_ours = 0;

	if (!j->settings->own_stations_only)
		return 1;
	line = stations_at(world, line_of_station(station));
	for (int i = 0; i < STATIONS_PER_LINE; i++)
		is_ours |= line && LOAD(&line->station[i]) == station;
	return is_ours;
}

/* Whether the checksum of a header without options is right. */
static __always_inline int is_plain_sound(const struct packet *pkt)
{
	return pkt->is_ipv6 || fold(sum_header(pkt->ipv4)) == 0xffff;
}

/* Whether the header's checksum is right; the kernel would drop such a packet too. */
static __always_inline int is_sound(struct world *world, const struct packet *pkt)
{
	if (pkt->is_ipv6 || pkt->ipv4->ihl == 5)
		return is_plain_sound(pkt);
	return fold(sum_header(pkt->ipv4) + sum_options(world, pkt)) == 0xffff;
}

/* j->conn, if there is one, has ended, and the packet's own is to replace it. */
static __always_inline enum verdict open_for(struct world *world, struct journey *j)
{
	struct opening *o = &j->notes->opening;
	enum verdict verdict;

	note_key(j, 0);
	o->segment = segment_of(&j->pkt, VIEW_IN);
	o->fragment = j->pkt.fragment;
	o->now_jiffies = j->now_jiffies;
	o->ended_slot = j->slot;
	o->ended_state = j->conn ? j->state : 0;
	o->destination = decided_destination(world);
	o->flags = 0;
	o->sequence = 0;
	o->timestamp = 0;
	o->is_met = 0;
	verdict = open_apart(world);
	if (verdict == VERDICT_ANSWERED_COOKIE) {
		verdict = meet_stranger(world, j);
		if (verdict == NEXT)
			verdict = open_apart(world);
	}
	if (verdict != NEXT)
		return verdict;
	j->slot = o->search.slot;
	j->conn = connection_at(world, j->slot);
	j->state = o->search.state;
	return NEXT;
}

/*
 * Finds the next hop anew, and notes it in the connection, and its destination if it leads there.
 */
static __always_inline int resolve(struct world *world, struct resolution *r)
{
	struct connection *conn = connection_at(world, r->slot);
	__u32 generation = (__u32)(r->hop.key >> 32);
	struct destination *destination = 0;
	__u32 index;
	__u64 found;

	if (conn && !r->reply)
		destination = destination_at(world, LOAD(&conn->destination));
	if (!conn || !find_route(world, r) || !is_alive(conn, r->state))
		return 0;
	index = index_of_hop(world, &r->hop);
	found = generation | (__u64)index << 32;
	r->index = index;
	if (!is_shared_hop(index))
		return 1;
	store_hop(conn, r->state, found, (int)r->reply);
	if (destination)
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
	if (j->reply)
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

/* The address and port, and the checksum differences, that the packet gets. */
static __always_inline int read_rewriting(struct world *world, const struct journey *j,
					  struct rewriting *to)
{
	const word *words = (const word *)j->conn;
	__u64 virtual_end = LOAD(&words[WORD_VIRTUAL]);
	__u64 destination_end = LOAD(&words[WORD_DESTINATION]);
	__u64 end = j->reply ? virtual_end : destination_end;
	struct connection_addresses *line;

	to->address4 = (__u32)end;
	to->port = (__be16)(end >> 32);
	to->address_delta = (__u16)(virtual_end >> 48);
	to->transport_delta = (__u16)(destination_end >> 48);
	to->address6 = (struct address){};
	if (!j->pkt.is_ipv6)
		return 1;
	line = (struct connection_addresses *)connection_at(world, j->slot + 1);
	if (line)
		load_address(&to->address6, j->reply ? &line->vaddr : &line->daddr);
	return line != 0;
}

static __always_inline void find_counters(struct world *world, struct journey *j)
{
	j->counters = counters_at(world, j->settings, LOAD(&j->conn->destination));
}

static __always_inline enum verdict forward(struct world *world, struct journey *j)
{
	struct counters *counters = j->counters;
	__u8 method = LOAD(&j->conn->method);
	const word *words = (const word *)j->hop;
	struct packet *pkt = &j->pkt;
	struct link link = { LOAD(&words[1]), LOAD(&words[2]) };
	struct rewriting to;

	if (!read_rewriting(world, j, &to))
		return VERDICT_RAISED_NEW;
	/* Meanwhile the routes have changed, and it is another neighbour's. */
	if (LOAD(&j->hop->key) != j->hop_key)
		return VERDICT_RAISED_ROUTE;
	/* Another life: what was read is of two connections. Looked at anew, it is somebody's. */
	if (!is_alive(j->conn, j->state))
		return VERDICT_RAISED_NEW;
	if (j->reply)
		rewrite_out(pkt, &to);
	else if (method == METHOD_MASQ)
		rewrite_in(pkt, &to);
	else
		decrement_ttl(pkt, 0);
	rewrite_link(pkt, &link);

	if (counters && j->reply) {
		count(&counters->out_packets, 1);
		count(&counters->out_bytes, pkt->bytes);
	} else if (counters) {
		count(&counters->in_packets, 1);
		count(&counters->in_bytes, pkt->bytes);
	}
	return j->reply ? VERDICT_FORWARDED_OUT : VERDICT_FORWARDED_IN;
}

/* The whole journey. On a FORWARDED verdict the packet is to leave by the interface of j->hop. */
static __always_inline enum verdict director(struct world *world, struct journey *j)
{
	enum verdict verdict = parse(world, &j->pkt);
	const struct destination *destination;

	if (verdict != NEXT)
		return verdict;
	j->notes = notes_of(world);
	if (!j->settings || !j->notes)
		return VERDICT_PASSED_NOT_OURS;
	if (j->pkt.is_ipv6)
		hash_addresses(&j->pkt, j->settings);
	verdict = find_connection(world, j);
	if (verdict != NEXT)
		return verdict;

	if (!is_for_us(world, j))
		return VERDICT_PASSED_OTHER_HOST;
	if (!is_sound(world, &j->pkt))
		return VERDICT_DROPPED_HEADER_CHECKSUM;
	j->now_jiffies = read_jiffies(world);
	destination = j->conn ? destination_at(world, LOAD(&j->conn->destination)) : 0;
	if (!destination || is_expired(j->conn, j->now_jiffies) || is_rescheduled(j, destination)) {
		verdict = open_for(world, j);
		if (verdict != NEXT)
			return verdict;
		destination = j->conn ? destination_at(world, LOAD(&j->conn->destination)) : 0;
		if (!destination)
			return VERDICT_RAISED_NEW;
	} else if (j->pkt.fragment) {
		return VERDICT_DROPPED_FRAGMENT;
	}
	if (!LOAD(&destination->available) && !j->reply)
		return VERDICT_DROPPED_DESTINATION_REMOVED;
	if (j->state & SLOT_COOKIE) {
		verdict = follow_cookie(world, j);
		if (verdict != NEXT)
			return verdict;
	}
	verdict = find_next_hop(world, j, destination);
	if (verdict != NEXT)
		return verdict;
	verdict = check_hop(j);
	if (verdict != NEXT)
		return verdict;
	j->state = track(world, j);
	if (!j->state)
		return VERDICT_RAISED_NEW;
	find_counters(world, j);
	return forward(world, j);
}

#endif

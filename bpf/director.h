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

#include "next_hop.h"
#include "opening.h"

static const __u64 *address_word_at(struct world *world, __u32 index);
static const struct station_line *stations_at(struct world *world, __u32 line);
/* Sum of an IPv4 header's options. */
static __u32 sum_options(struct world *world, const struct packet *pkt);
/* The parts beside the path of most packets, as XDP has them verified: by themselves. */
static __u32 classify_apart(struct world *world);
static __u32 search_all(struct world *world);
static enum verdict open_apart(struct world *world);
static int encapsulate_apart(struct world *world);

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

/*
 * NEXT with j->conn, or without where the packet may open a connection: to an address of ours,
 * or, where mark rules are that wide, to any.
 */
static __always_inline enum verdict find_connection(struct world *world, struct journey *j)
{
	j->reply = !(roles_of(world, j->settings, (__u32)j->pkt.target) & ADDRESS_VIRTUAL);
	if (j->reply &&
	    !(roles_of(world, j->settings, (__u32)j->pkt.source) & ADDRESS_DESTINATION)) {
		if (!j->settings->marks_wide)
			return VERDICT_PASSED_NOT_OURS;
		j->reply = 0;
	}
	FORGET(j->reply);
	j->conn = find_by(world, j, j->reply);
	if (!j->conn && (!j->reply || j->settings->marks_wide) &&
	    roles_of(world, j->settings, (__u32)j->pkt.source) & ADDRESS_DESTINATION) {
		/* A real server that is a client too. */
		j->conn = find_apart(world, j, !j->reply);
		j->reply = j->conn && !j->reply;
		FORGET(j->reply);
	}
	FORGET(j->slot);
	return j->conn || !j->reply ? NEXT : VERDICT_PASSED_NOT_OURS;
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
	o->mark = LOAD(&j->settings->marks) ? classify_apart(world) : 0;
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
	o->stage = STAGE_PLAIN;
	verdict = open_apart(world);
	if (verdict == VERDICT_ANSWERED_COOKIE) {
		verdict = meet_stranger(world, j);
		if (verdict == NEXT)
			verdict = open_apart(world);
	}
	/* Its template is there: the connection itself. */
	if (verdict == NEXT && o->stage == STAGE_TEMPLATE)
		verdict = open_apart(world);
	if (verdict != NEXT)
		return verdict;
	j->slot = o->search.slot;
	j->conn = connection_at(world, j->slot);
	j->state = o->search.state;
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

/* NEXT when what was read of next hop and connection holds together, to be written. */
static __always_inline enum verdict check_read(const struct journey *j)
{
	/* Meanwhile the routes have changed, and it is another neighbour's. */
	if (LOAD(&j->hop->key) != j->hop_key)
		return VERDICT_RAISED_ROUTE;
	/* Another life: what was read is of two connections. Looked at anew, it is somebody's. */
	return is_alive(j->conn, j->state) ? NEXT : VERDICT_RAISED_NEW;
}

static __always_inline void count_packet(const struct journey *j)
{
	struct counters *counters = j->counters;

	if (counters && j->reply) {
		count(&counters->out_packets, 1);
		count(&counters->out_bytes, j->pkt.bytes);
	} else if (counters) {
		count(&counters->in_packets, 1);
		count(&counters->in_bytes, j->pkt.bytes);
	}
}

/* The packet leaves as it is, but for its TTL, in another one. */
static __always_inline enum verdict forward_in_tunnel(struct world *world, struct journey *j)
{
	struct notes *notes = notes_of(world);
	enum verdict verdict;

	if (!notes)
		return VERDICT_DROPPED_TUNNEL;
	copy_hop(&notes->parcel.hop, j->hop);
	verdict = check_read(j);
	if (verdict != NEXT)
		return verdict;
	decrement_ttl(&j->pkt, 0);
	note_parcel(&notes->parcel, &j->pkt, LOAD(&j->settings->pmtu_disc));
	count_packet(j);
	return encapsulate_apart(world) ? VERDICT_FORWARDED_IN : VERDICT_DROPPED_TUNNEL;
}

static __always_inline enum verdict forward(struct world *world, struct journey *j)
{
	__u8 method = LOAD(&j->conn->method);
	const word *words = (const word *)j->hop;
	struct packet *pkt = &j->pkt;
	struct link link = { LOAD(&words[1]), LOAD(&words[2]) };
	struct rewriting to;
	enum verdict verdict;

	if (method == METHOD_TUNNEL)
		return forward_in_tunnel(world, j);
	if (!read_rewriting(world, j, &to))
		return VERDICT_RAISED_NEW;
	verdict = check_read(j);
	if (verdict != NEXT)
		return verdict;
	if (j->reply)
		rewrite_out(pkt, &to);
	else if (method == METHOD_MASQ)
		rewrite_in(pkt, &to);
	else
		decrement_ttl(pkt, 0);
	rewrite_link(pkt, &link);
	count_packet(j);
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

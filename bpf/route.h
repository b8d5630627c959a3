/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/*
 * route - the next hop of a connection, in each direction
 *
 * A connection holds indices of next hops ready to write: interface, MAC addresses, MTU, and the
 * ends of the tunnel where one leads to the destination. They hold as long as the settings' route
 * generation is the one they were found under. The daemon raises it whenever a link, address,
 * route or neighbour changes; the next packet of each connection then looks its next hop up again,
 * so a gateway that moves takes the existing connections along.
 *
 * With the daemon dead nobody raises it: then next hops are looked up again every second.
 */
#ifndef XLVS_ROUTE_H
#define XLVS_ROUTE_H

#include "table.h"

static struct next_hop *next_hop_at(struct world *world, __u32 index);
/* The element of next hops that this CPU or thread has to itself. */
static __u32 own_next_hop(struct world *world);

enum next_hop_search {
	NEXT_HOP_TRIES = 8,
	/* Interface in the key of an entry that is being written. */
	NEXT_HOP_BUSY = 0xffffffff,
	/* The first of them is the key. */
	NEXT_HOP_WORDS = sizeof(struct next_hop) / 8,
};

static __always_inline int is_daemon_silent(const struct settings *settings, __u32 now_jiffies,
					    __u32 seconds)
{
	__s32 silent_jiffies = (__s32)(now_jiffies - LOAD(&settings->heartbeat_jiffies));

	return silent_jiffies > (__s32)(seconds * settings->hz);
}

static __always_inline __u32 present_generation(const struct settings *settings, __u32 now_jiffies)
{
	__u32 silent_jiffies = now_jiffies - LOAD(&settings->heartbeat_jiffies);

	if (!settings->hz || !is_daemon_silent(settings, now_jiffies, 2))
		return LOAD(&settings->route_generation);
	return ~(silent_jiffies / settings->hz);
}

/* All of a next hop but its key. */
static __always_inline void copy_hop(struct next_hop *to, const struct next_hop *from)
{
	const word *source = (const word *)from;
	word *target = (word *)to;

	for (__u32 i = 1; i < NEXT_HOP_WORDS; i++)
		STORE(&target[i], LOAD(&source[i]));
}

static __always_inline int is_same_hop(const struct next_hop *a, const struct next_hop *b)
{
	const word *left = (const word *)a, *right = (const word *)b;
	__u64 difference = 0;

	for (__u32 i = 1; i < NEXT_HOP_WORDS; i++)
		difference |= LOAD(&left[i]) ^ LOAD(&right[i]);
	return difference == 0;
}

static __always_inline __u64 hash_hop(const struct next_hop *hop)
{
	const word *words = (const word *)hop;
	__u64 hash = 0;

	for (__u32 i = 0; i < NEXT_HOP_WORDS; i++)
		hash = (hash ^ words[i]) * 0x9e3779b97f4a7c15ULL;
	return hash;
}

/*
 * The index under which others find this next hop too; the own element, which nobody else may
 * go by, when the table is full of the present generation's. Entries of earlier generations are
 * free, since no connection goes by them; whoever has looked its next hop up under an earlier
 * one itself leaves the entries alone.
 */
static __always_inline __u32 index_of_hop(struct world *world, const struct next_hop *hop)
{
	const struct settings *settings = find_settings(world);
	__u64 hash = hash_hop(hop);
	__u64 busy = hop->key | NEXT_HOP_BUSY;
	struct next_hop *own;

	NO_UNROLL
	for (__u32 i = 0; i < NEXT_HOP_TRIES; i++) {
		__u32 index = ((__u32)(hash >> 40) + i) % (MAX_NEXT_HOPS - OWN_NEXT_HOPS);
		struct next_hop *entry = next_hop_at(world, index);
		__u64 key = entry ? LOAD(&entry->key) : 0;

		if (!entry || index == 0 || (__u32)key == NEXT_HOP_BUSY)
			continue;
		if (key == hop->key && is_same_hop(entry, hop))
			return index;
		if (key >> 32 == hop->key >> 32 || SWAP_IF(&entry->key, key, busy) != key)
			continue;
		if (!settings || present_generation(settings, read_jiffies(world)) != busy >> 32) {
			EXCHANGE(&entry->key, key);
			break;
		}
		copy_hop(entry, hop);
		EXCHANGE(&entry->key, hop->key);
		return index;
	}
	own = next_hop_at(world, own_next_hop(world));
	if (own)
		*own = *hop;
	return own_next_hop(world);
}

/* Whether connections may hold the index. */
static __always_inline int is_shared_hop(__u32 index)
{
	return index < MAX_NEXT_HOPS - OWN_NEXT_HOPS;
}

/*
 * What tells that a connection's next hops hold: the route generation, mixed with the life of the
 * slot. So what is noted late, for the connection before it, tells nothing.
 */
static __always_inline __u32 generation_in(__u32 state, __u32 generation)
{
	return generation ^ (state & ~(__u32)(SLOT_LIFE - 1));
}

/*
 * Notes a next hop, generation and index in one word, in the connection whose state word was this;
 * the other direction's goes with its generation.
 */
static __always_inline void store_hop(struct connection *conn, __u32 state, __u64 hop, int reply)
{
	__u32 generation = generation_in(state, (__u32)hop);
	word *at = (word *)&conn->route_generation;
	__u64 old = LOAD(at);
	__u64 kept = (__u32)old == generation ? old : generation;
	int shift = reply ? 48 : 32;

	/* Where two CPUs store at once, one direction is looked up once more. */
	if (is_alive(conn, state))
		SWAP_IF(at, old, (kept & ~(0xffffULL << shift)) | hop >> 32 << shift);
}

#endif

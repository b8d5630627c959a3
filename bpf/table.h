/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/*
 * table - the connection table, shared by XDP on every CPU, C++ and TypeScript
 *
 *   client's endpoint --keyed hash--> two buckets --tag--> slot --> struct connection
 *
 *   bucket, one word:   | overflow | tag 6 | ... | tag 1 | tag 0 |     8 bits each
 *   slots, a line each: bucket * 7 + 0 ... bucket * 7 + 6
 *
 * A connection is in one of two buckets, chosen by the client's address, port and protocol, and
 * so is found from both directions: the client's packets have that endpoint as their source,
 * replies as their target. The bucket's word tells by 7 bits of the hash which of its slots are
 * worth a look, so a search reads one cache line of connections, and one that finds nothing reads
 * none. An IPv6 connection takes two neighbouring slots, the second one tagged CONTINUED.
 *
 * Where both buckets are full, the connection goes to one of the buckets behind its first, and
 * the first counts that in its overflow: so a client endpoint may have any number of connections,
 * and nobody else pays for them.
 *
 * Everybody inserts without a lock:
 *
 *   claim     take a free slot by compare-and-swap of the bucket's word: FREE
 *   write     the key; publish it by exchange:                           CLAIMED
 *   contest   look for rivals with the same key. One that has won already wins; of those that
 *             have not, the lower slot does, and takes the other's claim away by compare-and-swap
 *   win       by compare-and-swap:                                       OPENING
 *   live      when it has its destination:                               LIVE
 *
 * Of two that claim the same key at once, the later to publish sees the other; so at most one
 * gets past its contest. Whoever frees a slot swaps its state word first, and so does it alone.
 * A reader remembers the state word that it found: when the life in it is another at the end, the
 * connection was somebody else's meanwhile.
 */
#ifndef XLVS_TABLE_H
#define XLVS_TABLE_H

#include "target.h"

struct world;

static __u64 *bucket_at(struct world *world, __u32 bucket);
static struct connection *connection_at(struct world *world, __u32 slot);
/* Runs step(0), step(1) ... until one answers 1, at most `times`. */
static void repeat(__u32 times, long (*step)(__u32 turn, void *context), void *context);

#define LANES 0x0001010101010101ULL
#define LANE_TOPS 0x0080808080808080ULL
#define NO_SLOT 0xffffffffu

/* The ends of a connection, by the number of their word. */
enum connection_word {
	WORD_CLIENT = 0,
	WORD_VIRTUAL = 1,
	WORD_DESTINATION = 6,
	/* Of what is controlled, and of what controls; see template.h. */
	WORD_CONTROL = 7,
};

enum bucket_word {
	/* Tags have the top bit set; this one marks the second slot of an IPv6 connection. */
	TAG_CONTINUED = 0xff,
	OVERFLOW_SHIFT = 56,
	OVERFLOW_MOST = 0xff,
	/* How often a compare-and-swap is tried again when others change the word. */
	SWAP_TRIES = 16,
};

/* What a connection is looked for by, and what was found. One for each CPU or thread. */
struct search {
	/* First word of the connection: address, port, protocol and family of the client. */
	__u64 client;
	/* Address and port of the other end: virtual, or, of a reply, the destination's. */
	__u64 far;
	__u64 hash;
	__u64 is_ipv6;
	__u64 reply;
	/* Of IPv6 only. */
	struct address client_address;
	struct address far_address;
	/* What was found, or taken. */
	__u32 slot;
	/* The state word under which it was found. */
	__u32 state;
	/* Of a contest: the own slot. */
	__u32 own;
	__u32 lost;
};

static struct search *search_of(struct world *world);
static const struct settings *find_settings(struct world *world);
static __u32 read_jiffies(struct world *world);

/* Whether an address in the table is the wanted one. */
static __always_inline int is_address(const struct address *stored, const struct address *wanted)
{
	const word *words = (const word *)stored;
	__u64 want[2];

	COPY(want, wanted, 16);
	return LOAD(&words[0]) == want[0] && LOAD(&words[1]) == want[1];
}

static __always_inline void store_address(struct address *to, const struct address *from)
{
	word *words = (word *)to;
	__u64 value[2];

	COPY(value, from, 16);
	STORE(&words[0], value[0]);
	STORE(&words[1], value[1]);
}

/* The same where nobody else looks; both stand at words. */
static __always_inline void copy_address(struct address *to, const struct address *from)
{
	const word *source = (const word *)from;
	word *target = (word *)to;

	target[0] = source[0];
	target[1] = source[1];
}

static __always_inline void load_address(struct address *to, const struct address *from)
{
	const word *words = (const word *)from;
	__u64 value[2] = { LOAD(&words[0]), LOAD(&words[1]) };

	COPY(to, value, 16);
}

/*
 * 32 bits of an IPv6 address. Strongly universal: without the keys no two addresses are likelier
 * than 2^-32 to be equal (Dietzfelbinger; Lemire and Kaser, "Strongly universal string hashing").
 */
static __always_inline __u32 hash_address(const struct settings *settings,
					  const struct address *address)
{
	const __u64 *keys = settings->hash_keys;
	__u32 words[4];

	COPY(words, address, 16);
	return (__u32)((keys[0] + keys[4] * words[0] + keys[5] * words[1] + keys[6] * words[2] +
			keys[7] * words[3]) >>
		       32);
}

/* The same for a client's endpoint, mixed on so that knowing some of its collisions tells none. */
static __always_inline __u64 hash_client(const struct settings *settings, __u64 client)
{
	const __u64 *keys = settings->hash_keys;
	__u64 hash = keys[0] + keys[1] * (__u32)client + keys[2] * (client >> 32);

	hash = (hash ^ hash >> 32) * (keys[3] | 1);
	hash = (hash ^ hash >> 29) * (keys[1] | 1);
	return hash ^ hash >> 32;
}

static __always_inline __u32 first_bucket(const struct settings *settings, __u64 hash)
{
	return (__u32)((hash >> 32) * settings->buckets >> 32);
}

static __always_inline __u32 second_bucket(const struct settings *settings, __u64 hash)
{
	return (__u32)((hash & 0xffffffff) * settings->buckets >> 32);
}

static __always_inline __u64 tag_of(__u64 hash)
{
	__u64 tag = 0x80 | (hash & 0x7f);

	return tag == TAG_CONTINUED ? TAG_CONTINUED - 1 : tag;
}

/* Top bits of the lanes that may hold the tag: all that do, and rarely one behind such a lane. */
static __always_inline __u64 lanes_with(__u64 bucket, __u64 tag)
{
	__u64 differs = bucket ^ tag * LANES;

	return (differs - LANES) & ~differs & LANE_TOPS;
}

static __always_inline __u64 free_lanes(__u64 bucket)
{
	return ~bucket & LANE_TOPS;
}

/* Number of lanes of such a mask. */
static __always_inline __u32 count_lanes(__u64 lanes)
{
	return (__u32)((lanes >> 7) * (LANES << 8 | 1) >> 56);
}

/* Number of the lowest lane of a mask that has one. */
static __always_inline __u32 lowest_lane(__u64 lanes)
{
	__u64 lowest = lanes & -lanes;

	return (__u32)((lowest >> 7) * 0x0001020304050607ULL >> 56) & 7;
}

/*
 * Whether the connection's ends are these, whatever its phase: the client's, and the virtual one
 * or, of a reply, the destination's. Of an IPv6 connection the addresses in them are hashes.
 */
static __always_inline int has_ends(const struct connection *conn, __u64 client, __u64 far,
				    __u64 reply)
{
	const word *words = (const word *)conn;
	__u64 end = LOAD(&words[reply ? WORD_DESTINATION : WORD_VIRTUAL]);

	/* The upper 16 bits of the other end's word are a checksum difference. */
	if (LOAD(&words[WORD_CLIENT]) != client || (end ^ far) << 16 != 0)
		return 0;
	/* Replies pass the director, and are rewritten, with masq only. */
	return !reply || LOAD(&conn->method) == METHOD_MASQ;
}

/* The addresses of an IPv6 connection's ends. */
struct address_ends {
	const struct address *client;
	const struct address *far;
	__u64 reply;
};

/* Whether those are in the slot behind the connection's. */
static __always_inline int has_addresses(struct world *world, __u32 slot,
					 const struct address_ends *ends)
{
	const struct connection_addresses *line =
		(const struct connection_addresses *)connection_at(world, slot + 1);

	return line && is_address(&line->caddr, ends->client) &&
	       is_address(ends->reply ? &line->daddr : &line->vaddr, ends->far);
}

static __always_inline int has_key(struct world *world, const struct connection *conn,
				   const struct search *search, __u32 slot)
{
	struct address_ends ends = { &search->client_address, &search->far_address, search->reply };

	return has_ends(conn, search->client, search->far, search->reply) &&
	       (!search->is_ipv6 || has_addresses(world, slot, &ends));
}

/* Whether a connection has not been somebody else's since its state word was this. */
static __always_inline int is_alive(const struct connection *conn, __u32 state)
{
	return ((LOAD(&conn->state) ^ state) & ~(__u32)SLOT_STATE) == 0;
}

/* The live connection that is looked for, in one bucket. */
static __always_inline __u32 search_bucket(struct world *world, __u32 bucket)
{
	struct search *search = search_of(world);
	__u64 *at = bucket_at(world, bucket);
	__u64 lanes;

	if (!search || !at)
		return NO_SLOT;
	lanes = lanes_with(LOAD(at), tag_of(search->hash));
	NO_UNROLL
	for (int i = 0; i < WAYS && lanes; i++) {
		__u32 slot = bucket * WAYS + lowest_lane(lanes);
		struct connection *conn = connection_at(world, slot);

		lanes &= lanes - 1;
		if (!conn)
			continue;
		search->state = LOAD(&conn->state);
		if ((search->state & SLOT_PHASE) == SLOT_LIVE && has_key(world, conn, search, slot))
			return slot;
	}
	return NO_SLOT;
}

/* The same, verified by itself. */
static __u32 search_apart(struct world *world, __u32 bucket);

/* The bucket that a connection may spill to at this turn. */
static __always_inline __u32 spill_bucket(const struct settings *settings,
					  const struct search *search, __u32 turn)
{
	__u32 bucket = first_bucket(settings, search->hash) + 1 + turn;

	return bucket >= settings->buckets ? bucket - settings->buckets : bucket;
}

static long search_spill(__u32 turn, void *context)
{
	struct world *world = (struct world *)context;
	const struct settings *settings = find_settings(world);
	struct search *search = search_of(world);

	if (!settings || !search)
		return 1;
	search->slot = search_apart(world, spill_bucket(settings, search, turn));
	return search->slot != NO_SLOT;
}

/* Looks everywhere where the connection may be. */
static __always_inline __u32 search_table(struct world *world, const struct settings *settings,
					  struct search *search)
{
	__u32 first = first_bucket(settings, search->hash);
	__u32 second = second_bucket(settings, search->hash);
	__u64 *home = bucket_at(world, first);

	search->slot = search_apart(world, first);
	if (search->slot == NO_SLOT && second != first)
		search->slot = search_apart(world, second);
	if (search->slot == NO_SLOT && home && LOAD(home) >> OVERFLOW_SHIFT != 0)
		repeat(MAX_SPILL, search_spill, world);
	return search->slot;
}

/* Takes a free slot, or two neighbours, of a bucket whose word was `seen`. */
static __always_inline __u32 take_lane(__u64 *at, __u64 seen, __u32 bucket,
				       const struct search *search)
{
	__u64 tag = tag_of(search->hash);
	__u64 lanes = free_lanes(seen);
	__u32 lane;

	if (search->is_ipv6) {
		/* Pairs 1 and 2, 3 and 4, 5 and 6; IPv4 begins at the other end. */
		lanes &= lanes >> 8 & 0x0000800080008000ULL;
		lane = lanes >> 40 ? 5 : lanes >> 24 ? 3 : 1;
		tag |= TAG_CONTINUED << 8;
	} else {
		lane = lowest_lane(lanes);
	}
	if (!lanes || SWAP_IF(at, seen, seen | tag << (lane * 8)) != seen)
		return NO_SLOT;
	return bucket * WAYS + lane;
}

/* Adds one to, or takes one from, the count of those that had to leave the bucket. */
static __always_inline int change_overflow(__u64 *home, int change)
{
	NO_UNROLL
	for (int i = 0; i < SWAP_TRIES; i++) {
		__u64 seen = LOAD(home);

		/* A full count is no count any more, and stays. */
		if (seen >> OVERFLOW_SHIFT == OVERFLOW_MOST)
			return 1;
		if (SWAP_IF(home, seen, seen + ((__u64)change << OVERFLOW_SHIFT)) == seen)
			return 1;
	}
	return 0;
}

/* A slot in one of its two buckets: the emptier one, so that all fill alike. */
static __always_inline __u32 claim_home(__u64 *at[2], const __u32 bucket[2],
					const struct search *search)
{
	NO_UNROLL
	for (int i = 0; i < SWAP_TRIES; i++) {
		__u64 first = LOAD(at[0]), second = LOAD(at[1]);
		__u32 slot = NO_SLOT;

		if (count_lanes(free_lanes(second)) > count_lanes(free_lanes(first)))
			slot = take_lane(at[1], second, bucket[1], search);
		else
			slot = take_lane(at[0], first, bucket[0], search);
		/* Without room, or without a pair, there: the other one. */
		if (slot == NO_SLOT)
			slot = take_lane(at[0], first, bucket[0], search);
		if (slot == NO_SLOT)
			slot = take_lane(at[1], second, bucket[1], search);
		if (slot != NO_SLOT || (LOAD(at[0]) == first && LOAD(at[1]) == second))
			return slot;
	}
	return NO_SLOT;
}

static long claim_spill(__u32 turn, void *context)
{
	struct world *world = (struct world *)context;
	const struct settings *settings = find_settings(world);
	struct search *search = search_of(world);
	__u32 bucket;
	__u64 *at;

	if (!settings || !search)
		return 1;
	bucket = spill_bucket(settings, search, turn);
	/* At home in one of its own it would not be counted as gone. */
	if (bucket == first_bucket(settings, search->hash))
		return 1;
	at = bucket == second_bucket(settings, search->hash) ? 0 : bucket_at(world, bucket);
	search->slot = at ? take_lane(at, LOAD(at), bucket, search) : NO_SLOT;
	return search->slot != NO_SLOT;
}

/* A slot for the connection, its bucket tagged; NO_SLOT when the table is full. */
static __always_inline __u32 claim(struct world *world, const struct settings *settings,
				   struct search *search)
{
	__u32 bucket[2] = { first_bucket(settings, search->hash),
			    second_bucket(settings, search->hash) };
	__u64 *at[2] = { bucket_at(world, bucket[0]), bucket_at(world, bucket[1]) };

	if (!at[0] || !at[1])
		return NO_SLOT;
	search->slot = claim_home(at, bucket, search);
	if (search->slot != NO_SLOT || !change_overflow(at[0], 1))
		return search->slot;
	repeat(MAX_SPILL, claim_spill, world);
	if (search->slot == NO_SLOT)
		change_overflow(at[0], -1);
	return search->slot;
}

/*
 * Gives a slot back to its bucket. The caller has made its state word FREE, by a swap that
 * succeeded, and so is the only one.
 */
static __always_inline void release(struct world *world, const struct settings *settings,
				    __u32 slot, __u64 client)
{
	__u64 hash = hash_client(settings, client);
	__u32 first = first_bucket(settings, hash);
	__u32 bucket = slot / WAYS;
	__u64 *at = bucket_at(world, bucket);
	__u64 *home = bucket_at(world, first);
	__u64 lanes = (client >> 56 & ~FAMILY_TEMPLATE) == FAMILY_IPV6 ? 0xffff : 0xff;

	if (!at || !home)
		return;
	CLEAR_BITS(at, lanes << (slot % WAYS * 8));
	if (bucket != first && bucket != second_bucket(settings, hash))
		change_overflow(home, -1);
}

/* 1 when a rival in this bucket has the key already, or is to have it. */
static __always_inline int lose_in_bucket(struct world *world, __u32 bucket)
{
	struct search *search = search_of(world);
	__u64 *at = bucket_at(world, bucket);
	__u64 lanes;

	/* A small table ends before the last spill. */
	if (!search || !at)
		return 0;
	lanes = lanes_with(LOAD(at), tag_of(search->hash));
	NO_UNROLL
	for (int i = 0; i < WAYS && lanes; i++) {
		__u32 slot = bucket * WAYS + lowest_lane(lanes);
		struct connection *conn = connection_at(world, slot);
		__u32 state = conn ? LOAD(&conn->state) : 0;

		lanes &= lanes - 1;
		if (!conn || slot == search->own || (state & SLOT_PHASE) == SLOT_FREE ||
		    !has_key(world, conn, search, slot))
			continue;
		if ((state & SLOT_PHASE) != SLOT_CLAIMED || slot < search->own)
			return 1;
		if (SWAP_IF(&conn->state, state, state & ~SLOT_PHASE) != state)
			return 1;
	}
	return 0;
}

static int lose_apart(struct world *world, __u32 bucket);

static long lose_spill(__u32 turn, void *context)
{
	struct world *world = (struct world *)context;
	const struct settings *settings = find_settings(world);
	struct search *search = search_of(world);
	__u32 lost;

	if (!settings || !search)
		return 1;
	lost = (__u32)lose_apart(world, spill_bucket(settings, search, turn));
	/* Said anew, since the verifier does not believe what the compiler knows. */
	FORGET(lost);
	search->lost = lost;
	return lost != 0;
}

/* 1 when somebody else has the key of the claimed slot. */
static __always_inline int lose(struct world *world, const struct settings *settings,
				struct search *search)
{
	__u32 first = first_bucket(settings, search->hash);
	__u64 *home = bucket_at(world, first);

	search->own = search->slot;
	search->lost = 0;
	if (lose_apart(world, first) || lose_apart(world, second_bucket(settings, search->hash)))
		return 1;
	if (home && LOAD(home) >> OVERFLOW_SHIFT != 0)
		repeat(MAX_SPILL, lose_spill, world);
	return (int)search->lost;
}

#endif

/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/*
 * lookup - the destination of a new connection by a hash of its flow
 *
 *   flow --hash--> slot --> place --> index of the destination
 *
 * For schedulers whose choice depends on the rules and the flow alone. TypeScript fills the table
 * by the scheduler's own algorithm; what is done here is the hash, which is the kernel's to the
 * bit.
 *
 * A table is never changed, but replaced by another, and the generation says which one holds. Who
 * opens a connection notes it at first and looks at it again when the connection is live: if it
 * is another by then, the connection is taken back.
 */
#ifndef XLVS_LOOKUP_H
#define XLVS_LOOKUP_H

#include "destination.h"

static struct ticket_line *tickets_at(struct world *world, __u32 line);

#define NO_DESTINATION 0xffffffffu

enum lookup_limits {
	/* Slots that are tried for one packet: all that sh has. */
	FALLBACK_TRIES = 256,
};

/* One of the numbers that begin with a line. */
static __always_inline __u32 number_at(struct world *world, __u32 line, __u32 place)
{
	struct ticket_line *at = tickets_at(world, line + place / TICKETS_PER_LINE);

	return at ? LOAD(&at->destination[place % TICKETS_PER_LINE]) : NO_DESTINATION;
}

static __always_inline __u64 rotate(__u64 value, int by)
{
	return value << by | value >> (64 - by);
}

static __always_inline void sip_round(__u64 v[4])
{
	v[0] += v[1];
	v[1] = rotate(v[1], 13) ^ v[0];
	v[0] = rotate(v[0], 32);
	v[2] += v[3];
	v[3] = rotate(v[3], 16) ^ v[2];
	v[0] += v[3];
	v[3] = rotate(v[3], 21) ^ v[0];
	v[2] += v[1];
	v[1] = rotate(v[1], 17) ^ v[2];
	v[2] = rotate(v[2], 32);
}

/* SipHash-1-3 of four bytes, by the key of Linux ip_vs_mh; hsiphash of 64-bit kernels. */
static __always_inline __u32 sip_hash(__u32 value)
{
	const __u64 key = 2654435761, block = 4ULL << 56 | value;
	__u64 v[4];

	v[0] = 0x736f6d6570736575 ^ key;
	v[1] = 0x646f72616e646f6d ^ key;
	v[2] = 0x6c7967656e657261 ^ key;
	v[3] = 0x7465646279746573 ^ key ^ block;
	sip_round(v);
	v[0] ^= block;
	v[2] ^= 0xff;
	sip_round(v);
	sip_round(v);
	sip_round(v);
	return (__u32)(v[0] ^ v[1] ^ v[2] ^ v[3]);
}

/* What a table is asked for: address and port as numbers, IPv6's words combined. */
static __always_inline __u32 table_key(const struct search *search, __u32 kind)
{
	__u64 end = kind & TABLE_VIRTUAL ? search->far : search->client;
	__u32 words[4] = { (__u32)end };
	__u32 port = 0;

	if (search->is_ipv6 && kind & TABLE_VIRTUAL)
		COPY(words, &search->far_address, 16);
	else if (search->is_ipv6)
		COPY(words, &search->client_address, 16);
	if (kind & TABLE_PORT)
		port = bpf_ntohs((__be16)(search->client >> 32));
	return bpf_ntohl(words[0] ^ words[1] ^ words[2] ^ words[3]) + port;
}

static __always_inline __u32 table_hash(__u32 kind, __u32 key, __u32 offset)
{
	return kind & TABLE_SIPHASH ? sip_hash(key + offset) : (key * 0x61c88647 >> 24) + offset;
}

/* What is looked up, and what was found. */
struct lookup {
	struct world *world;
	const struct table *table;
	__u32 kind;
	__u32 slots;
	__u32 key;
	/* Where the flow belongs. */
	__u32 first;
	__u32 destination;
};

/* The destination that has a slot; NO_DESTINATION when it accepts nothing. */
static __always_inline __u32 slot_owner(const struct lookup *l, __u32 slot)
{
	__u32 bits = l->kind & TABLE_WIDE ? 16 : 8;
	__u32 in_number = 32 / bits;
	__u32 number = number_at(l->world, LOAD(&l->table->slots_line), slot / in_number);
	__u32 place = number >> (slot % in_number * bits) & ((1 << bits) - 1);
	__u32 index = number_at(l->world, LOAD(&l->table->members_line), place);
	const struct destination *destination = destination_at(l->world, index);

	return destination && is_accepting(destination) ? index : NO_DESTINATION;
}

/* As in the kernel, the number of the first slot is the first offset. */
static long fall_back(__u32 turn, void *context)
{
	struct lookup *l = (struct lookup *)context;

	if (turn >= l->slots)
		return 1;
	l->destination =
		slot_owner(l, table_hash(l->kind, l->key, (l->first + turn) % l->slots) % l->slots);
	return l->destination != NO_DESTINATION;
}

/* The destination that a table has for a flow; NO_DESTINATION when that accepts nothing. */
static __always_inline __u32 look_up(struct world *world, const struct table *table,
				     const struct search *search)
{
	struct lookup l = { world, table, LOAD(&table->kind), LOAD(&table->slots), 0, 0, 0 };

	if (!l.slots)
		return NO_DESTINATION;
	l.key = table_key(search, l.kind);
	l.first = table_hash(l.kind, l.key, 0) % l.slots;
	l.destination = slot_owner(&l, l.first);
	if (l.destination == NO_DESTINATION && l.kind & TABLE_FALLBACK)
		repeat(FALLBACK_TRIES, fall_back, &l);
	return l.destination;
}

#endif

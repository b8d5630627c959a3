/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/*
 * schedule_abi - the part of abi.h that tells how new connections get their destination
 */
#ifndef XLVS_SCHEDULE_ABI_H
#define XLVS_SCHEDULE_ABI_H

/* Where a scheduler stood before it drew the ticket of a place, under one edition of the rules. */
struct schedule_mark {
	/* 0 is none. */
	__u32 edition;
	__u32 place;
	__s32 cursor[3];
};
ABI_ASSERT(sizeof(struct schedule_mark) == 20, "struct schedule_mark");

/* How a flow's slot in a table is found, and what the table is. */
enum table_kind {
	/* By SipHash, and not by the multiplicative hash. */
	TABLE_SIPHASH = 1,
	/* Of the virtual address, and not of the client's. */
	TABLE_VIRTUAL = 2,
	/* The client's port is hashed, too. */
	TABLE_PORT = 4,
	/* Other slots are tried when the first one's destination accepts nothing. */
	TABLE_FALLBACK = 8,
	/* Slots are two bytes; else one. */
	TABLE_WIDE = 16,
	/* For the time without a daemon; a living one decides itself. */
	TABLE_RESERVE = 32,
};

/* Where a service's table is: beginning with these lines, among those of the rings. */
struct table {
	/* 0: there is none. */
	__u32 slots;
	__u32 members;
	/* enum table_kind */
	__u32 kind;
	/* A slot holds the place of a member. */
	__u32 slots_line;
	/* By place the indices of destinations. */
	__u32 members_line;
};
ABI_ASSERT(sizeof(struct table) == 20, "struct table");

/* What `refill` of a schedule says. */
enum refill {
	/* The first connection that finds the place above at the head asks for more tickets. */
	REFILL_AT = 1,
	/* One has asked. */
	REFILL_WANTED = 2,
};

/*
 * How new connections of a service get their destination: by its table, or, where it has none,
 * by the tickets from head to limit of its ring. A place in a ring is a number that goes on for
 * ever; its ticket is at place & ring_mask.
 */
struct schedule {
	/*
	 * Written by TypeScript. The ring is a power of two of tickets, from ring_line on; both are
	 * read and written as one word. A mask of 0: there is no ring.
	 */
	__u32 ring_line;
	__u32 ring_mask;
	/* So many tickets before the limit may be used again while no daemon publishes any. */
	__u32 reusable;
	/* Which of the marks holds; the other one may be half written. */
	__u32 mark;
	struct schedule_mark marks[2];
	/* 1 where SYNs may be answered by cookies: all its destinations are reached by NAT. */
	__u32 cookies;
	/* How long its templates live without a new connection; 0: it is not persistent. */
	__u32 persistence_jiffies;

	/* Written by all: limit << 32 | head. Equal: there is no ticket. */
	__u64 window;
	/* Tickets used again so far. */
	__u32 reused;
	/* Raised with each change of the table; the lowest bit says which one holds. */
	__u32 generation;
	struct table tables[2];
	/* By TypeScript: of a persistent service the mask of IPv4, the prefix' length of IPv6. */
	__u32 persistence_mask;
	/* Written by all: place << 2 | enum refill. */
	__u32 refill;
};
ABI_ASSERT(sizeof(struct schedule) == 128, "struct schedule");

/* Tickets: indices of destinations. The same room holds the slots and members of tables. */
struct ticket_line {
	__u32 destination[TICKETS_PER_LINE];
};
ABI_ASSERT(sizeof(struct ticket_line) == 64, "struct ticket_line");

#endif

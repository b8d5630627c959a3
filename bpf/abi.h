/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/*
 * abi - every byte that XDP, C++ and TypeScript share
 *
 * The only place where a shared byte has a position. clang writes these types into the object's
 * BTF, `npm run abi` turns that into ts/native/abi.gen.ts, and g++ includes this file itself.
 *
 *   - network order is in the type (__be16), the unit is in the name (timeout_jiffies)
 *   - no implicit padding: a hole in a hash key is a lookup that sometimes misses
 *   - limits are enum constants, since macros are not in BTF
 */
#ifndef XLVS_ABI_H
#define XLVS_ABI_H

#include <linux/types.h>

#ifdef __cplusplus
#define ABI_ASSERT(condition, text) static_assert(condition, text)
#else
#define ABI_ASSERT(condition, text) _Static_assert(condition, text)
#endif

enum limits {
	/* Raised whenever a struct below changes: a restarted daemon adopts only its own layout. */
	ABI_VERSION = 2,
	MAX_SERVICES = 16384,
	MAX_DESTINATIONS = 131072,
	/* Slots of one bucket of the connection table; an IPv6 connection takes two. */
	WAYS = 7,
	/* Buckets behind its first one that a connection may have to go to. */
	MAX_SPILL = 256,
	/* Words of the table of addresses that are ours. */
	ADDRESS_WORDS = 32768,
	/* Next hops known at a time; 0 stands for none, the last are one for each CPU or thread. */
	MAX_NEXT_HOPS = 16384,
	OWN_NEXT_HOPS = 1024,
	/* Tickets in one element of the map of rings. */
	TICKETS_PER_LINE = 16,
	/* Keys of the hash of addresses and ports. */
	HASH_KEYS = 8,
	/* Receive queues of one interface; XSKMAP index = interface slot * MAX_QUEUES + queue. */
	MAX_QUEUES = 64,
	MAX_INTERFACES = 64,
	/* Flow records that the slow path hands to TypeScript in one call. */
	MAX_BURST = 256,
	/* Ethernet header and two VLAN tags. */
	MAX_LINK_BYTES = 22,
	/* What a capture's filter may ask, and how many combinations of answers it may want. */
	CAPTURE_TERMS = 16,
	CAPTURE_ALTERNATIVES = 16,
	/* Kept of one frame at most: a jumbo frame. */
	CAPTURE_BYTES = 9216,
	CAPTURE_RING_BYTES = 4194304,
};

enum family {
	FAMILY_IPV4 = 4,
	FAMILY_IPV6 = 6,
};

enum forwarding_method {
	METHOD_MASQ = 0,
	METHOD_ROUTE = 1,
};

/*
 * Linux ip_vs.h has the same TCP states under the same names; `ipvsadm -L -c` prints them.
 * UDP has one state only.
 */
enum connection_state {
	STATE_NONE = 0,
	STATE_ESTABLISHED = 1,
	STATE_SYN_SENT = 2,
	STATE_SYN_RECV = 3,
	STATE_FIN_WAIT = 4,
	STATE_TIME_WAIT = 5,
	STATE_CLOSE = 6,
	STATE_CLOSE_WAIT = 7,
	STATE_LAST_ACK = 8,
	STATE_LISTEN = 9,
	STATE_SYNACK = 10,
	STATE_UDP = 11,
	STATES = 12,
	/* A power of two. */
	STATES_ROOM = 16,
};

/*
 * The state word of a slot: a connection_state, how far the slot is in its life, and how many
 * lives it has had, by which a reader knows that it still looks at the same connection.
 */
enum slot_phase {
	SLOT_STATE = 0xff,
	SLOT_PHASE = 0x300,
	SLOT_FREE = 0,
	/* Its key can be read; another slot with the same key may win yet. */
	SLOT_CLAIMED = 0x100,
	/* Has won; it gets its destination now. */
	SLOT_OPENING = 0x200,
	SLOT_LIVE = 0x300,
	SLOT_LIFE = 0x400,
};

/*
 * Where a packet's journey ends; each has a counter of its name. PASSED goes to the kernel
 * untouched, RAISED to the slow path, DROPPED nowhere.
 */
enum verdict {
	VERDICT_FORWARDED_IN = 0,
	VERDICT_FORWARDED_OUT = 1,
	VERDICT_PASSED_NOT_IP = 2,
	VERDICT_PASSED_NOT_OURS = 3,
	VERDICT_PASSED_OTHER_PROTOCOL = 4,
	VERDICT_PASSED_ICMP = 5,
	VERDICT_PASSED_MALFORMED = 6,
	VERDICT_PASSED_FRAGMENT = 7,
	VERDICT_PASSED_NOT_SYN = 8,
	VERDICT_PASSED_REPLY_TTL = 9,
	VERDICT_RAISED_NEW = 10,
	VERDICT_RAISED_ROUTE = 11,
	VERDICT_RAISED_TTL = 12,
	VERDICT_RAISED_MTU = 13,
	VERDICT_DROPPED_HEADER_CHECKSUM = 14,
	VERDICT_DROPPED_FRAGMENT = 15,
	VERDICT_DROPPED_DESTINATION_REMOVED = 16,
	VERDICT_DROPPED_NO_SLOW_PATH = 17,
	/* From here on the slow path alone gives them. */
	VERDICT_DROPPED_NO_DESTINATION = 18,
	VERDICT_DROPPED_TABLE_FULL = 19,
	VERDICT_DROPPED_NO_ROUTE = 20,
	VERDICT_DROPPED_NEIGHBOUR = 21,
	VERDICT_DROPPED_TTL = 22,
	VERDICT_DROPPED_MTU = 23,
	VERDICT_DROPPED_BACKLOG = 24,
	VERDICT_DROPPED_TRANSMIT = 25,
	/* The rules changed between XDP and the slow path. */
	VERDICT_DROPPED_OVERTAKEN = 26,
	VERDICTS = 27,
	/* Not an end: the journey goes on. */
	NEXT = 255,
};

/* What one record asks of TypeScript, and what TypeScript answers. */
enum question {
	QUESTION_SCHEDULE = 0,
	QUESTION_ROUTE = 1,
};

enum answer {
	ANSWER_NONE = 0,
	ANSWER_DESTINATION = 1,
	ANSWER_REFUSE = 2,
	ANSWER_WAIT = 3,
	ANSWER_DROP = 4,
	/* There are tickets now. */
	ANSWER_AGAIN = 5,
};

/* An IPv4 address stands in the first four bytes, the other twelve are zero. */
struct address {
	__u8 bytes[16];
};

/* A packet's five-tuple as it stands in the packet. */
struct flow {
	struct address saddr;
	struct address daddr;
	__be16 sport;
	__be16 dport;
	__u8 protocol;
	__u8 family;
	__u16 pad;
};
ABI_ASSERT(sizeof(struct flow) == 40, "struct flow");

/* What an address that is ours is; a bit each in the map of addresses. */
enum address_role {
	ADDRESS_VIRTUAL = 1,
	ADDRESS_DESTINATION = 2,
};

struct service_key {
	struct address vaddr;
	__be16 vport;
	__u8 protocol;
	__u8 family;
};
ABI_ASSERT(sizeof(struct service_key) == 20, "struct service_key");

/*
 * A neighbour that packets leave to, found for one route generation; connections hold its index.
 * The key is written first, by compare-and-swap; the MTU, never 0, last.
 */
struct next_hop {
	/* Generation and interface index: generation << 32 | ifindex. */
	__u64 key;
	__u8 dmac[6];
	__u8 smac[6];
	__u32 mtu;
	__u64 pad;
};
ABI_ASSERT(sizeof(struct next_hop) == 32, "struct next_hop");

/*
 * One tracked connection: a cache line, read as eight words. caddr:cport is the client,
 * vaddr:vport the virtual service, daddr:dport the destination. Where the family is IPv6 the
 * three addresses here are hashes, and the next slot holds a struct connection_addresses.
 */
struct connection {
	__be32 caddr;
	__be16 cport;
	__u8 protocol;
	__u8 family;

	__be32 vaddr;
	__be16 vport;
	/* One's complement of what a packet from the client gains by its rewrite. */
	__u16 address_delta;

	__be32 daddr;
	__be16 dport;
	__u16 transport_delta;

	/* enum connection_state, enum slot_phase; changed by compare-and-swap. */
	__u32 state;
	__u32 seen_jiffies;

	__u32 timeout_jiffies;
	__u32 destination;

	/* The next hops hold as long as this is the settings' route generation; 0 is none. */
	__u32 route_generation;
	__u16 hop_in;
	__u16 hop_out;

	/* Packets from the client. */
	__u32 in_packets;
	__u8 method;
	/* enum connection_flag */
	__u8 flags;
	__u16 pad;

	/* Of a connection that a SYN cookie opened: what the destination's numbers are ahead. */
	__u32 sequence_delta;
	__u32 timestamp_delta;
} __attribute__((aligned(8)));
ABI_ASSERT(sizeof(struct connection) == 64, "struct connection");

enum connection_flag {
	/* Opened by a SYN cookie; the destination has not answered its SYN yet. */
	FLAG_COOKIE_OPENING = 1,
	/* Opened by a SYN cookie: sequence numbers are translated. */
	FLAG_COOKIE = 2,
};

/* The second line of an IPv6 connection. What would be its state word stays free. */
struct connection_addresses {
	struct address caddr;
	__u64 pad;
	__u32 state;
	__u32 pad_state;
	struct address vaddr;
	struct address daddr;
};
ABI_ASSERT(sizeof(struct connection_addresses) == 64, "struct connection_addresses");

/*
 * What a new connection takes from its destination, written by TypeScript, and, in a line of
 * their own, the counts of its connections, to which everybody adds.
 */
struct destination {
	struct address daddr;
	__be16 dport;
	__u8 method;
	__u8 family;
	/* 0 once removed: packets of its connections are dropped. */
	__u32 available;
	/* 0 quiesces: no new connection. */
	__u32 weight;
	/* Connections at which new ones are refused, and below which no longer; 0 is no limit. */
	__u32 upper;
	__u32 lower;
	__u32 pad;
	/* The next hop to it, one word: generation, index. As in LVS, the same for all clients. */
	__u32 route_generation;
	__u32 hop;
	__u32 pad_config[4];

	/* Read and changed together, as one word. */
	__u32 active;
	__u32 inactive;
	/* Between reaching the upper and falling below the lower threshold. */
	__u32 overloaded;
	__u32 pad_counts[13];
} __attribute__((aligned(8)));
ABI_ASSERT(sizeof(struct destination) == 128, "struct destination");

/* Where a scheduler stood before it drew the ticket of a place, under one edition of the rules. */
struct schedule_mark {
	/* 0 is none. */
	__u32 edition;
	__u32 place;
	__s32 cursor[3];
};
ABI_ASSERT(sizeof(struct schedule_mark) == 20, "struct schedule_mark");

/*
 * How new connections of a service get their destination: the tickets from head to limit of its
 * ring. A place in a ring is a number that goes on for ever; its ticket is at place & ring_mask.
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
	__u64 pad;

	/* Written by all: limit << 32 | head. Equal: there is no ticket. */
	__u64 window;
	/* Tickets used again so far. */
	__u32 reused;
	__u32 pad_window[13];
};
ABI_ASSERT(sizeof(struct schedule) == 128, "struct schedule");

/* Tickets: indices of destinations. */
struct ticket_line {
	__u32 destination[TICKETS_PER_LINE];
};
ABI_ASSERT(sizeof(struct ticket_line) == 64, "struct ticket_line");

/* Per destination, one element a CPU and a last one for the slow path: no line is shared. */
struct counters {
	__u64 connections;
	__u64 in_packets;
	__u64 out_packets;
	__u64 in_bytes;
	__u64 out_bytes;
	__u64 pad[3];
};
ABI_ASSERT(sizeof(struct counters) == 64, "struct counters");

struct verdict_counters {
	__u64 packets[VERDICTS];
	__u64 pad[5];
};
ABI_ASSERT(sizeof(struct verdict_counters) % 64 == 0, "struct verdict_counters");

/* One element, written by the daemon. */
struct settings {
	__u32 abi_version;
	/* Raised at each change of a link, address, route or neighbour; never 0. */
	__u32 route_generation;
	/* When the daemon last said that it lives. */
	__u32 heartbeat_jiffies;
	__u32 hz;
	/* Buckets of the connection table, of WAYS slots each. */
	__u32 buckets;
	/* Indices of destinations; a CPU's counters begin at cpu * this. */
	__u32 destinations;
	/* Number of the capture that is on; 0 is none. */
	__u32 capture;
	/* 0 never, 1 under attack, 2 always. */
	__u32 syn_cookies;
	__u32 timeout_jiffies[STATES_ROOM];
	/* Secret: who knows them can aim at one bucket. */
	__u64 hash_keys[HASH_KEYS];
	/* Linux's sysctls of these names; ipvs-sysctl.rst. */
	__u32 conn_reuse_mode;
	__u32 expire_nodest_conn;
	__u32 sloppy_tcp;
	__u32 drop_entry;
};
ABI_ASSERT(sizeof(struct settings) % 8 == 0, "struct settings");

/* Answer of the clock program, which runs as a system call. */
struct clock {
	__u64 jiffies;
	__u32 hz;
	__u32 pad;
};

/*
 * One packet for which the slow path needs TypeScript. Everything up to `answer` is written by
 * the addon, the rest by TypeScript.
 */
struct flow_record {
	struct flow flow;
	/* QUESTION_ROUTE: the address to be reached. */
	struct address target;
	__u32 service;
	__u32 ingress_ifindex;
	__u8 question;
	/* 1 when the new connection will count as active, 0 when as inactive. */
	__u8 active;
	/* 1 when an earlier record of the burst asks the same: no answer is wanted. */
	__u8 duplicate;
	__u8 answer;
	__u32 destination;
};
ABI_ASSERT(sizeof(struct flow_record) == 72, "struct flow_record");

/* What a capture's filter asks of a packet as it came: one term. */
enum term_kind {
	TERM_FAMILY = 0,
	TERM_PROTOCOL = 1,
	TERM_ADDRESS = 2,
	TERM_PORT = 3,
	/* Known at the journey's end only. */
	TERM_VERDICT = 4,
};

/* Which end of the packet a term is of; with both, either will do. */
enum term_side {
	TERM_SOURCE = 1,
	TERM_TARGET = 2,
};

struct capture_term {
	/* TERM_ADDRESS */
	struct address prefix;
	struct address mask;
	/* Family (that of an address too), protocol, port; of verdicts a bit for each. */
	__u64 value;
	__u32 kind;
	__u32 sides;
};
ABI_ASSERT(sizeof(struct capture_term) == 48, "struct capture_term");

/* Wants these terms to be true or false as `truth` has them, a bit for each. */
struct capture_alternative {
	__u16 terms;
	__u16 truth;
};

/* The capture that is on. One element, written by the daemon, but for `lost`. */
struct capture {
	/* Packets wanted for which there was no room. */
	__u64 lost;
	/* Kept of a frame, CAPTURE_BYTES at most. */
	__u32 snap_length;
	__u32 terms_used;
	__u32 alternatives_used;
	/* The terms that ask for the verdict. */
	__u32 late_terms;
	struct capture_term terms[CAPTURE_TERMS];
	struct capture_alternative alternatives[CAPTURE_ALTERNATIVES];
};
ABI_ASSERT(sizeof(struct capture) == 856, "struct capture");

/*
 * One packet of a capture. Behind it the frame as it came and, where it was forwarded, as it left:
 * of each what the snap length allows.
 */
struct captured {
	/* CLOCK_MONOTONIC; CLOCK_REALTIME once the addon has read it. */
	__u64 time_ns;
	/* Number of the capture that wanted it. */
	__u32 capture;
	__u32 ingress_ifindex;
	/* 0 where it was not forwarded, as is sent_length. */
	__u32 egress_ifindex;
	__u32 received_length;
	__u32 sent_length;
	__u32 verdict;
};
ABI_ASSERT(sizeof(struct captured) == 32, "struct captured");

#endif

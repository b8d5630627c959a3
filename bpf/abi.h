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
	ABI_VERSION = 1,
	MAX_SERVICES = 16384,
	MAX_DESTINATIONS = 16384,
	/* Receive queues of one interface; XSKMAP index = interface slot * MAX_QUEUES + queue. */
	MAX_QUEUES = 64,
	MAX_INTERFACES = 64,
	/* Flow records that the slow path hands to TypeScript in one call. */
	MAX_BURST = 256,
	/* Ethernet header and two VLAN tags. */
	MAX_LINK_BYTES = 22,
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
	/* Set in struct connection's state word while the slot holds a connection. */
	STATE_LIVE = 256,
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
};

/* An IPv4 address stands in the first four bytes, the other twelve are zero. */
struct address {
	__u8 bytes[16];
};

/* A packet's five-tuple as it stands in the packet: the key of the flow table. */
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

/* What the flow table says of a five-tuple. */
struct flow_entry {
	__u32 slot;
	/* 1 when the flow is a destination's reply. */
	__u32 reply;
};

struct service_key {
	struct address vaddr;
	__be16 vport;
	__u8 protocol;
	__u8 family;
};
ABI_ASSERT(sizeof(struct service_key) == 20, "struct service_key");

/*
 * The next hop of one direction, right as long as its generation is the settings' own. The
 * generation is written last and read first.
 */
struct route {
	__u32 generation;
	__u32 ifindex;
	__u8 dmac[6];
	__u8 smac[6];
	__u16 mtu;
	__u16 pad;
};
ABI_ASSERT(sizeof(struct route) == 24, "struct route");

/*
 * One tracked connection, two cache lines. Written by the slow path when it is made; after that
 * XDP changes state, seen, timeout and the routes. caddr:cport is the client, vaddr:vport the
 * virtual service, daddr:dport the destination.
 */
struct connection {
	struct address caddr;
	struct address vaddr;
	struct address daddr;
	__be16 cport;
	__be16 vport;
	__be16 dport;
	__u8 protocol;
	__u8 family;
	__u32 destination;
	/* enum connection_state | STATE_LIVE; changed by compare-and-swap; 0 is a free slot. */
	__u32 state;
	__u32 seen_jiffies;
	__u32 timeout_jiffies;
	/* One's complement of what a packet from the client gains by its rewrite. */
	__u16 address_delta;
	__u16 transport_delta;
	__u16 service;
	__u8 method;
	__u8 pad;
	struct route route_in;
	struct route route_out;
};
ABI_ASSERT(sizeof(struct connection) == 128, "struct connection");

/*
 * What a new connection takes from its destination, written by TypeScript, and the counts of its
 * connections, to which everybody adds.
 */
struct destination {
	struct address daddr;
	__be16 dport;
	__u8 method;
	__u8 family;
	/* 0 once removed: packets of its connections are dropped. */
	__u32 available;
	__u32 active;
	__u32 inactive;
};
ABI_ASSERT(sizeof(struct destination) == 32, "struct destination");

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
	/* Connections are in slots 0 to slots_used - 1. */
	__u32 slots_used;
	__u32 pad;
	__u32 timeout_jiffies[STATES];
};

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

#endif

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
	ABI_VERSION = 6,
	MAX_SERVICES = 16384,
	MAX_DESTINATIONS = 131072,
	/* Slots of one bucket of the connection table; an IPv6 connection takes two. */
	WAYS = 7,
	/* Buckets behind its first one that a connection may have to go to. */
	MAX_SPILL = 256,
	/* Words of all tables of addresses that are ours, and of the smallest one. */
	ADDRESS_WORDS = 65536,
	LEAST_ADDRESS_WORDS = 256,
	/* Next hops known at a time; 0 stands for none, the last are one for each CPU or thread. */
	MAX_NEXT_HOPS = 16384,
	OWN_NEXT_HOPS = 1024,
	STATION_LINES = 1024,
	STATIONS_PER_LINE = 4,
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
	/* A bit beside those in what a connection template is found by: no packet has it. */
	FAMILY_TEMPLATE = 8,
};

enum forwarding_method {
	METHOD_MASQ = 0,
	METHOD_ROUTE = 1,
	METHOD_TUNNEL = 2,
};

/*
 * Linux ip_vs.h has the same TCP states under the same names; `ipvsadm -L -c` prints them.
 * UDP has one state only, but its connections of a persistent service begin in another one.
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
	/* Of a template: a connection that it controls was answered; until then NONE. */
	STATE_ASSURED = 12,
	/* The destination has not answered yet; as UDP in every other respect. */
	STATE_UDP_UNANSWERED = 13,
	STATES = 14,
	/* A power of two. */
	STATES_ROOM = 16,
};

/*
 * The state word of a slot: a connection_state, how far the slot is in its life, and how many
 * lives it has had, by which a reader knows that it still looks at the same connection.
 */
enum slot_phase {
	SLOT_STATE = 0x7f,
	/* A SYN cookie has opened it: its packets are translated. */
	SLOT_COOKIE = 0x80,
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
	/* Ours, but sent to another MAC address. */
	VERDICT_PASSED_OTHER_HOST = 10,
	VERDICT_RAISED_NEW = 11,
	VERDICT_RAISED_ROUTE = 12,
	VERDICT_RAISED_TTL = 13,
	VERDICT_RAISED_MTU = 14,
	VERDICT_DROPPED_HEADER_CHECKSUM = 15,
	VERDICT_DROPPED_FRAGMENT = 16,
	VERDICT_DROPPED_DESTINATION_REMOVED = 17,
	VERDICT_DROPPED_NO_SLOW_PATH = 18,
	VERDICT_DROPPED_NO_DESTINATION = 19,
	VERDICT_DROPPED_TABLE_FULL = 20,
	VERDICT_DROPPED_NO_ROUTE = 21,
	VERDICT_DROPPED_NEIGHBOUR = 22,
	VERDICT_DROPPED_TTL = 23,
	VERDICT_DROPPED_MTU = 24,
	VERDICT_DROPPED_BACKLOG = 25,
	VERDICT_DROPPED_TRANSMIT = 26,
	/* The rules changed between XDP and the slow path. */
	VERDICT_DROPPED_OVERTAKEN = 27,
	/* A SYN that was answered by a SYN cookie; an ACK of one, forwarded as the SYN; of none. */
	VERDICT_ANSWERED_COOKIE = 28,
	VERDICT_FORWARDED_COOKIE = 29,
	VERDICT_DROPPED_COOKIE = 30,
	/* No room for the headers of its tunnel. */
	VERDICT_DROPPED_TUNNEL = 31,
	VERDICTS = 32,
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

/* Interfaces' MAC addresses: as loaded from a frame | ifindex << 48. The line is that of a hash. */
struct station_line {
	__u64 station[STATIONS_PER_LINE];
};
ABI_ASSERT(sizeof(struct station_line) == 32, "struct station_line");

struct service_key {
	struct address vaddr;
	__be16 vport;
	__u8 protocol;
	__u8 family;
};
ABI_ASSERT(sizeof(struct service_key) == 20, "struct service_key");

#include "next_hop_abi.h"

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

	__u32 in_packets;
	__u8 method;
	__u8 flags;
	/* Of a SYN cookie: by how much windows are shifted, and the destination's numbers ahead. */
	__s8 window_shift_in;
	__s8 window_shift_out;

	/* enum connection_state, enum slot_phase; changed by compare-and-swap. */
	__u32 state;
	__u32 seen_jiffies;

	__u32 timeout_jiffies;
	__u32 destination;

	/* The next hops hold as long as this is the settings' route generation, in this life. */
	__u32 route_generation;
	__u16 hop_in;
	__u16 hop_out;

	__be32 daddr;
	__be16 dport;
	__u16 transport_delta;

	/*
	 * Of a SYN cookie. Of a connection with FLAG_CONTROLLED its template's slot and life; of a
	 * template how many it controls, and its life (bpf/template.h).
	 */
	__u32 sequence_delta;
	__u32 timestamp_delta;
} __attribute__((aligned(8)));
ABI_ASSERT(sizeof(struct connection) == 64, "struct connection");

enum connection_flag {
	/* Of a SYN cookie: the destination has not answered yet; it has, and said its numbers. */
	FLAG_COOKIE_OPENING = 1,
	FLAG_COOKIE = 2,
	/* A template has said where it goes. */
	FLAG_CONTROLLED = 4,
};

/*
 * The second line of an IPv6 connection. What would be its count of packets, its state word, and
 * when it was last seen stays free: packets that are late still write there, to the connection
 * before it in the slot.
 */
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
	/* 0 quiesces: no new connection. */
	__u32 weight;
	/* Connections at which new ones are refused, and below which no longer; 0 is no limit. */
	__u32 upper;
	__u32 lower;
	/* Between reaching the upper and falling below the lower threshold. */
	__u32 overloaded;
	/* The next hop to it, one word: generation, index. As in LVS, the same for all clients. */
	__u32 route_generation;
	__u32 hop;
	/* Read and changed together, as one word. */
	__u32 active;
	__u32 inactive;
	/* As in struct next_hop, for METHOD_TUNNEL. */
	__u8 tunnel;
	__u8 tunnel_checksum;
	__be16 tunnel_port;
	/* Its templates, which are none of those. */
	__u32 persistent;
} __attribute__((aligned(8)));
ABI_ASSERT(sizeof(struct destination) == 64, "struct destination");

/*
 * Per destination, one element a CPU and a last one for the slow path: no line is shared. Written
 * by its CPU, but for `removed`, which is the daemon's.
 */
struct counters {
	__u64 connections;
	__u64 in_packets;
	__u64 out_packets;
	__u64 in_bytes;
	__u64 out_bytes;
	/* 1 when the destination is not available, here where every packet looks anyway. */
	__u32 removed;
	__u32 pad_removed;
	__u64 pad[2];
};
ABI_ASSERT(sizeof(struct counters) == 64, "struct counters");

struct verdict_counters {
	__u64 packets[VERDICTS];
};
ABI_ASSERT(sizeof(struct verdict_counters) % 64 == 0, "struct verdict_counters");

/* As LVS: some service is at port 21, and has the data ports of FTP; some are at port 0. */
enum other_ports {
	PORTS_OF_FTP = 1,
	PORTS_ALL = 2,
};

/* What is given up for room (native/table.h): half-open connections; flows of few packets too. */
enum relief {
	RELIEF_NONE = 0,
	RELIEF_HALF_OPEN = 1,
	RELIEF_ONE_SIDED = 2,
};

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
	__u32 syn_cookies;
	__u32 timeout_jiffies[STATES_ROOM];
	/* Secret: who knows them can aim at one bucket. */
	__u64 hash_keys[HASH_KEYS];
	/* Linux's sysctls of these names; ipvs-sysctl.rst. */
	__u32 conn_reuse_mode;
	__u32 expire_nodest_conn;
	__u32 sloppy_tcp;
	__u32 drop_entry;
	/* enum relief, now; when the daemon last saw a SYN flood, 0 is never. */
	__u32 relief;
	__u32 attacked_jiffies;
	__u32 own_stations_only;
	/* The thread that says so; the kernel marks it when it dies (native/keeper.h). 0: none. */
	__u32 keeper;
	/* Words of the table of addresses that holds; it begins at the word of that number. */
	__u32 address_words;
	/* A sysctl, too. */
	__u32 pmtu_disc;
	__u32 expire_quiescent_template;
	/* enum other_ports: whether services have ports beside their own. */
	__u32 other_ports;
	/* 1 while packets to any address at all may be a mark service's. */
	__u32 marks_wide;
	__u32 pad;
	/* Where the mark rules' program begins | its generation << 32; 0 there: no rules. */
	__u64 marks;
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
	/* QUESTION_ROUTE: of the target. */
	__u32 target_family;
};
ABI_ASSERT(sizeof(struct flow_record) == 76, "struct flow_record");

#include "schedule_abi.h"
#include "capture_abi.h"
#include "marks_abi.h"

#endif

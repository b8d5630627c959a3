/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/*
 * maps - every map, in the order in which a packet meets them, and the world made of them
 *
 * Sizes of 1 are set when the object is loaded. "Mapped" memory is read and written by the
 * daemon without system calls.
 */
#ifndef XLVS_MAPS_H
#define XLVS_MAPS_H

#include <linux/futex.h>

#include "express.h"

/* Mapped. Written by TypeScript: generation, heartbeat, timeouts. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct settings);
} settings SEC(".maps");

/* Mapped. Written by TypeScript: two bits, enum address_role, for every address that is ours. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, ADDRESS_WORDS);
	__type(key, __u32);
	__type(value, __u64);
} addresses SEC(".maps");

/* Mapped. Written by TypeScript: the MAC addresses of the interfaces. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, STATION_LINES);
	__type(key, __u32);
	__type(value, struct station_line);
} stations SEC(".maps");

/* Mapped. The connection table's buckets, and their slots, a line each; written by all. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} buckets SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct connection);
} connections SEC(".maps");

/* Written by TypeScript: the service's index. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, MAX_SERVICES);
	__type(key, struct service_key);
	__type(value, __u32);
} services SEC(".maps");

/* Mapped. Written by TypeScript: the programs of the mark rules, two of them in turn. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 2 * MAX_MARK_STEPS);
	__type(key, __u32);
	__type(value, struct mark_step);
} mark_steps SEC(".maps");

/* Mapped. A service's tickets by TypeScript; the window by XDP too. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, MAX_SERVICES);
	__type(key, __u32);
	__type(value, struct schedule);
} schedules SEC(".maps");

/* Mapped. Written by TypeScript: the rings of all services. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct ticket_line);
} rings SEC(".maps");

/* Mapped. Counts by XDP and slow path, the rest by TypeScript. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, MAX_DESTINATIONS);
	__type(key, __u32);
	__type(value, struct destination);
} destinations SEC(".maps");

/* Mapped. Element of a destination on a CPU: cpu * settings.destinations + index. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct counters);
} destination_counters SEC(".maps");

/* Mapped. One element a CPU, and one for the slow path. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct verdict_counters);
} verdicts SEC(".maps");

/* Mapped. The next hops that connections go by; written by XDP and slow path. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, MAX_NEXT_HOPS);
	__type(key, __u32);
	__type(value, struct next_hop);
} next_hops SEC(".maps");

/* Written by the daemon, by interface index. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, MAX_INTERFACES);
	__type(key, __u32);
	__type(value, struct interface);
} interfaces SEC(".maps");

/* The slow path's sockets; the kernel takes one out when it is closed. */
struct {
	__uint(type, BPF_MAP_TYPE_XSKMAP);
	__uint(max_entries, MAX_INTERFACES * MAX_QUEUES);
	__type(key, __u32);
	__type(value, __u32);
} sockets SEC(".maps");

/* XDP is not interrupted by itself, so one a CPU is enough. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct notes);
} notes SEC(".maps");

/* Mapped. Written by TypeScript: what a capture wants. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct capture);
} capture SEC(".maps");

/* Packets of a capture: struct captured, and frames. Read by the daemon. */
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, CAPTURE_RING_BYTES);
} captured SEC(".maps");

struct world {
	struct xdp_md *ctx;
};

#define AT(map, index) bpf_map_lookup_elem(&map, &index)

static __always_inline __u32 frame_bytes(struct world *world, const struct packet *pkt)
{
	return (__u32)bpf_xdp_get_buff_len(world->ctx);
}

static __always_inline __u32 read_jiffies(struct world *world)
{
	return (__u32)bpf_jiffies64();
}

static __always_inline const struct settings *find_settings(struct world *world)
{
	__u32 zero = 0;

	return AT(settings, zero);
}

static __always_inline const __u64 *address_word_at(struct world *world, __u32 index)
{
	return AT(addresses, index);
}

static __always_inline __u32 ingress_of(struct world *world)
{
	return world->ctx->ingress_ifindex;
}

static __always_inline const struct station_line *stations_at(struct world *world, __u32 line)
{
	return AT(stations, line);
}

static __always_inline const struct mark_step *mark_step_at(struct world *world, __u32 index)
{
	return AT(mark_steps, index);
}

static __always_inline __u64 *bucket_at(struct world *world, __u32 bucket)
{
	return AT(buckets, bucket);
}

static __always_inline struct connection *connection_at(struct world *world, __u32 slot)
{
	return AT(connections, slot);
}

static __always_inline struct notes *notes_of(struct world *world)
{
	__u32 zero = 0;

	return AT(notes, zero);
}

static __always_inline void repeat(__u32 times, long (*step)(__u32 turn, void *context),
				   void *context)
{
	bpf_loop(times, step, context, 0);
}

static __always_inline struct schedule *schedule_at(struct world *world, __u32 service)
{
	return AT(schedules, service);
}

static __always_inline struct ticket_line *tickets_at(struct world *world, __u32 line)
{
	return AT(rings, line);
}

static __always_inline struct destination *destination_at(struct world *world, __u32 index)
{
	return AT(destinations, index);
}

static __always_inline struct next_hop *next_hop_at(struct world *world, __u32 index)
{
	return AT(next_hops, index);
}

static __always_inline __u32 own_next_hop(struct world *world)
{
	return MAX_NEXT_HOPS - OWN_NEXT_HOPS + bpf_get_smp_processor_id() % (OWN_NEXT_HOPS / 2);
}

static __always_inline struct counters *counters_at(struct world *world,
						    const struct settings *settings, __u32 index)
{
	__u32 element = bpf_get_smp_processor_id() * settings->destinations + index;

	return AT(destination_counters, element);
}

static __always_inline int find_service(struct world *world, const struct service_key *key,
					__u32 *index)
{
	__u32 *found = bpf_map_lookup_elem(&services, key);

	if (found)
		*index = *found;
	return found != 0;
}

/* The element of `sockets` that packets of this receive queue are raised to. */
static __always_inline __u32 socket_index(struct xdp_md *ctx)
{
	__u32 ifindex = ctx->ingress_ifindex;
	struct interface *from = AT(interfaces, ifindex);

	if (!from || ctx->rx_queue_index >= MAX_QUEUES)
		return MAX_INTERFACES * MAX_QUEUES;
	return from->slot * MAX_QUEUES + ctx->rx_queue_index;
}

/*
 * A daemon that is killed is marked at once. Its sockets, which nobody empties any more, stay open
 * until all its memory is gone: up to half a second.
 */
static __always_inline int has_slow_path(struct world *world)
{
	const struct settings *settings = find_settings(world);
	__u32 index = socket_index(world->ctx);

	return settings && !(LOAD(&settings->keeper) & FUTEX_OWNER_DIED) &&
	       !is_daemon_silent(settings, read_jiffies(world), 1) && AT(sockets, index) != 0;
}

static __always_inline __u32 decided_destination(struct world *world)
{
	return NO_DESTINATION;
}

static __always_inline void count(__u64 *counter, __u64 amount)
{
	*counter += amount;
}

/*
 * Beside the path of almost every packet, and verified by itself (so not static): inlined, its
 * bounds would multiply the ways that the verifier follows.
 */
__noinline __u32 sum_option_words(struct xdp_md *ctx, __u32 offset, __u32 length)
{
	__u16 words[20] = {};
	__u32 sum = 0;

	if (length == 0 || length > sizeof(words))
		return 0;
	if (bpf_xdp_load_bytes(ctx, offset, words, length))
		return 0;
	for (int i = 0; i < 20; i++)
		sum += words[i];
	return sum;
}

static __always_inline __u32 sum_options(struct world *world, const struct packet *pkt)
{
	return sum_option_words(world->ctx, (__u32)((__u8 *)(pkt->ipv4 + 1) - pkt->data),
				(pkt->ipv4->ihl - 5) * 4);
}

static __always_inline int is_slow_path(struct world *world)
{
	return 0;
}

static __always_inline int may_ask(struct world *world)
{
	return 1;
}

static __always_inline int load_bytes(struct world *world, __u32 offset, void *to, __u32 length)
{
	return bpf_xdp_load_bytes(world->ctx, offset, to, length) == 0;
}

static __always_inline int store_bytes(struct world *world, __u32 offset, const void *from,
				       __u32 length)
{
	return bpf_xdp_store_bytes(world->ctx, offset, (void *)from, length) == 0;
}

static __always_inline int grow_front(struct world *world, __u32 bytes)
{
	return bpf_xdp_adjust_head(world->ctx, -(int)bytes) == 0;
}

static __always_inline int resize_frame(struct world *world, __u32 bytes)
{
	__u32 now = (__u32)bpf_xdp_get_buff_len(world->ctx);

	return bpf_xdp_adjust_tail(world->ctx, (int)(bytes - now)) == 0;
}

static __always_inline __s64 make_cookie(struct world *world, struct tcp_segment *seg)
{
	__u32 length = seg->header_bytes;

	if (length < TCP_HEADER_MIN || length > TCP_HEADER_MAX)
		return -1;
	return seg->is_ipv6 ? bpf_tcp_raw_gen_syncookie_ipv6(&seg->ipv6, &seg->tcp, length)
			    : bpf_tcp_raw_gen_syncookie_ipv4(&seg->ipv4, &seg->tcp, length);
}

static __always_inline int is_cookie(struct world *world, struct tcp_segment *seg)
{
	return seg->is_ipv6 ? bpf_tcp_raw_check_syncookie_ipv6(&seg->ipv6, &seg->tcp) == 0
			    : bpf_tcp_raw_check_syncookie_ipv4(&seg->ipv4, &seg->tcp) == 0;
}

#endif

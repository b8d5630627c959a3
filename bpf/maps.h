/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/*
 * maps - every map, in the order in which a packet meets them, and the world made of them
 *
 * Sizes of 1 are set when the object is loaded. "Mapped" memory is read and written by the
 * daemon without system calls.
 */
#ifndef XLVS_MAPS_H
#define XLVS_MAPS_H

#include "director.h"

/* Mapped. Written by TypeScript: generation, heartbeat, timeouts. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct settings);
} settings SEC(".maps");

/*
 * Written by the slow path: the five-tuples of each connection, one or two. Its elements take
 * memory as they come, so that room for many connections costs little where there are few.
 */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 1);
	__type(key, struct flow);
	__type(value, struct flow_entry);
} flows SEC(".maps");

/* Mapped. A slot a connection, written by the slow path and XDP. */
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

/* Mapped. Counts by XDP and slow path, availability by TypeScript. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, MAX_DESTINATIONS);
	__type(key, __u32);
	__type(value, struct destination);
} destinations SEC(".maps");

/* Mapped. Element of a destination on a CPU: cpu * MAX_DESTINATIONS + index. */
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

/* Written by the daemon: interface index -> interface slot. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, MAX_INTERFACES);
	__type(key, __u32);
	__type(value, __u32);
} interfaces SEC(".maps");

/* The slow path's sockets; the kernel takes one out when it is closed. */
struct {
	__uint(type, BPF_MAP_TYPE_XSKMAP);
	__uint(max_entries, MAX_INTERFACES * MAX_QUEUES);
	__type(key, __u32);
	__type(value, __u32);
} sockets SEC(".maps");

struct world {
	struct xdp_md *ctx;
};

static __always_inline __u32 now_jiffies(struct world *world)
{
	return (__u32)bpf_jiffies64();
}

static __always_inline const struct settings *find_settings(struct world *world)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&settings, &zero);
}

static __always_inline struct flow_entry *find_flow(struct world *world, const struct flow *flow)
{
	return bpf_map_lookup_elem(&flows, flow);
}

static __always_inline struct connection *connection_at(struct world *world, __u32 slot)
{
	return bpf_map_lookup_elem(&connections, &slot);
}

static __always_inline struct destination *destination_at(struct world *world, __u32 index)
{
	return bpf_map_lookup_elem(&destinations, &index);
}

static __always_inline struct counters *counters_at(struct world *world, __u32 index)
{
	__u32 element = bpf_get_smp_processor_id() * MAX_DESTINATIONS + index;

	return bpf_map_lookup_elem(&destination_counters, &element);
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

static __always_inline int has_service(struct world *world, const struct service_key *key)
{
	return bpf_map_lookup_elem(&services, key) != 0;
}

#endif

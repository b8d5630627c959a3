// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0
/*
 * table - the connection table and the kernel's hash map, asked the same
 *
 * One operation at each repeat of BPF_PROG_TEST_RUN, with the next of the keys. What `nothing`
 * takes, which only reads the key, is to be subtracted.
 */
#include "fib.h"

char _license[] SEC("license") = "Dual BSD/GPL";

struct ends {
	__u64 client;
	__u64 far;
};

/* As large as a connection, together with its key. */
struct entry {
	__u32 seen_jiffies;
	__u32 timeout_jiffies;
	__u64 words[5];
};

/* Mapped. In an order without a pattern. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct ends);
} keys SEC(".maps");

/* Mapped. Operations that did what they were to do. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} done SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__type(key, struct ends);
	__type(value, struct entry);
} hash SEC(".maps");

static __u32 next;

static __always_inline const struct ends *next_key(void)
{
	const struct ends *key = AT(keys, next);

	if (!key) {
		next = 0;
		key = AT(keys, next);
	}
	next++;
	return key;
}

static __always_inline int tell(int succeeded)
{
	__u32 zero = 0;
	__u64 *count = AT(done, zero);

	if (count && succeeded)
		*count += 1;
	return XDP_DROP;
}

/* What the director knows of a packet when it looks for its connection. */
static __always_inline int begin(struct world *world, struct journey *j)
{
	const struct ends *key = next_key();

	j->settings = find_settings(world);
	j->notes = notes_of(world);
	if (!key || !j->settings || !j->notes)
		return 0;
	j->pkt.source = key->client;
	j->pkt.target = key->far;
	j->pkt.protocol = IPPROTO_TCP;
	return 1;
}

SEC("xdp")
int nothing(struct xdp_md *ctx)
{
	return tell(next_key() != 0);
}

SEC("xdp")
int table_hit(struct xdp_md *ctx)
{
	struct world world = { .ctx = ctx };
	struct journey j = {};

	return tell(begin(&world, &j) && find_by(&world, &j, 0));
}

SEC("xdp")
int table_insert(struct xdp_md *ctx)
{
	struct world world = { .ctx = ctx };
	struct journey j = {};
	struct opening *o;

	if (!begin(&world, &j) || find_by(&world, &j, 0))
		return tell(0);
	note_key(&j, 0);
	o = &j.notes->opening;
	o->now_jiffies = read_jiffies(&world);
	o->state = STATE_ESTABLISHED;
	if (!win_slot(&world, j.settings, o))
		return tell(0);
	settle_connection(&world, j.settings, o, 0);
	return tell(1);
}

SEC("xdp")
int table_delete(struct xdp_md *ctx)
{
	struct world world = { .ctx = ctx };
	struct journey j = {};

	if (!begin(&world, &j) || !find_by(&world, &j, 0))
		return tell(0);
	return tell(end_connection(&world, j.settings, j.slot, j.state));
}

SEC("xdp")
int hash_hit(struct xdp_md *ctx)
{
	const struct ends *key = next_key();
	const struct entry *entry = key ? bpf_map_lookup_elem(&hash, key) : 0;

	/* A packet wants what is in it. */
	return tell(entry && entry->seen_jiffies);
}

SEC("xdp")
int hash_insert(struct xdp_md *ctx)
{
	const struct ends *key = next_key();
	struct entry entry = { .seen_jiffies = (__u32)bpf_jiffies64() };

	if (!key || bpf_map_lookup_elem(&hash, key))
		return tell(0);
	return tell(bpf_map_update_elem(&hash, key, &entry, BPF_NOEXIST) == 0);
}

SEC("xdp")
int hash_delete(struct xdp_md *ctx)
{
	const struct ends *key = next_key();

	return tell(key && bpf_map_delete_elem(&hash, key) == 0);
}

static long look(void *map, const struct ends *key, const struct entry *entry, __u64 *context)
{
	tell(entry->timeout_jiffies < entry->seen_jiffies);
	return 0;
}

/* Looks at every entry, as a sweep does; none is due. */
SEC("xdp")
int hash_sweep(struct xdp_md *ctx)
{
	bpf_for_each_map_elem(&hash, look, 0, 0);
	return XDP_DROP;
}

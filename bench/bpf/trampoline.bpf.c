// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0
/*
 * trampoline - gives a program a fresh packet at each repeat of BPF_PROG_TEST_RUN
 *
 *   test run -> restore the headers of the next flow -> tail call -> program under test
 *
 * Repeats share one packet buffer, and a director rewrites it: from the second repeat on it would
 * see its own output. So the headers are copied from a template here, and the bare redirect is
 * reached the same way: what differs between the two is the director.
 *
 * Templates are read one after the other, which costs next to nothing however many there are.
 * Whoever fills the array mixes the flows, so that the director meets them in random order.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

char _license[] SEC("license") = "Dual BSD/GPL";

enum {
	/* Ethernet, IPv6 and TCP headers, and what is missing to whole registers. */
	FRAME_BYTES = 80,
	SLOT_UNDER_TEST = 0,
	SLOT_BASELINE = 1,
	LOOPBACK = 1,
};

struct frame {
	__u64 words[FRAME_BYTES / 8];
};

/* Mapped. One frame a flow. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct frame);
} templates SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 2);
	__type(key, __u32);
	__type(value, __u32);
} programs SEC(".maps");

static __u32 next;

/* False only for a frame of the wrong size. What a tunnel has put in front is taken off again. */
static __always_inline int restore(struct xdp_md *ctx)
{
	long grown = (long)ctx->data_end - (long)ctx->data - FRAME_BYTES;
	struct frame *frame;
	struct frame *template = bpf_map_lookup_elem(&templates, &next);

	if (grown > 0 && bpf_xdp_adjust_head(ctx, (int)grown))
		return 0;
	frame = (struct frame *)(long)ctx->data;
	if (!template) {
		next = 0;
		template = bpf_map_lookup_elem(&templates, &next);
	}
	next++;
	if (!template || (void *)(frame + 1) > (void *)(long)ctx->data_end)
		return 0;
	for (int i = 0; i < FRAME_BYTES / 8; i++)
		frame->words[i] = template->words[i];
	return 1;
}

SEC("xdp.frags")
int under_test(struct xdp_md *ctx)
{
	if (restore(ctx))
		bpf_tail_call_static(ctx, &programs, SLOT_UNDER_TEST);
	return XDP_ABORTED;
}

SEC("xdp.frags")
int baseline(struct xdp_md *ctx)
{
	if (restore(ctx))
		bpf_tail_call_static(ctx, &programs, SLOT_BASELINE);
	return XDP_ABORTED;
}

SEC("xdp.frags")
int bare_redirect(struct xdp_md *ctx)
{
	return bpf_redirect(LOOPBACK, 0);
}

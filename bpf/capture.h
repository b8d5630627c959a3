/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/*
 * capture - copies of packets for `xlvs capture`, since tcpdump sees none that XDP redirects
 *
 *   capture_before   the frame as it came, where the capture's filter may want it
 *   capture_after    the frame as it leaves and the verdict; both to the daemon by one record
 *
 * While nobody captures, each is a branch not taken on a word of the settings, which every packet
 * reads anyway.
 */
#ifndef XLVS_CAPTURE_H
#define XLVS_CAPTURE_H

#include "capture_filter.h"
#include "maps.h"

/* The packet at hand: its record as it grows, the frames one behind the other. */
struct capture_scratch {
	struct captured head;
	__u8 frames[2 * CAPTURE_BYTES];
	/* Bytes of the first frame; 0 is no packet. */
	__u32 received;
	__u32 truth;
};

/* XDP is not interrupted by itself, so one a CPU is enough. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct capture_scratch);
} capture_scratch SEC(".maps");

struct frame {
	struct xdp_md *ctx;
};

static __always_inline int read_frame(struct frame *frame, __u32 offset, void *to, __u32 size)
{
	return (int)bpf_xdp_load_bytes(frame->ctx, offset, to, size);
}

/* Copies up to CAPTURE_BYTES; so many were. */
static __always_inline __u32 copy_frame(struct xdp_md *ctx, const struct capture *wanted, void *to)
{
	__u32 kept = kept_of(wanted, (__u32)bpf_xdp_get_buff_len(ctx));

	FORGET(kept);
	if (kept == 0 || kept > CAPTURE_BYTES)
		return 0;
	return bpf_xdp_load_bytes(ctx, 0, to, kept) ? 0 : kept;
}

__noinline int capture_received(struct xdp_md *ctx, __u32 number)
{
	struct frame frame = { .ctx = ctx };
	__u32 zero = 0;
	struct capture *wanted = bpf_map_lookup_elem(&capture, &zero);
	struct capture_scratch *scratch = bpf_map_lookup_elem(&capture_scratch, &zero);

	if (!wanted || !scratch)
		return 0;
	scratch->received = 0;
	scratch->truth = truth_of_frame(wanted, &frame);
	if (!is_wanted(wanted, scratch->truth, wanted->late_terms))
		return 0;
	scratch->head.time_ns = bpf_ktime_get_ns();
	scratch->head.capture = number;
	scratch->head.ingress_ifindex = ctx->ingress_ifindex;
	scratch->head.received_length = (__u32)bpf_xdp_get_buff_len(ctx);
	scratch->received = copy_frame(ctx, wanted, scratch->frames);
	return 0;
}

__noinline int capture_sent(struct xdp_md *ctx, __u32 number, __u32 verdict, __u32 egress)
{
	__u32 zero = 0;
	struct capture *wanted = bpf_map_lookup_elem(&capture, &zero);
	struct capture_scratch *scratch = bpf_map_lookup_elem(&capture_scratch, &zero);
	__u32 size, sent = 0;

	if (!wanted || !scratch || scratch->head.capture != number)
		return 0;
	size = scratch->received;
	scratch->received = 0;
	if (size == 0 || size > CAPTURE_BYTES)
		return 0;
	if (!is_wanted(wanted, scratch->truth | truth_of_verdict(wanted, verdict), 0))
		return 0;
	if (egress)
		sent = copy_frame(ctx, wanted, &scratch->frames[size]);
	scratch->head.verdict = verdict;
	scratch->head.egress_ifindex = egress;
	scratch->head.sent_length = sent ? (__u32)bpf_xdp_get_buff_len(ctx) : 0;
	size += sent + sizeof(scratch->head);
	if (bpf_ringbuf_output(&captured, scratch, size, BPF_RB_NO_WAKEUP))
		ADD(&wanted->lost, 1);
	return 0;
}

static __always_inline void capture_before(struct xdp_md *ctx, const struct settings *settings)
{
	__u32 number = settings ? LOAD(&settings->capture) : 0;

	if (number)
		capture_received(ctx, number);
}

/* `egress`: the interface that the packet is forwarded to; 0 for none. */
static __always_inline void capture_after(struct xdp_md *ctx, const struct settings *settings,
					  enum verdict verdict, __u32 egress)
{
	__u32 number = settings ? LOAD(&settings->capture) : 0;

	if (number)
		capture_sent(ctx, number, verdict, egress);
}

#endif

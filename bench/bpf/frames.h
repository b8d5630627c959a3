/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/*
 * frames.h - what the benchmarks' BPF programs are told by the programs that load them, and what
 * they tell: read-only data and counts. C and C++.
 */
#pragma once

#include <linux/types.h>

enum {
	/* A small frame; what the headers leave is padding. */
	SENT_FRAME_BYTES = 64,
};

/* What bench/bpf/sender.bpf.c sends. */
struct plan {
	/* Everything that all frames have in common; checksums are 0. */
	__u64 frame[SENT_FRAME_BYTES / 8];
	/* Sums of what their checksums cover, RFC 1071. */
	__u32 ip_sum;
	__u32 transport_sum;
	__u32 ifindex;
	/* Established flows: 2 to that power. */
	__u32 flow_bits;
	/* One frame of so many opens a new flow, the first the one of this number; 0: none does. */
	__u32 new_every;
	__u32 first_new;
	/* TCP header length and flags, in network order; 0 for UDP. */
	__be16 known_flags;
	__be16 new_flags;
	/* So many frames come at once. */
	__u32 burst;
	/* From one burst to the next; 0: as fast as it goes. */
	__u64 interval_ns;
	/* A sender that was held up longer forgets the rest: it would overflow rings. */
	__u64 arrears_ns;
	/* Frames; the rest of the time passes without. */
	__u64 limit;
};

/* Frames, of established and of new flows. */
struct frame_counts {
	__u64 known;
	__u64 opening;
};

/* What bench/bpf/sink.bpf.c takes: frames to a port, or from it. */
struct sunk {
	__be16 port;
	__u8 is_source;
};

/* Where bench/bpf/redirect.bpf.c takes what comes in by one interface. */
struct way {
	__u32 from;
	__u32 to;
	/* Destination and source, as they begin the frame. */
	__u8 macs[12];
};

/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/*
 * capture_abi - what XDP and daemon share of captures; the part of abi.h that it ends with
 */
#ifndef XLVS_CAPTURE_ABI_H
#define XLVS_CAPTURE_ABI_H

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

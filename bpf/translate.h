/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/*
 * translate - the packets of a connection that a SYN cookie opened (syncookie.h)
 *
 * The client knows the cookie for the destination's initial sequence number, and our timestamps
 * and window scale for the destination's. So for as long as the connection lives
 *
 *   destination -> client   sequence number - delta, timestamp - delta, window shifted
 *   client -> destination   acknowledgement and SACK edges (RFC 2018) + delta, echo + delta
 *
 * with the differences that the destination's SYN+ACK shows. Until then the connection keeps the
 * cookie and its timestamp in their place.
 */
#ifndef XLVS_TRANSLATE_H
#define XLVS_TRANSLATE_H

#include "segment.h"

enum scale_limits {
	/* What our SYN+ACKs announce. */
	COOKIE_SCALE = 7,
	/* RFC 7323 section 2.3: beyond 14 it means 14. */
	SCALE_MAX = 14,
};

/* The low bits of a cookie's timestamp: what the client's SYN had. */
enum cookie_timestamp {
	COOKIE_CLIENT_SCALE = 0xf,
	/* As a scale: none. */
	COOKIE_NO_SCALE = 0xf,
	COOKIE_SACK = 0x10,
	COOKIE_OPTIONS = 0x1f,
};

static __always_inline __u8 scale_of(const struct tcp_segment *seg)
{
	__u32 at = option_at(seg, OPTION_SCALE, 3);

	if (!at)
		return COOKIE_NO_SCALE;
	if (seg->header[at + 2] > SCALE_MAX)
		return SCALE_MAX;
	return seg->header[at + 2];
}

static __always_inline void set_flags(struct tcp_segment *seg, __u8 flags)
{
	seg->header[12] = 0;
	seg->header[13] = flags;
	seg->tcp.urg_ptr = 0;
}

/* A window field for a receiver who shifts it by so many bits less than its sender meant. */
static __always_inline __u16 shift_window(__u16 window, __s8 shift)
{
	__u32 shifted = shift < 0 ? (__u32)window >> (-shift & 15) : (__u32)window << (shift & 15);

	return shifted > 0xffff ? 0xffff : (__u16)shifted;
}

/*
 * Changes the flags from one value to another; 0 where they are no longer what they were. Who has
 * set both of them may change the numbers.
 */
static __always_inline int claim_flags(struct connection *conn, __u32 from, __u32 to)
{
	/* Method, flags and window shifts are one word; the flags are its second byte. */
	__u32 __attribute__((may_alias)) *word = (__u32 *)&conn->method;
	__u32 old = LOAD(word);

	if ((old >> 8 & 0xff) != from)
		return 0;
	return SWAP_IF(word, old, (old & ~0xff00u) | to << 8) == old;
}

/* How each side's window fields change: we told the client our scale, not the destination's. */
static __always_inline void keep_scales(struct connection *conn, __u8 client, __u8 destination)
{
	__s8 in = 0, out = 0;

	if (client != COOKIE_NO_SCALE)
		out = (__s8)((destination & 15) - COOKIE_SCALE);
	if (client != COOKIE_NO_SCALE && destination == COOKIE_NO_SCALE) {
		/* The destination scales no window, neither its own nor the client's. */
		out = -COOKIE_SCALE;
		in = (__s8)client;
	}
	STORE(&conn->window_shift_in, in);
	STORE(&conn->window_shift_out, out);
}

/*
 * The destination's first SYN+ACK says how far its numbers are ahead of those that the client
 * knows. Two CPUs with the same SYN+ACK: only who sets the second flag turns the numbers into
 * differences. 0 for the other one, whose packet will come again.
 */
static __always_inline int keep_differences(struct connection *conn, const struct tcp_segment *seg)
{
	__u32 timestamps = option_at(seg, OPTION_TIMESTAMPS, 10);
	__u32 timestamp = 0;
	__u8 flags = LOAD(&conn->flags);

	if (flags & FLAG_COOKIE)
		return !(flags & FLAG_COOKIE_OPENING);
	if (!claim_flags(conn, FLAG_COOKIE_OPENING, FLAG_COOKIE_OPENING | FLAG_COOKIE))
		return 0;
	keep_scales(conn, LOAD(&conn->timestamp_delta) & COOKIE_CLIENT_SCALE, scale_of(seg));
	if (timestamps)
		timestamp = get32(seg->header, timestamps + 2) - LOAD(&conn->timestamp_delta);
	STORE(&conn->sequence_delta, bpf_ntohl(seg->tcp.seq) - LOAD(&conn->sequence_delta));
	STORE(&conn->timestamp_delta, timestamp);
	return claim_flags(conn, FLAG_COOKIE_OPENING | FLAG_COOKIE, FLAG_COOKIE);
}

/* Makes the destination's SYN+ACK the old octet that opens the client's window. */
static __always_inline enum verdict open_window(struct world *world, struct tcp_segment *seg,
						struct connection *conn)
{
	__u32 at = option_at(seg, OPTION_TIMESTAMPS, 10);
	__u32 timestamp = 0, echo = 0;
	__u8 scale = scale_of(seg);
	__s8 shift = LOAD(&conn->window_shift_out);

	if (at) {
		timestamp = get32(seg->header, at + 2) - LOAD(&conn->timestamp_delta);
		echo = get32(seg->header, at + 6);
	}
	seg->tcp.seq = bpf_htonl(bpf_ntohl(seg->tcp.seq) - LOAD(&conn->sequence_delta));
	/* This one window was not scaled. */
	if (scale != COOKIE_NO_SCALE)
		shift = -COOKIE_SCALE;
	seg->tcp.window = bpf_htons(shift_window(bpf_ntohs(seg->tcp.window), shift));
	set_flags(seg, TCP_ACK);
	__builtin_memset(seg->header + TCP_HEADER_MIN, 0, SEGMENT_ROOM - TCP_HEADER_MIN);
	seg->header_bytes = TCP_HEADER_MIN;
	if (at) {
		put32(seg->header, 20,
		      OPTION_NOP << 24 | OPTION_NOP << 16 | OPTION_TIMESTAMPS << 8 | 10);
		put32(seg->header, 24, timestamp);
		put32(seg->header, 28, echo);
		seg->header_bytes = 32;
	}
	return replace_segment(world, seg, 1) ? NEXT : VERDICT_DROPPED_COOKIE;
}

static __always_inline void shift_sack(struct tcp_segment *seg, __u32 delta)
{
	__u32 at = seg->options[OPTION_SACK] % SEGMENT_ROOM;
	__u32 end = at ? at + seg->header[(at + 1) % SEGMENT_ROOM] : 0;

	at += 2;
	for (int i = 0; i < 2 * SACK_BLOCKS_MAX; i++) {
		if (at + 4 > end || at + 4 > SEGMENT_ROOM)
			return;
		put32(seg->header, at, get32(seg->header, at) + delta);
		at += 4;
	}
}

static __always_inline void shift_timestamp(struct tcp_segment *seg, __u32 field, __u32 delta)
{
	__u32 at = option_at(seg, OPTION_TIMESTAMPS, 10);

	if (at)
		put32(seg->header, at + field, get32(seg->header, at + field) + delta);
}

/* The destination's numbers become those that the client knows. */
static __always_inline void translate_out(struct tcp_segment *seg, const struct connection *conn)
{
	seg->tcp.seq = bpf_htonl(bpf_ntohl(seg->tcp.seq) - LOAD(&conn->sequence_delta));
	shift_timestamp(seg, 2, -LOAD(&conn->timestamp_delta));
	seg->tcp.window =
		bpf_htons(shift_window(bpf_ntohs(seg->tcp.window), LOAD(&conn->window_shift_out)));
}

/* What the client acknowledges is what the destination has sent. */
static __always_inline void translate_in(struct tcp_segment *seg, const struct connection *conn)
{
	__u32 delta = LOAD(&conn->sequence_delta);

	if (!(seg->header[13] & TCP_ACK))
		return;
	seg->tcp.ack_seq = bpf_htonl(bpf_ntohl(seg->tcp.ack_seq) + delta);
	shift_timestamp(seg, 6, LOAD(&conn->timestamp_delta));
	shift_sack(seg, delta);
	seg->tcp.window =
		bpf_htons(shift_window(bpf_ntohs(seg->tcp.window), LOAD(&conn->window_shift_in)));
}

/* Before the destination has answered: its refusal reaches the client, the client's RST it. */
static __always_inline enum verdict translate_reset(struct tcp_segment *seg,
						    const struct connection *conn, int reply)
{
	if (!(seg->header[13] & TCP_RST))
		return VERDICT_DROPPED_COOKIE;
	if (reply) {
		/* The very number that the client expects, or it would not believe it. */
		seg->tcp.seq = bpf_htonl(LOAD(&conn->sequence_delta) + 1);
	} else {
		seg->tcp.ack_seq = 0;
		seg->header[13] &= ~TCP_ACK;
	}
	return NEXT;
}

/*
 * A packet of a connection that a cookie opened, as the other side is to see it. Addresses,
 * ports and link are those it leaves with. Not for a packet that put_handshake makes.
 */
static __always_inline enum verdict translate(struct world *world, struct tcp_segment *seg,
					      struct connection *conn, int reply)
{
	enum verdict verdict = NEXT;
	__u8 flags;
	__u16 before;

	if (!read_segment(world, seg))
		return VERDICT_DROPPED_COOKIE;
	flags = seg->header[13];
	before = sum_header_of(seg);
	if (reply && (flags & (TCP_SYN | TCP_ACK | TCP_RST)) == (TCP_SYN | TCP_ACK))
		return keep_differences(conn, seg) ? open_window(world, seg, conn)
						   : VERDICT_DROPPED_COOKIE;
	if (LOAD(&conn->flags) & FLAG_COOKIE_OPENING)
		verdict = translate_reset(seg, conn, reply);
	else if (reply)
		translate_out(seg, conn);
	else
		translate_in(seg, conn);
	if (verdict == NEXT && !update_segment(world, seg, before))
		verdict = VERDICT_DROPPED_COOKIE;
	return verdict;
}

#endif

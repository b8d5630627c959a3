/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/*
 * syncookie - a NAT service under a SYN flood keeps nothing until a client has proved itself
 *
 *   client                      director                        real server
 *     | SYN seq=c                  |                                  |
 *     |--------------------------->| answer_syn: nothing stored       |
 *     |      SYN+ACK seq=k win=0   |                                  |
 *     |<---------------------------|                                  |
 *     | ACK seq=c+1 ack=k+1        |                                  |
 *     |--------------------------->| check_handshake: connection      |
 *     |                            | put_handshake:     SYN seq=c     |
 *     |                            |--------------------------------->|
 *     |                            |         SYN+ACK seq=s ack=c+1    |
 *     |                            |<---------------------------------|
 *     |  1 old octet seq=k win=w   | open_window: s - k is kept       |
 *     |<---------------------------|                                  |
 *     | ACK, perhaps with data     |                                  |
 *     |--------------------------->| translate: ack, SACK + (s - k)   |
 *     |                            |--------------------------------->| established
 *
 * k is the kernel's SYN cookie (RFC 4987 section 3.2). It holds the client's MSS in one of four
 * steps; window scale and SACK stand in the low bits of the timestamp, which the client echoes
 * (RFC 7323), so that a client without timestamps has neither.
 *
 * The window is 0 until the real server is there: data sent earlier would be lost, and sent again
 * 200 ms later. The server's SYN+ACK becomes an old octet, the keep-alive of RFC 1122 section
 * 4.2.3.6: it opens the window and asks for the ACK that completes the server's handshake,
 * whichever side speaks first. So each packet makes one packet, on the way it has anyway. A stack
 * that answers old octets without a look at the window asks for it by its own probe.
 *
 * Whatever is lost is repaired by its sender: the client's probes are the SYN again, the server's
 * SYN+ACK is the octet again.
 */
#ifndef XLVS_SYNCOOKIE_H
#define XLVS_SYNCOOKIE_H

#include "translate.h"

enum cookie_limits {
	/* Cookies are sent as long as the daemon has seen the attack so lately, */
	COOKIE_SENT_S = 3,
	/* and taken as long as the kernel finds them fresh. */
	COOKIE_TAKEN_S = 128,
	COOKIE_MSS_IPV4 = 1460,
	COOKIE_MSS_IPV6 = 1440,
	/* RFC 9293 section 3.7.1. */
	COOKIE_MSS_DEFAULT = 536,
	COOKIE_HOPS = 64,
	/* Urgent pointer, without its flag, of a raised SYN that carries a handshake. */
	COOKIE_CARRIED = 0xc00c,
};

/* A client's handshake, as its ACK shows it; 0 is no cookie. */
struct handshake {
	/* Initial sequence numbers of both sides. */
	__u32 sequence;
	__u32 cookie;
	__u32 timestamp;
	/* What the client echoes of ours; with no timestamps COOKIE_NO_SCALE. */
	__u32 cookie_timestamp;
	__u32 has_timestamps;
	__u16 mss;
	__u16 window;
};

/* What the steps work on, and what one leaves to the next of the same packet. */
struct cookie_desk {
	struct tcp_segment seg;
	struct handshake handshake;
	/* 1 when the handshake is this packet's. */
	__u32 is_proven;
	__u8 tcp_flags;
	__u8 pad[3];
};

/* See take_cookie_step. */
enum cookie_step {
	STEP_NONE = 0,
	STEP_ANSWER = 1,
	STEP_PUT = 2,
	STEP_RAISE = 3,
	STEP_TRANSLATE_IN = 4,
	STEP_TRANSLATE_OUT = 5,
};

/* The kernel's cookie for a SYN; negative where it makes none. */
static __s64 make_cookie(struct world *world, struct tcp_segment *seg);
/* Whether an ACK acknowledges a cookie that the kernel made and finds fresh. */
static int is_cookie(struct world *world, struct tcp_segment *seg);

static __always_inline int was_attacked(const struct settings *settings, __u32 now, __u32 within_s)
{
	__u32 attacked = LOAD(&settings->attacked_jiffies);

	if (settings->syn_cookies == 2)
		return 1;
	return settings->syn_cookies == 1 && attacked && now - attacked <= within_s * settings->hz;
}

/* Whether SYNs are answered by cookies. */
static __always_inline int are_cookies_sent(const struct settings *settings, __u32 now)
{
	return was_attacked(settings, now, COOKIE_SENT_S);
}

/* Whether an ACK without a connection may acknowledge one. */
static __always_inline int are_cookies_taken(const struct settings *settings, __u32 now)
{
	return was_attacked(settings, now, COOKIE_TAKEN_S);
}

/* The two words of a timestamps option; RFC 7323. */
struct timestamps {
	__u32 value;
	__u32 echo;
};

/* A SYN's options in a fixed order, padded, so that each has its place. */
static __always_inline void put_options(struct tcp_segment *seg, const struct handshake *h,
					struct timestamps stamps, __u8 scale)
{
	__u8 *header = seg->header;
	int has_sack = (h->cookie_timestamp & COOKIE_SACK) != 0;

	__builtin_memset(header + TCP_HEADER_MIN, 0, SEGMENT_ROOM - TCP_HEADER_MIN);
	put32(header, 20, (__u32)OPTION_MSS << 24 | 4 << 16 | h->mss);
	seg->header_bytes = 24;
	if (!h->has_timestamps)
		return;
	header[24] = has_sack ? OPTION_SACK_PERMITTED : OPTION_NOP;
	header[25] = has_sack ? 2 : OPTION_NOP;
	header[26] = OPTION_TIMESTAMPS;
	header[27] = 10;
	put32(header, 28, stamps.value);
	put32(header, 32, stamps.echo);
	put32(header, 36, OPTION_NOP << 24 | OPTION_NOP << 16 | OPTION_NOP << 8 | OPTION_NOP);
	if ((h->cookie_timestamp & COOKIE_CLIENT_SCALE) != COOKIE_NO_SCALE)
		put32(header, 36, OPTION_NOP << 24 | OPTION_SCALE << 16 | 3 << 8 | scale);
	seg->header_bytes = 40;
}

/* The options of a SYN, as far as an answer takes them up. */
static __always_inline void read_options(const struct tcp_segment *seg, struct handshake *h)
{
	__u32 at = option_at(seg, OPTION_TIMESTAMPS, 10);

	h->has_timestamps = at != 0;
	h->cookie_timestamp = COOKIE_NO_SCALE;
	if (!at)
		return;
	h->timestamp = get32(seg->header, at + 2);
	h->cookie_timestamp = scale_of(seg);
	if (option_at(seg, OPTION_SACK_PERMITTED, 2))
		h->cookie_timestamp |= COOKIE_SACK;
}

static __always_inline int turn_link(struct world *world)
{
	__u8 target[ETH_ALEN], source[ETH_ALEN];

	return load_bytes(world, 0, target, ETH_ALEN) &&
	       load_bytes(world, ETH_ALEN, source, ETH_ALEN) &&
	       store_bytes(world, 0, source, ETH_ALEN) &&
	       store_bytes(world, ETH_ALEN, target, ETH_ALEN);
}

/* Sends the packet back; its checksums hold but for the header's TTL. */
static __always_inline void turn_addresses(struct tcp_segment *seg)
{
	__be16 port = seg->tcp.source;

	seg->tcp.source = seg->tcp.dest;
	seg->tcp.dest = port;
	if (seg->is_ipv6) {
		struct in6_addr address = seg->ipv6.saddr;

		seg->ipv6.saddr = seg->ipv6.daddr;
		seg->ipv6.daddr = address;
		seg->ipv6.hop_limit = COOKIE_HOPS;
	} else {
		__be32 address = seg->ipv4.saddr;
		__be16 old = bpf_htons((__u16)(seg->ipv4.ttl << 8));

		seg->ipv4.saddr = seg->ipv4.daddr;
		seg->ipv4.daddr = address;
		seg->ipv4.ttl = COOKIE_HOPS;
		seg->ipv4.check = update_checksum(seg->ipv4.check,
						  port_delta(old, bpf_htons(COOKIE_HOPS << 8)));
	}
}

/* Makes the SYN its own answer, to leave where it came from. */
static __always_inline enum verdict answer_syn(struct world *world, struct tcp_segment *seg,
					       struct handshake *h)
{
	__u32 clock = read_jiffies(world) & ~(__u32)COOKIE_OPTIONS;
	struct timestamps stamps;
	__s64 cookie;

	if (!read_segment(world, seg))
		return VERDICT_DROPPED_COOKIE;
	cookie = make_cookie(world, seg);
	if (cookie < 0)
		return VERDICT_DROPPED_COOKIE;
	read_options(seg, h);
	h->mss = seg->is_ipv6 ? COOKIE_MSS_IPV6 : COOKIE_MSS_IPV4;

	turn_addresses(seg);
	seg->tcp.ack_seq = bpf_htonl(bpf_ntohl(seg->tcp.seq) + 1);
	seg->tcp.seq = bpf_htonl((__u32)cookie);
	seg->tcp.window = 0;
	set_flags(seg, TCP_SYN | TCP_ACK);
	stamps.value = clock | h->cookie_timestamp;
	stamps.echo = h->timestamp;
	put_options(seg, h, stamps, COOKIE_SCALE);
	return turn_link(world) && replace_segment(world, seg, 0) ? NEXT : VERDICT_DROPPED_COOKIE;
}

/*
 * The MSS in a good cookie. The kernel tells whether a cookie is good, not what it holds; but
 * that is a small number added last, so that the cookies just below a good one are good as well,
 * down to the number 0. (Linux syncookies.c; test/netns/syncookie.root.test.ts holds it.)
 */
static __always_inline __u16 read_mss(struct world *world, struct tcp_segment *seg, __u32 cookie)
{
	static const __u16 steps[2][4] = { { 536, 1300, 1440, 1460 }, { 1220, 1420, 1440, 8940 } };
	__u32 step = 0;

	seg->tcp.ack_seq = bpf_htonl(cookie + 1 - 2);
	if (is_cookie(world, seg))
		step = 2;
	seg->tcp.ack_seq = bpf_htonl(cookie + 1 - (step + 1));
	if (is_cookie(world, seg))
		step++;
	return steps[seg->is_ipv6 != 0][step & 3];
}

/* The ACK itself, or Linux's window probe, which is one sequence number behind. */
static __always_inline int find_cookie(struct world *world, struct tcp_segment *seg)
{
	if (is_cookie(world, seg))
		return 1;
	seg->tcp.seq = bpf_htonl(bpf_ntohl(seg->tcp.seq) + 1);
	return is_cookie(world, seg);
}

/* An ACK of a client that has no connection, or one whose destination has not answered yet. */
static __always_inline enum verdict check_handshake(struct world *world, struct tcp_segment *seg,
						    struct handshake *h)
{
	__u32 at;

	if (!read_segment(world, seg))
		return VERDICT_PASSED_MALFORMED;
	if (!find_cookie(world, seg))
		return VERDICT_DROPPED_COOKIE;
	h->sequence = bpf_ntohl(seg->tcp.seq) - 1;
	h->cookie = bpf_ntohl(seg->tcp.ack_seq) - 1;
	h->mss = read_mss(world, seg, h->cookie);
	at = option_at(seg, OPTION_TIMESTAMPS, 10);
	h->has_timestamps = at != 0;
	h->cookie_timestamp = COOKIE_NO_SCALE;
	if (at) {
		h->timestamp = get32(seg->header, at + 2);
		h->cookie_timestamp = get32(seg->header, at + 6);
	}
	h->window = bpf_ntohs(seg->tcp.window);
	return NEXT;
}

/*
 * Makes the client's ACK the SYN that it stands for. One that goes to the slow path carries the
 * cookie and its timestamp, where a SYN has no use for the fields: RFC 9293 section 3.1, RFC 7323
 * section 3.2.
 */
static __always_inline enum verdict put_handshake(struct world *world, struct tcp_segment *seg,
						  const struct handshake *h, int is_raised)
{
	__u8 scale = h->cookie_timestamp & COOKIE_CLIENT_SCALE;
	__u16 window = h->window;
	struct timestamps stamps;

	if (!read_segment(world, seg))
		return VERDICT_DROPPED_COOKIE;
	/* Windows are not scaled in a SYN. */
	if (scale != COOKIE_NO_SCALE && !(seg->header[13] & TCP_SYN))
		window = shift_window(window, (__s8)scale);
	seg->tcp.seq = bpf_htonl(h->sequence);
	seg->tcp.ack_seq = is_raised ? bpf_htonl(h->cookie) : 0;
	seg->tcp.window = bpf_htons(window);
	set_flags(seg, TCP_SYN);
	if (is_raised)
		seg->tcp.urg_ptr = bpf_htons(COOKIE_CARRIED);
	stamps.value = h->timestamp;
	stamps.echo = is_raised ? h->cookie_timestamp : 0;
	put_options(seg, h, stamps, scale);
	return replace_segment(world, seg, 0) ? NEXT : VERDICT_DROPPED_COOKIE;
}

/* The handshake that a raised SYN carries, for the slow path; 0 where it is a client's own. */
static __always_inline int read_carried(struct world *world, struct tcp_segment *seg,
					struct handshake *h)
{
	__u32 at;

	if (!read_segment(world, seg) || seg->tcp.urg_ptr != bpf_htons(COOKIE_CARRIED))
		return 0;
	read_options(seg, h);
	h->sequence = bpf_ntohl(seg->tcp.seq);
	h->cookie = bpf_ntohl(seg->tcp.ack_seq);
	h->window = bpf_ntohs(seg->tcp.window);
	at = option_at(seg, OPTION_TIMESTAMPS, 10);
	if (at)
		h->cookie_timestamp = get32(seg->header, at + 6);
	at = option_at(seg, OPTION_MSS, 4);
	h->mss = COOKIE_MSS_DEFAULT;
	if (at)
		h->mss = (__u16)get32(seg->header, at);
	return 1;
}

/* A client that began anew, from the same port, has another cookie. */
static __always_inline void renew_handshake(struct connection *conn, const struct handshake *h)
{
	if (LOAD(&conn->sequence_delta) == h->cookie ||
	    !claim_flags(conn, FLAG_COOKIE_OPENING, FLAG_COOKIE_OPENING | FLAG_COOKIE))
		return;
	STORE(&conn->sequence_delta, h->cookie);
	STORE(&conn->timestamp_delta, h->cookie_timestamp);
	claim_flags(conn, FLAG_COOKIE_OPENING | FLAG_COOKIE, FLAG_COOKIE_OPENING);
}

static __always_inline void place_on_desk(struct cookie_desk *desk, const struct packet *pkt)
{
	place_segment(&desk->seg, pkt);
	desk->tcp_flags = pkt->tcp_flags;
	desk->is_proven = 0;
}

/*
 * An ACK whose place is on the desk: its handshake is there then. Reads the frame only, so that
 * pointers into it hold. The connection is one that is opening, or none.
 */
static __always_inline enum verdict prove_client(struct world *world, struct cookie_desk *desk,
						 struct connection *conn)
{
	enum verdict verdict = check_handshake(world, &desk->seg, &desk->handshake);

	desk->is_proven = verdict == NEXT;
	if (verdict == NEXT && conn)
		renew_handshake(conn, &desk->handshake);
	return verdict;
}

/*
 * The change of a packet whose place is on the desk, after every other one:
 *
 *   ANSWER         a SYN, to leave where it came from
 *   PUT, RAISE     an ACK that proved itself becomes the SYN: for the destination, to be raised
 *   TRANSLATE_…    any other packet of a connection that a cookie opened
 *
 * NEXT, or the packet's end. Pointers into the frame do not hold any more.
 */
static __always_inline enum verdict take_cookie_step(struct world *world, struct cookie_desk *desk,
						     enum cookie_step step, struct connection *conn)
{
	struct tcp_segment *seg = &desk->seg;

	if (step == STEP_ANSWER)
		return answer_syn(world, seg, &desk->handshake);
	if (step == STEP_PUT || step == STEP_RAISE)
		return put_handshake(world, seg, &desk->handshake, step == STEP_RAISE);
	if (!conn)
		return VERDICT_DROPPED_COOKIE;
	return translate(world, seg, conn, step == STEP_TRANSLATE_OUT);
}

#endif

/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/*
 * segment - a TCP header and the IP header before it, copied out of the frame, changed, put back
 *
 *   place_segment -> read_segment -> (edit) -> update_segment    same length, data untouched
 *                                              replace_segment   other options, no data
 *
 * Options stand anywhere and at odd addresses, and the kernel's SYN cookie helpers refuse packet
 * pointers: so whoever edits more than ports works on such a copy. It is too large for the stack
 * of a BPF program; the world owns it.
 */
#ifndef XLVS_SEGMENT_H
#define XLVS_SEGMENT_H

#include "rewrite.h"

struct world;

enum segment_limits {
	TCP_HEADER_MIN = 20,
	TCP_HEADER_MAX = 60,
	/* Beyond the longest header, so that an index masked by one less stays inside. */
	SEGMENT_ROOM = 64,
	/* Options looked at; senders pad with three or four, and have five. */
	OPTIONS_MAX = 16,
	SACK_BLOCKS_MAX = 4,
};

/* RFC 9293 section 3.1, RFC 7323, RFC 2018. */
enum tcp_option {
	OPTION_END = 0,
	OPTION_NOP = 1,
	OPTION_MSS = 2,
	OPTION_SCALE = 3,
	OPTION_SACK_PERMITTED = 4,
	OPTION_SACK = 5,
	OPTION_TIMESTAMPS = 8,
	OPTION_KINDS = 16,
};

struct tcp_segment {
	/* Offsets in the frame, and the IP packet's length. */
	__u32 network_at;
	__u32 transport_at;
	__u32 bytes;
	__u32 is_ipv6;

	union {
		struct iphdr ipv4;
		struct ipv6hdr ipv6;
		__u8 network[40];
		__u32 network_words[10];
	};
	/* Zero behind the header. */
	union {
		struct tcphdr tcp;
		__u8 header[SEGMENT_ROOM];
		__u32 words[SEGMENT_ROOM / 4];
	};
	__u32 header_bytes;
	/* Where each kind of option begins in the header; 0 where there is none. */
	__u8 options[OPTION_KINDS];
};

/* Cuts the frame, or makes it longer; 0 where there is no room. Ends all pointers into it. */
static int resize_frame(struct world *world, __u32 bytes);

static __always_inline void place_segment(struct tcp_segment *seg, const struct packet *pkt)
{
	seg->network_at = (__u32)((__u8 *)pkt->ports - pkt->data) - pkt->header_bytes;
	seg->transport_at = seg->network_at + pkt->header_bytes;
	seg->bytes = pkt->bytes;
	seg->is_ipv6 = (__u32)pkt->is_ipv6;
}

static __always_inline __u32 get32(const __u8 *bytes, __u32 at)
{
	return (__u32)bytes[at] << 24 | (__u32)bytes[at + 1] << 16 | (__u32)bytes[at + 2] << 8 |
	       bytes[at + 3];
}

static __always_inline void put32(__u8 *bytes, __u32 at, __u32 value)
{
	bytes[at] = (__u8)(value >> 24);
	bytes[at + 1] = (__u8)(value >> 16);
	bytes[at + 2] = (__u8)(value >> 8);
	bytes[at + 3] = (__u8)value;
}

/* Walks the options as far as they are well formed; of two of a kind the last one counts. */
static __always_inline void find_options(struct tcp_segment *seg)
{
	__u32 at = TCP_HEADER_MIN;

	__builtin_memset(seg->options, 0, sizeof(seg->options));
	for (int i = 0; i < OPTIONS_MAX; i++) {
		__u8 kind = seg->header[at % SEGMENT_ROOM];
		__u8 size = seg->header[(at + 1) % SEGMENT_ROOM];

		if (kind == OPTION_NOP)
			size = 1;
		else if (kind == OPTION_END || size < 2)
			break;
		if (at + size > seg->header_bytes)
			break;
		if (kind < OPTION_KINDS)
			seg->options[kind] = (__u8)at;
		at += size;
	}
}

/* Where an option of that size begins; 0 where there is none. */
static __always_inline __u32 option_at(const struct tcp_segment *seg, enum tcp_option kind,
				       __u8 size)
{
	__u32 at = seg->options[kind] % SEGMENT_ROOM;

	if (!at || at + size > SEGMENT_ROOM)
		return 0;
	return seg->header[at + 1] == size ? at : 0;
}

/* Fills the segment from the frame; 0 where the header is longer than its packet. */
static __always_inline int read_segment(struct world *world, struct tcp_segment *seg)
{
	__u32 length = seg->is_ipv6 ? sizeof(seg->ipv6) : sizeof(seg->ipv4);

	__builtin_memset(seg->header, 0, sizeof(seg->header));
	if (!load_bytes(world, seg->network_at, seg->network, length) ||
	    !load_bytes(world, seg->transport_at, seg->header, TCP_HEADER_MIN))
		return 0;
	length = (__u32)(seg->header[12] >> 4) * 4;
	/* The verifier compares what is compared here, not what it was made of. */
	FORGET(length);
	if (length < TCP_HEADER_MIN || length > TCP_HEADER_MAX ||
	    seg->transport_at + length > seg->network_at + seg->bytes ||
	    !load_bytes(world, seg->transport_at, seg->header, length))
		return 0;
	seg->header_bytes = length;
	find_options(seg);
	return 1;
}

static __always_inline __u16 sum_words(const __u32 *words, int count)
{
	__u64 sum = 0;

	for (int i = 0; i < count; i++)
		sum += words[i];
	sum = (sum & 0xffffffff) + (sum >> 32);
	return fold((__u32)((sum & 0xffff) + (sum >> 16 & 0xffff) + (sum >> 32)));
}

static __always_inline __u16 sum_header_of(const struct tcp_segment *seg)
{
	__u32 sum = sum_words(seg->words, SEGMENT_ROOM / 4);

	/* Summed here and now: clang would put it off, and all the words on the stack. */
	FORGET(sum);
	return (__u16)sum;
}

/* Writes the edited header back; its sum was `before`, and a wrong checksum stays wrong. */
static __always_inline int update_segment(struct world *world, struct tcp_segment *seg,
					  __u16 before)
{
	__u16 delta = add_deltas((__u16)~before, sum_header_of(seg));
	__u32 length = seg->header_bytes;

	if (length < TCP_HEADER_MIN || length > TCP_HEADER_MAX)
		return 0;
	seg->tcp.check = update_checksum(seg->tcp.check, delta);
	return store_bytes(world, seg->transport_at, seg->header, length);
}

/* RFC 9293 section 3.1, RFC 8200 section 8.1: addresses, protocol, length, segment. */
static __always_inline __u16 sum_segment(const struct tcp_segment *seg, __u32 bytes)
{
	__u16 addresses = seg->is_ipv6 ? sum_words(seg->network_words + 2, 8)
				       : sum_words(seg->network_words + 3, 2);

	return fold((__u32)addresses + bpf_htons((__u16)(IPPROTO_TCP + bytes)) +
		    sum_header_of(seg));
}

static __always_inline void set_length(struct tcp_segment *seg, __u32 bytes)
{
	__be16 old = seg->ipv4.tot_len;

	seg->bytes = bytes;
	if (seg->is_ipv6) {
		seg->ipv6.payload_len = bpf_htons((__u16)(bytes - sizeof(seg->ipv6)));
		return;
	}
	seg->ipv4.tot_len = bpf_htons((__u16)bytes);
	seg->ipv4.check = update_checksum(seg->ipv4.check, port_delta(old, seg->ipv4.tot_len));
}

/*
 * Makes the frame end with this header and `octets` zeros behind it, four at most. The checksum
 * is summed anew: of the data that is cut off nothing is known.
 */
static __always_inline int replace_segment(struct world *world, struct tcp_segment *seg,
					   __u32 octets)
{
	__u32 bytes = seg->header_bytes + octets;
	__u32 network_bytes = seg->is_ipv6 ? sizeof(seg->ipv6) : sizeof(seg->ipv4);

	if (bytes < TCP_HEADER_MIN || bytes > SEGMENT_ROOM)
		return 0;
	seg->tcp.doff = (seg->header_bytes / 4) & 15;
	set_length(seg, seg->transport_at - seg->network_at + bytes);
	seg->tcp.check = 0;
	seg->tcp.check = (__u16)~sum_segment(seg, bytes);
	return resize_frame(world, seg->transport_at + bytes) &&
	       store_bytes(world, seg->network_at, seg->network, network_bytes) &&
	       store_bytes(world, seg->transport_at, seg->header, bytes);
}

#endif

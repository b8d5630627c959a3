/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/*
 * state - what a TCP segment makes of a connection's state
 *
 * A director sees both halves of a connection with NAT, and the client's half alone with direct
 * routing; so there is a table for segments from the client (IN), from the destination (OUT)
 * and for those from the client when nothing else is ever seen (IN_ONLY). The tables are those
 * of Linux ip_vs_proto_tcp, which `ipvsadm -L -c` users know; test/datapath replays them
 * against recordings of a real kernel.
 */
#ifndef XLVS_STATE_H
#define XLVS_STATE_H

#include "packet.h"

enum tcp_view {
	VIEW_IN = 0,
	VIEW_OUT = 1,
	VIEW_IN_ONLY = 2,
};

/* One flag decides: RST before SYN before FIN before ACK. */
enum tcp_event {
	EVENT_SYN = 0,
	EVENT_FIN = 1,
	EVENT_ACK = 2,
	EVENT_RST = 3,
	EVENT_NONE = 4,
};

enum short_state_names {
	NO = STATE_NONE,
	ES = STATE_ESTABLISHED,
	SS = STATE_SYN_SENT,
	SR = STATE_SYN_RECV,
	FW = STATE_FIN_WAIT,
	TW = STATE_TIME_WAIT,
	CL = STATE_CLOSE,
	CW = STATE_CLOSE_WAIT,
	LA = STATE_LAST_ACK,
	LI = STATE_LISTEN,
	SA = STATE_SYNACK,
};

/* clang-format off */
static const __u8 tcp_transitions[4][4][16] = {
	/* from:     NO  ES  SS  SR  FW  TW  CL  CW  LA  LI  SA */
	{ /* VIEW_IN */
		/* syn */ { SR, ES, ES, SR, SR, SR, SR, SR, SR, SR, SR },
		/* fin */ { CL, CW, SS, TW, TW, TW, CL, CW, LA, LI, TW },
		/* ack */ { ES, ES, SS, ES, FW, TW, CL, CW, CL, LI, ES },
		/* rst */ { CL, CL, CL, SR, CL, CL, CL, CL, LA, LI, SR },
	},
	{ /* VIEW_OUT */
		/* syn */ { SS, ES, SS, SR, SS, SS, SS, SS, SS, LI, SR },
		/* fin */ { TW, FW, SS, TW, FW, TW, CL, TW, LA, LI, TW },
		/* ack */ { ES, ES, SS, ES, FW, TW, CL, CW, CL, ES, ES },
		/* rst */ { CL, CL, SS, CL, CL, TW, CL, CL, CL, CL, CL },
	},
	{ /* VIEW_IN_ONLY */
		/* syn */ { SR, ES, ES, SR, SR, SR, SR, SR, SR, SR, SR },
		/* fin */ { CL, FW, SS, TW, FW, TW, CL, CW, LA, LI, TW },
		/* ack */ { ES, ES, SS, ES, FW, TW, CL, CW, CL, LI, ES },
		/* rst */ { CL, CL, CL, SR, CL, CL, CL, CL, LA, LI, CL },
	},
};
/* clang-format on */

static __always_inline enum tcp_event tcp_event(__u8 flags)
{
	if (flags & TCP_RST)
		return EVENT_RST;
	if (flags & TCP_SYN)
		return EVENT_SYN;
	if (flags & TCP_FIN)
		return EVENT_FIN;
	return flags & TCP_ACK ? EVENT_ACK : EVENT_NONE;
}

/* What the state machine looks at. */
struct segment {
	/* enum tcp_view; UDP has none. */
	__u8 view;
	__u8 event;
	__u8 is_tcp;
	__u8 pad;
};

static __always_inline struct segment segment_of(const struct packet *pkt, enum tcp_view view)
{
	struct segment segment = {};

	segment.view = (__u8)view;
	segment.event = (__u8)tcp_event(pkt->tcp_flags);
	segment.is_tcp = (__u8)pkt->is_tcp;
	return segment;
}

/* The state that follows. A segment without any of the four flags closes, as in the kernel. */
static __always_inline __u32 next_state(struct segment segment, __u32 state)
{
	const __u8 *transitions = &tcp_transitions[0][0][0];
	__u32 index;

	if (!segment.is_tcp)
		return segment.view != VIEW_OUT && state == STATE_UDP_UNANSWERED
			       ? STATE_UDP_UNANSWERED
			       : STATE_UDP;
	if (segment.event == EVENT_NONE || state >= STATES)
		return STATE_CLOSE;
	index = segment.view * 64u + segment.event * 16u + state;
	/* Within the table by what is known here, which the verifier does not. */
	FORGET(index);
	return transitions[index % sizeof(tcp_transitions)];
}

/* TCP opens by SYN alone, or, with sloppy_tcp, by all but RST; any packet does so for UDP. */
static __always_inline int may_open(const struct settings *settings, struct segment segment)
{
	if (!segment.is_tcp || segment.event == EVENT_SYN)
		return 1;
	return settings->sloppy_tcp && segment.event != EVENT_RST;
}

/* Most packets: they leave the state as it is, in each of the tables. */
static __always_inline int is_steady(const struct packet *pkt, __u32 state)
{
	__u8 flags = pkt->tcp_flags & (TCP_SYN | TCP_FIN | TCP_RST | TCP_ACK);

	return pkt->is_tcp ? state == STATE_ESTABLISHED && flags == TCP_ACK : state == STATE_UDP;
}

/* Whether a connection in this state counts as active; the others count as inactive. */
static __always_inline int is_active(__u32 state)
{
	return state == STATE_ESTABLISHED || state == STATE_SYN_SENT || state == STATE_SYN_RECV ||
	       state == STATE_SYNACK;
}

#endif

/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/*
 * connection - the connection table and what a packet does to its connection
 *
 * A connection stands in one slot of an array that XDP, C++ and TypeScript map alike; the flow
 * table leads to the slot from the five-tuple of either direction:
 *
 *   client's packet   caddr:cport -> vaddr:vport  --\
 *                                                    +--> slot --> struct connection
 *   reply (masq)      daddr:dport -> caddr:cport  --/
 *
 * Slots are taken and freed by the slow path alone (native/table.cc). Whoever arrives here by a
 * flow compares it with the connection, so a slot that was freed and taken again meanwhile is a
 * miss, never somebody else's connection.
 */
#ifndef XLVS_CONNECTION_H
#define XLVS_CONNECTION_H

#include "rewrite.h"
#include "state.h"

static __always_inline int same_address(const struct address *a, const struct address *b)
{
	__u64 left[2], right[2];

	COPY(left, a, 16);
	COPY(right, b, 16);
	return left[0] == right[0] && left[1] == right[1];
}

/* The five-tuple of the client's packets. */
static __always_inline struct flow request_flow(const struct connection *conn)
{
	struct flow flow = {};

	flow.saddr = conn->caddr;
	flow.daddr = conn->vaddr;
	flow.sport = conn->cport;
	flow.dport = conn->vport;
	flow.protocol = conn->protocol;
	flow.family = conn->family;
	return flow;
}

/* The five-tuple of the destination's replies; they pass the director with masq only. */
static __always_inline struct flow reply_flow(const struct connection *conn)
{
	struct flow flow = {};

	flow.saddr = conn->daddr;
	flow.daddr = conn->caddr;
	flow.sport = conn->dport;
	flow.dport = conn->cport;
	flow.protocol = conn->protocol;
	flow.family = conn->family;
	return flow;
}

static __always_inline int is_connection_of(const struct connection *conn, const struct flow *flow,
					    int reply)
{
	const struct address *far = reply ? &conn->daddr : &conn->vaddr;
	__be16 far_port = reply ? conn->dport : conn->vport;
	const struct address *client = reply ? &flow->daddr : &flow->saddr;
	const struct address *other = reply ? &flow->saddr : &flow->daddr;
	__be16 client_port = reply ? flow->dport : flow->sport;
	__be16 other_port = reply ? flow->sport : flow->dport;

	return (conn->state & STATE_LIVE) && conn->cport == client_port && far_port == other_port &&
	       conn->protocol == flow->protocol && conn->family == flow->family &&
	       same_address(&conn->caddr, client) && same_address(far, other);
}

/* Prepares what the rewrite of every packet of the connection adds to its checksums. */
static __always_inline void prepare_rewrite(struct connection *conn)
{
	__u16 addresses = address_delta(&conn->vaddr, &conn->daddr);

	conn->address_delta = conn->family == FAMILY_IPV4 ? addresses : 0;
	conn->transport_delta = add_deltas(addresses, port_delta(conn->vport, conn->dport));
}

/*
 * A SYN on a connection that has ended opens a new one, which is scheduled anew (LVS's
 * conn_reuse_mode 1).
 */
static __always_inline int is_reopened(const struct packet *pkt, __u32 state)
{
	state &= ~STATE_LIVE;
	return (pkt->tcp_flags & (TCP_SYN | TCP_RST)) == TCP_SYN &&
	       (state == STATE_TIME_WAIT || state == STATE_CLOSE);
}

static __always_inline enum tcp_view view_of(const struct connection *conn, int reply)
{
	if (reply)
		return VIEW_OUT;
	return conn->method == METHOD_MASQ ? VIEW_IN : VIEW_IN_ONLY;
}

/* Moves one connection of the destination between its active and inactive counts. */
static __always_inline void recount(struct destination *destination, __u32 from, __u32 to)
{
	if (is_active(from) == is_active(to))
		return;
	if (is_active(to)) {
		__sync_fetch_and_add(&destination->active, 1);
		__sync_fetch_and_add(&destination->inactive, -1);
	} else {
		__sync_fetch_and_add(&destination->active, -1);
		__sync_fetch_and_add(&destination->inactive, 1);
	}
}

/* What one packet's journey has found out so far. */
struct journey {
	struct packet pkt;
	const struct settings *settings;
	struct connection *conn;
	struct destination *destination;
	struct route *route;
	/* 1 when the packet is a destination's reply. */
	int reply;
};

/*
 * The packet's effect on state, timer and counts. Of two CPUs that see packets of one connection
 * at once, the one whose swap succeeds recounts; the other looks at the state again.
 */
static __always_inline void track(const struct journey *j)
{
	struct connection *conn = j->conn;
	__u32 old = conn->state;
	__u32 now = old;

	for (int tries = 0; tries < 3; tries++) {
		__u32 next, seen;

		if (!(old & STATE_LIVE))
			return;
		next = next_state(&j->pkt, old & ~STATE_LIVE, view_of(conn, j->reply));
		now = next | STATE_LIVE;
		if (now == old)
			break;
		seen = __sync_val_compare_and_swap(&conn->state, old, now);
		if (seen == old) {
			recount(j->destination, old & ~STATE_LIVE, next);
			break;
		}
		old = seen;
	}
	now &= ~STATE_LIVE;
	if (now < STATES)
		conn->timeout_jiffies = j->settings->timeout_jiffies[now];
}

#endif

/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/*
 * track - what a packet does to its connection: whether it ends it, its state, its timeout
 */
#ifndef XLVS_TRACK_H
#define XLVS_TRACK_H

#include "connection.h"

static __always_inline enum tcp_view view_of(const struct connection *conn, int reply)
{
	if (reply)
		return VIEW_OUT;
	return LOAD(&conn->method) == METHOD_MASQ ? VIEW_IN : VIEW_IN_ONLY;
}

/* Moves one connection of the destination between its active and inactive counts. */
static __always_inline void recount(struct destination *destination, int was_active, int active)
{
	if (was_active != active)
		ADD(counts_of(destination), count_of(active) - count_of(was_active));
}

/* A next hop that is looked for. */
struct resolution {
	__u32 slot;
	__u32 protocol;
	__u64 is_ipv6;
	__u64 reply;
	struct next_hop hop;
	/* The connection's state word as it was found. */
	__u32 state;
	/* Of what was found. */
	__u32 index;
	/* The address that is to be reached; whether by a tunnel, which has an address of ours. */
	struct address target;
	__u32 family;
	__u32 tunnelled;
	/* Of the connection's; whether what was found is that one's next hop, too. */
	__u32 destination;
	__u32 is_shared;
};

/* Room for what a packet's journey notes, beside the stack; one for each CPU or thread. */
struct notes {
	struct opening opening;
	struct resolution resolution;
	struct cookie_desk desk;
	struct parcel parcel;
	/* By enum mark_field. */
	__u32 mark_fields[MARK_FIELDS_ROOM];
};

static struct notes *notes_of(struct world *world);

static __always_inline struct search *search_of(struct world *world)
{
	struct notes *notes = notes_of(world);

	return notes ? &notes->opening.search : 0;
}

/* What one packet's journey has found out so far. */
struct journey {
	struct packet pkt;
	const struct settings *settings;
	struct notes *notes;
	struct connection *conn;
	const struct next_hop *hop;
	/* The key under which it was found. */
	__u64 hop_key;
	/* The connection's destination's. */
	struct counters *counters;
	__u32 slot;
	/* The connection's state word as it was found. */
	__u32 state;
	__u32 now_jiffies;
	/* 1 when the packet is a destination's reply. */
	__u64 reply;
	/* enum cookie_step: what SYN cookies do with it in the end. */
	__u64 step;
};

/* Whether a segment opens a connection; an RST beside the SYN forbids it. */
static __always_inline int is_opening(const struct packet *pkt)
{
	return (pkt->tcp_flags & (TCP_SYN | TCP_RST)) == TCP_SYN;
}

/* Whether the client may use its port again, as conn_reuse_mode says. */
static __always_inline int has_ended(const struct journey *j)
{
	__u32 mode = j->settings->conn_reuse_mode;
	__u32 state = j->state & SLOT_STATE;

	/* What a template controls goes on where it was. */
	if (LOAD(&j->conn->flags) & FLAG_CONTROLLED)
		return 0;
	if (mode && (state == STATE_TIME_WAIT || state == STATE_CLOSE))
		return 1;
	return (mode & 2) && state == STATE_FIN_WAIT && LOAD(&j->conn->method) != METHOD_MASQ;
}

/*
 * Whether a client's packet ends the connection that it was found to belong to, and is scheduled
 * anew: a SYN on one that has ended; and with expire_nodest_conn a SYN on one whose destination
 * is quiesced, and any packet on one whose destination was removed.
 */
static __always_inline int is_rescheduled(const struct journey *j,
					  const struct destination *destination)
{
	int opening = is_opening(&j->pkt);

	if (j->reply)
		return 0;
	if (j->settings->expire_nodest_conn) {
		if (!LOAD(&destination->available))
			return 1;
		if (opening && !LOAD(&destination->weight))
			return 1;
	}
	return opening && has_ended(j);
}

/*
 * Gives a connection the state that follows from `old` by a packet. Of two CPUs that see packets
 * of one connection at once, the one whose swap succeeds recounts; the other looks at the state
 * again. Returns the state word as it is now; 0 when the connection is gone.
 */
static __always_inline __u32 change_state(struct world *world, __u32 slot, __u32 old,
					  struct segment segment)
{
	struct connection *conn = connection_at(world, slot);
	struct destination *destination =
		conn ? destination_at(world, LOAD(&conn->destination)) : 0;
	__u32 life = old & ~SLOT_STATE;

	NO_UNROLL
	for (int tries = 0; tries < SWAP_TRIES && destination; tries++) {
		__u32 next = next_state(segment, old & SLOT_STATE);
		__u32 seen;

		if ((life | next) == old)
			return old;
		seen = SWAP_IF(&conn->state, old, life | next);
		if (seen == old) {
			recount(destination, is_active(old & SLOT_STATE), is_active(next));
			if (next == STATE_ESTABLISHED || next == STATE_UDP)
				assure_template(world, conn);
			return life | next;
		}
		if ((seen & ~SLOT_STATE) != life)
			return 0;
		old = seen;
	}
	return 0;
}

/* The same, verified by itself: few packets change a state. */
static __u32 change_state_apart(struct world *world, __u32 slot, __u32 old, struct segment segment);

/*
 * Sets the timeout of the state. Looks at the state again, so that of two who change it at once
 * the later one has the last word. Swaps, since the slot may be another connection's by now, or
 * hold addresses.
 */
static __always_inline void set_timeout(const struct settings *settings, struct connection *conn,
					__u32 state)
{
	word *at = (word *)&conn->timeout_jiffies;

	NO_UNROLL
	for (int i = 0; i < SWAP_TRIES && (state & SLOT_PHASE) == SLOT_LIVE; i++) {
		__u32 timeout = settings->timeout_jiffies[state % STATES_ROOM];
		__u64 seen = LOAD(at);

		if ((__u32)seen == timeout || !is_alive(conn, state))
			return;
		SWAP_IF(at, seen, (seen >> 32 << 32) | timeout);
		state = LOAD(&conn->state);
	}
}

/* Begins the connection's timeout anew, and counts the client's packets. */
static __always_inline void note_seen(const struct journey *j)
{
	__u32 *in_packets = &j->conn->in_packets;

	if (!j->reply)
		STORE(in_packets, LOAD(in_packets) + 1);
	if (LOAD(&j->conn->seen_jiffies) != j->now_jiffies)
		STORE(&j->conn->seen_jiffies, j->now_jiffies);
}

/* The packet's effect on state and timer; the state word as it is then, 0 without connection. */
static __always_inline __u32 track(struct world *world, const struct journey *j)
{
	__u32 now = j->state;

	if (!is_steady(&j->pkt, now & SLOT_STATE)) {
		struct segment segment = segment_of(&j->pkt, view_of(j->conn, (int)j->reply));

		now = (now & ~SLOT_STATE) | next_state(segment, now & SLOT_STATE);
		if (now != j->state)
			now = change_state_apart(world, j->slot, j->state, segment);
	}
	set_timeout(j->settings, j->conn, now);
	note_seen(j);
	return now;
}

#endif

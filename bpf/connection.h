/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/*
 * connection - how a connection begins, what a packet does to it, and how it ends
 *
 *   claim a slot -> contest -> ticket -> count -> live -> still accepting?
 *        |             |                                        |
 *   table full    somebody else has it              no: uncount, next ticket
 *
 * A slot is claimed before a ticket is taken, so no ticket is lost to a rival. Weight and
 * availability of the destination, and the generation of the table that named it, are read once
 * more after the connection is live: a command that quiesces or removes a destination, or moves
 * its clients, holds from the moment it returns, on whichever CPU.
 */
#ifndef XLVS_CONNECTION_H
#define XLVS_CONNECTION_H

#include "schedule.h"
#include "state.h"
#include "syncookie.h"

enum opening_limits {
	/* Tickets of destinations that accept nothing, one after the other. */
	TICKET_TRIES = 8,
	/* Looks at a connection that another CPU is about to open: some microseconds. */
	RIVAL_TRIES = 32,
};

/* A connection that is to be opened, and what became of it. */
struct opening {
	struct search search;
	/* What its packet is and wants. */
	struct service_key virtual_service;
	struct segment segment;
	__u32 fragment;
	__u32 now_jiffies;
	/* An ended connection of the same flow that it replaces; 0 for none. */
	__u32 ended_state;
	__u32 ended_slot;
	/* Index of the service found. */
	__u32 service;
	/* The state it begins in. */
	__u32 state;
	/* Of the service's table, before the destination was chosen. */
	__u32 generation;
	/* Chosen by the slow path; NO_DESTINATION: by ticket. Then the one that it was opened to.
	 */
	__u32 destination;
	__u32 flags;
	__u32 sequence;
	__u32 timestamp;
	/* 1 when cookies need not be thought of any more. */
	__u32 is_met;
	/* Of its slot: the state word but for phase and state; another one for each destination. */
	__u32 life;
	/* 1 when this packet opened it; 0 when it was there, or could not be opened. */
	__u32 is_new;
};

/* Prepares what the rewrite of every packet of the connection adds to its checksums. */
static __always_inline void bind_destination(const struct settings *settings,
					     struct connection *conn, const struct opening *o,
					     const struct destination *destination)
{
	__u16 addresses = address_delta(&o->virtual_service.vaddr, &destination->daddr);
	__be16 vport = (__be16)(o->search.far >> 32);
	__u16 address_delta = o->search.is_ipv6 ? 0 : addresses;
	__u16 transport_delta = add_deltas(addresses, port_delta(vport, destination->dport));
	word *words = (word *)conn;
	__u32 daddr;

	COPY(&daddr, &destination->daddr, 4);
	if (o->search.is_ipv6)
		daddr = hash_address(settings, &destination->daddr);
	STORE(&words[WORD_VIRTUAL], o->search.far | (__u64)address_delta << 48);
	STORE(&words[WORD_DESTINATION],
	      daddr | (__u64)destination->dport << 32 | (__u64)transport_delta << 48);
	STORE(&conn->method, destination->method);
}

static __always_inline void write_key(struct world *world, struct connection *conn,
				      const struct opening *o)
{
	word *words = (word *)conn;
	struct connection_addresses *line;

	STORE(&words[WORD_CLIENT], o->search.client);
	STORE(&words[WORD_VIRTUAL], o->search.far);
	STORE(&words[2], 0);
	for (int i = 4; i < 8; i++)
		STORE(&words[i], 0);
	STORE(&conn->seen_jiffies, o->now_jiffies);
	STORE(&conn->flags, (__u8)o->flags);
	STORE(&conn->sequence_delta, o->sequence);
	STORE(&conn->timestamp_delta, o->timestamp);
	if (!o->search.is_ipv6)
		return;
	line = (struct connection_addresses *)connection_at(world, o->search.slot + 1);
	if (!line)
		return;
	store_address(&line->caddr, &o->search.client_address);
	store_address(&line->vaddr, &o->search.far_address);
}

/* Gives the slot back. */
static __always_inline void leave_slot(struct world *world, const struct settings *settings,
				       const struct opening *o)
{
	struct connection *conn = connection_at(world, o->search.slot);

	if (!conn)
		return;
	EXCHANGE(&conn->state, o->life);
	release(world, settings, o->search.slot, o->search.client);
}

/* The connection that somebody else has opened meanwhile. */
static __always_inline enum verdict join_rival(struct world *world, const struct settings *settings,
					       struct opening *o)
{
	NO_UNROLL
	for (int i = 0; i < RIVAL_TRIES; i++) {
		if (search_table(world, settings, &o->search) != NO_SLOT)
			return NEXT;
	}
	return VERDICT_RAISED_NEW;
}

enum entered {
	/* The destination accepts nothing; the slot is still ours. */
	ENTER_REFUSED = 0,
	ENTER_DONE = 1,
	/* Somebody has ended the connection already, and freed the slot. */
	ENTER_GONE = 2,
};

/*
 * Takes back a connection that is live already. It begins another life: whoever has read where it
 * led to meanwhile must not take it for the one that it becomes.
 */
static __always_inline enum entered take_back(struct connection *conn,
					      struct destination *destination, struct opening *o)
{
	NO_UNROLL
	for (int i = 0; i < SWAP_TRIES; i++) {
		__u32 state = LOAD(&conn->state);

		if ((state & ~SLOT_STATE) != (o->life | SLOT_LIVE))
			break;
		if (SWAP_IF(&conn->state, state, (o->life + SLOT_LIFE) | SLOT_OPENING) != state)
			continue;
		o->life += SLOT_LIFE;
		dismiss(destination, is_active(state & SLOT_STATE));
		return ENTER_REFUSED;
	}
	return ENTER_GONE;
}

/* Makes the slot that was won live, with this destination. */
static __always_inline void settle_connection(struct world *world, const struct settings *settings,
					      const struct opening *o, __u32 index)
{
	const struct destination *destination = destination_at(world, index);
	struct connection *conn = connection_at(world, o->search.slot);
	struct connection_addresses *line = 0;

	if (!destination || !conn)
		return;
	bind_destination(settings, conn, o, destination);
	if (o->search.is_ipv6)
		line = (struct connection_addresses *)connection_at(world, o->search.slot + 1);
	if (line)
		store_address(&line->daddr, &destination->daddr);
	STORE(&conn->destination, index);
	STORE(&conn->timeout_jiffies, settings->timeout_jiffies[o->state % STATES_ROOM]);
	EXCHANGE(&conn->state, o->life | SLOT_LIVE | o->state);
}

/* Sends the connection to a destination, if that accepts it. */
static __always_inline enum entered enter(struct world *world, const struct settings *settings,
					  struct opening *o, __u32 index)
{
	struct destination *destination = destination_at(world, index);
	struct connection *conn = connection_at(world, o->search.slot);
	const struct schedule *schedule;

	if (!destination || !conn || !is_accepting(destination))
		return ENTER_REFUSED;
	/* Only with NAT the replies come by, to be translated. */
	if (o->flags && destination->method != METHOD_MASQ)
		return ENTER_REFUSED;
	if (!admit(destination, is_active(o->state))) {
		dismiss(destination, is_active(o->state));
		return ENTER_REFUSED;
	}
	settle_connection(world, settings, o, index);
	schedule = schedule_at(world, o->service);
	if (LOAD(&destination->available) && LOAD(&destination->weight) && schedule &&
	    LOAD(&schedule->generation) == o->generation)
		return ENTER_DONE;
	return take_back(conn, destination, o);
}

/* The same, verified by itself. */
static enum entered enter_apart(struct world *world, __u32 index);

/* The claim, verified by itself. */
static __u32 claim_apart(struct world *world);

/*
 * Takes a slot for the connection, against all rivals. 0 without a slot: the table is full;
 * 0 with one: somebody else has the connection.
 */
static __always_inline int win_slot(struct world *world, const struct settings *settings,
				    struct opening *o)
{
	struct connection *conn = 0;
	__u32 life;

	if (claim_apart(world) != NO_SLOT)
		conn = connection_at(world, o->search.slot);
	if (!conn)
		return 0;
	write_key(world, conn, o);
	life = (LOAD(&conn->state) & ~(SLOT_LIFE - 1)) + SLOT_LIFE;
	if (o->flags)
		life |= SLOT_COOKIE;
	o->life = life;
	EXCHANGE(&conn->state, life | SLOT_CLAIMED);
	if (!lose(world, settings, &o->search) &&
	    SWAP_IF(&conn->state, life | SLOT_CLAIMED, life | SLOT_OPENING) ==
		    (life | SLOT_CLAIMED))
		return 1;
	leave_slot(world, settings, o);
	return 0;
}

/* Opens the connection, or finds that it was opened meanwhile. NEXT: it is in the slot noted. */
static __always_inline enum verdict
open_connection(struct world *world, const struct settings *settings, struct opening *o)
{
	struct schedule *schedule = schedule_at(world, o->service);

	o->is_new = 0;
	if (!schedule)
		return VERDICT_RAISED_NEW;
	if (!win_slot(world, settings, o))
		return o->search.slot == NO_SLOT ? VERDICT_DROPPED_TABLE_FULL
						 : join_rival(world, settings, o);
	NO_UNROLL
	for (int i = 0; i < TICKET_TRIES; i++) {
		__u32 index = o->destination;
		enum entered entered;

		o->generation = LOAD(&schedule->generation);
		if (index == NO_DESTINATION)
			index = choose_destination(world, schedule, o->generation);
		if (index == NO_DESTINATION)
			break;
		entered = enter_apart(world, index);
		if (entered == ENTER_DONE) {
			o->is_new = 1;
			o->destination = index;
			o->search.state = o->life | SLOT_LIVE | o->state;
			return NEXT;
		}
		if (entered == ENTER_GONE)
			return VERDICT_RAISED_NEW;
		if (o->destination != NO_DESTINATION)
			break;
	}
	leave_slot(world, settings, o);
	return VERDICT_RAISED_NEW;
}

/* Ends a connection whose state word was `state`; 0 when somebody else did, or it moved on. */
static __always_inline int end_connection(struct world *world, const struct settings *settings,
					  __u32 slot, __u32 state)
{
	struct connection *conn = connection_at(world, slot);
	struct destination *destination;
	__u64 client;
	__u32 index;

	if (!conn || (state & SLOT_PHASE) != SLOT_LIVE)
		return 0;
	client = LOAD((word *)conn);
	index = LOAD(&conn->destination);
	if (SWAP_IF(&conn->state, state, state & ~(SLOT_LIFE - 1)) != state)
		return 0;
	destination = destination_at(world, index);
	if (destination)
		dismiss(destination, is_active(state & SLOT_STATE));
	release(world, settings, slot, client);
	return 1;
}

static __always_inline int is_expired(const struct connection *conn, __u32 now_jiffies)
{
	__s32 silent = (__s32)(now_jiffies - LOAD(&conn->seen_jiffies));

	return silent > 0 && (__u32)silent >= LOAD(&conn->timeout_jiffies);
}

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
};

/* Room for what a packet's journey notes, beside the stack; one for each CPU or thread. */
struct notes {
	struct opening opening;
	struct resolution resolution;
	struct cookie_desk desk;
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

/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/*
 * connection - how a connection begins, and how it ends
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

#include "encap.h"
#include "marks.h"
#include "schedule.h"
#include "state.h"
#include "syncookie.h"
#include "template.h"

enum opening_limits {
	/* Tickets of destinations that accept nothing, one after the other. */
	TICKET_TRIES = 8,
	/* Looks at a connection that another CPU is about to open: some microseconds. */
	RIVAL_TRIES = 32,
};

/* A connection of a persistent service is opened in two steps (persistence.h). */
enum opening_stage {
	STAGE_PLAIN = 0,
	/* The template is what is opened, if it is not there yet; */
	STAGE_TEMPLATE = 1,
	/* then the connection, to where that leads. */
	STAGE_CONTROLLED = 2,
};

/* A connection that is to be opened, and what became of it. */
struct opening {
	struct search search;
	/* The packet's own, while its template is looked for. */
	struct search flow;
	__u32 stage;
	__u32 persistence_jiffies;
	/* What its packet is and wants. */
	struct service_key virtual_service;
	__u32 mark;
	/* 1 when the service is its mark's. */
	__u32 is_marked;
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

/* What schedulers look at: the packet's own flow, also where its template is opened. */
static __always_inline const struct search *flow_of_opening(const struct opening *o)
{
	return o->stage == STAGE_TEMPLATE ? &o->flow : &o->search;
}

/*
 * Whether the destination is reached at the port that the client wants, as in LVS: where the
 * service has others beside its own, whatever port the destination has.
 */
static __always_inline int has_own_port(const struct opening *o)
{
	__be16 port = o->virtual_service.vport;

	return o->stage && (o->is_marked || !port || port != (__be16)(o->search.far >> 32));
}

/* Prepares what the rewrite of every packet of the connection adds to its checksums. */
static __always_inline void bind_destination(const struct settings *settings,
					     struct connection *conn, const struct opening *o,
					     const struct destination *destination)
{
	__u16 addresses = address_delta(&o->virtual_service.vaddr, &destination->daddr);
	__be16 vport = (__be16)(o->search.far >> 32);
	/* One without a port of its own is reached at the client's, too. */
	__be16 dport = has_own_port(o) || !destination->dport ? vport : destination->dport;
	__u16 address_delta = o->search.is_ipv6 ? 0 : addresses;
	__u16 transport_delta = add_deltas(addresses, port_delta(vport, dport));
	word *words = (word *)conn;
	__u32 daddr;

	COPY(&daddr, &destination->daddr, 4);
	if (o->search.is_ipv6)
		daddr = hash_address(settings, &destination->daddr);
	STORE(&words[WORD_VIRTUAL], o->search.far | (__u64)address_delta << 48);
	STORE(&words[WORD_DESTINATION], daddr | (__u64)dport << 32 | (__u64)transport_delta << 48);
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
		uncount(destination, o->search.client, state);
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
	if (o->stage == STAGE_TEMPLATE) {
		STORE(&conn->timeout_jiffies, o->persistence_jiffies);
		STORE(control_of(conn), control_in(o->life));
	}
	EXCHANGE(&conn->state, o->life | SLOT_LIVE | o->state);
}

/* Where TypeScript has sent the packet's connection already; NO_DESTINATION in XDP. */
static __u32 decided_destination(struct world *world);

/*
 * Whether what is to be opened may go to the destination. Whether that is overloaded was the slow
 * path's to say, where that has decided: lblc and lblcr go on with a server that they know.
 */
static __always_inline int may_enter(struct world *world, const struct settings *settings,
				     const struct opening *o, const struct destination *destination)
{
	if (o->stage == STAGE_CONTROLLED)
		return may_follow(settings, destination);
	return is_in_service(destination) &&
	       (decided_destination(world) != NO_DESTINATION || !LOAD(&destination->overloaded));
}

/* Counts what is to be opened; 0 when that was one too many. */
static __always_inline int count_opening(struct world *world, struct destination *destination,
					 const struct opening *o)
{
	if (o->stage == STAGE_TEMPLATE) {
		ADD(&destination->persistent, 1);
		return 1;
	}
	/* Thresholds do not hold for those that a template sends. */
	return admit(destination, is_active(o->state)) || o->stage == STAGE_CONTROLLED ||
	       decided_destination(world) != NO_DESTINATION;
}

/* Whether the decision still stands, now that everybody sees what was opened. */
static __always_inline int still_stands(struct world *world, const struct settings *settings,
					const struct opening *o,
					const struct destination *destination)
{
	const struct schedule *schedule = schedule_at(world, o->service);

	if (o->stage == STAGE_CONTROLLED)
		return may_follow(settings, destination);
	return is_in_service(destination) && schedule &&
	       LOAD(&schedule->generation) == o->generation;
}

/* Sends the connection to a destination, if that accepts it. */
static __always_inline enum entered enter(struct world *world, const struct settings *settings,
					  struct opening *o, __u32 index)
{
	struct destination *destination = destination_at(world, index);
	struct connection *conn = connection_at(world, o->search.slot);

	if (!destination || !conn || !may_enter(world, settings, o, destination))
		return ENTER_REFUSED;
	/* Only with NAT the replies come by, to be translated. */
	if (o->flags & FLAG_COOKIE_OPENING && destination->method != METHOD_MASQ)
		return ENTER_REFUSED;
	if (!count_opening(world, destination, o)) {
		dismiss(destination, is_active(o->state));
		return ENTER_REFUSED;
	}
	settle_connection(world, settings, o, index);
	if (still_stands(world, settings, o, destination))
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
	if (o->flags & FLAG_COOKIE_OPENING)
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

/*
 * Ends a connection whose state word was `state`; 0 when somebody else did, or it moved on, or it
 * is a template that controls connections.
 */
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
	if (is_template(client) && !close_template(conn, state))
		return 0;
	if (SWAP_IF(&conn->state, state, state & ~(SLOT_LIFE - 1)) != state)
		return 0;
	destination = destination_at(world, index);
	if (destination)
		uncount(destination, client, state);
	leave_template(world, conn);
	release(world, settings, slot, client);
	return 1;
}

static __always_inline int is_expired(const struct connection *conn, __u32 now_jiffies)
{
	__s32 silent = (__s32)(now_jiffies - LOAD(&conn->seen_jiffies));

	return silent > 0 && (__u32)silent >= LOAD(&conn->timeout_jiffies);
}

#endif

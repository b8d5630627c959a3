/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/*
 * template - what sends the later connections of a client to where its first one went
 *
 *   connections   10.0.0.77:20001  10.99.0.1:80  --+                  ESTABLISHED
 *                 10.0.0.77:20002  10.99.0.1:80  --+ slot, life       SYN_RECV
 *   template      10.0.0.77:0      10.99.0.1:80  <-+ so many, life    ASSURED
 *
 * A template is an entry of the connection table as any other: claimed, contested, counted, swept.
 * No packet is found to be of it, since its key has FAMILY_TEMPLATE. It expires when no connection
 * was opened by it for the service's timeout, and not as long as it controls connections: then
 * once a minute it is asked again (LVS's rule, in native/table.cc).
 *
 * How many it controls stands in one word with its life: so nobody adds to a template that is
 * gone, or to what is in the slot after it. Who ends it closes the word first, which succeeds only
 * where it controls nothing.
 */
#ifndef XLVS_TEMPLATE_H
#define XLVS_TEMPLATE_H

#include "destination.h"
#include "state.h"

enum template_port {
	/* Vport and dport of a template that sends nobody any more, until it expires; as in LVS. */
	PORT_INVALID = 0xffff,
};

static __always_inline word *control_of(struct connection *conn)
{
	return (word *)conn + WORD_CONTROL;
}

/* The word of a template that controls nothing, in this life; never 0. */
static __always_inline __u64 control_in(__u32 state)
{
	return (__u64)((state & ~(__u32)(SLOT_LIFE - 1)) | 1) << 32;
}

/* Of the first word of a connection. */
static __always_inline int is_template(__u64 client)
{
	return (client >> 56 & FAMILY_TEMPLATE) != 0;
}

/* Makes it control one connection more, or less; 0 when it is gone. */
static __always_inline int change_control(struct connection *conn, __u32 life, int change)
{
	word *at = control_of(conn);

	NO_UNROLL
	for (int i = 0; i < SWAP_TRIES; i++) {
		__u64 seen = LOAD(at);

		if ((__u32)(seen >> 32) != life || (change < 0 && (__u32)seen == 0))
			return 0;
		if (SWAP_IF(at, seen, seen + change) == seen)
			return 1;
	}
	return 0;
}

/* From now on it controls nothing, for good; 0 when it controls something. */
static __always_inline int close_template(struct connection *conn, __u32 state)
{
	return SWAP_IF(control_of(conn), control_in(state), 0) == control_in(state);
}

/* The template that controls a connection, and its life; 0 when there is none. */
static __always_inline struct connection *controller_of(struct world *world,
							struct connection *conn, __u32 *life)
{
	__u64 control = LOAD(control_of(conn));

	*life = (__u32)(control >> 32);
	return LOAD(&conn->flags) & FLAG_CONTROLLED ? connection_at(world, (__u32)control) : 0;
}

/* The connection is gone: its template, if it has one, controls one less. */
static __always_inline void leave_template(struct world *world, struct connection *conn)
{
	__u32 life;
	struct connection *controller = controller_of(world, conn, &life);

	if (controller)
		change_control(controller, life, -1);
}

/* The connection was answered: so its template is somebody's who is there. */
static __always_inline void assure_template(struct world *world, struct connection *conn)
{
	__u32 life;
	struct connection *controller = controller_of(world, conn, &life);
	__u32 state = controller ? LOAD(&controller->state) : 0;

	if (control_in(state) >> 32 == life && (state & (SLOT_PHASE | SLOT_STATE)) == SLOT_LIVE)
		SWAP_IF(&controller->state, state, state | STATE_ASSURED);
}

/*
 * Whether a client that was sent to the destination before may be sent there again: to a quiesced
 * one too, unless expire_quiescent_template says otherwise.
 */
static __always_inline int may_follow(const struct settings *settings,
				      const struct destination *destination)
{
	return LOAD(&destination->available) &&
	       (LOAD(&destination->weight) || !settings->expire_quiescent_template);
}

/* Sends nobody anywhere any more. */
static __always_inline void invalidate_template(struct connection *conn)
{
	STORE(&conn->vport, PORT_INVALID);
	STORE(&conn->dport, PORT_INVALID);
}

/* Takes back what was counted for a connection or template that is gone. */
static __always_inline void uncount(struct destination *destination, __u64 client, __u32 state)
{
	if (is_template(client))
		ADD(&destination->persistent, -1);
	else
		dismiss(destination, is_active(state & SLOT_STATE));
}

#endif

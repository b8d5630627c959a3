/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/*
 * schedule - the destination of a new connection, decided ahead
 *
 *   ring of a service:   ... used | head ... published tickets ... limit | free ...
 *
 * TypeScript draws tickets by the service's scheduler and publishes them by moving the limit; a
 * new connection takes the one at the head, by compare-and-swap of head and limit together: so
 * each is used once, on whichever CPU, and an edit of the rules stops the taking by moving the
 * limit back to the head. A ticket is read after it was taken; TypeScript leaves the last places
 * behind the head alone.
 *
 * Before all are used, TypeScript is asked for more: at the place that it has named the first
 * connection to get there takes no ticket, but goes to the slow path.
 *
 * A service that has a table (lookup.h) has no ring.
 *
 * Without a ticket the slow path decides. Where nobody listens, the last published tickets are
 * used again, round and round.
 */
#ifndef XLVS_SCHEDULE_H
#define XLVS_SCHEDULE_H

#include "lookup.h"

static struct schedule *schedule_at(struct world *world, __u32 service);
/* Whether a daemon is there to decide what tickets do not. */
static int has_slow_path(struct world *world);
static int is_slow_path(struct world *world);
/* Whether the packet has not asked for tickets before. */
static int may_ask(struct world *world);

static __always_inline __u32 ticket_at(struct world *world, const struct schedule *schedule,
				       __u32 place)
{
	/* Where the ring is, and how large, at one moment: line and mask. */
	__u64 ring = LOAD((const word *)&schedule->ring_line);

	return number_at(world, (__u32)ring, place & (__u32)(ring >> 32));
}

/* Whether it is for this connection to ask TypeScript for more tickets, instead of taking one. */
static __always_inline int asks_for_more(struct world *world, struct schedule *schedule, __u32 head)
{
	__u32 refill = LOAD(&schedule->refill), here = head << 2 | REFILL_AT;

	if (refill == here)
		return SWAP_IF(&schedule->refill, here, REFILL_WANTED) == here && may_ask(world);
	return refill == REFILL_WANTED && is_slow_path(world) && may_ask(world);
}

static __always_inline __u32 take_ticket(struct world *world, struct schedule *schedule)
{
	NO_UNROLL
	for (int i = 0; i < SWAP_TRIES; i++) {
		__u64 window = LOAD(&schedule->window);
		__u32 head = (__u32)window;
		__u32 limit = (__u32)(window >> 32);

		if (head == limit || asks_for_more(world, schedule, head))
			return NO_DESTINATION;
		if (SWAP_IF(&schedule->window, window, (__u64)limit << 32 | (__u32)(head + 1)) ==
		    window)
			return ticket_at(world, schedule, head);
	}
	return NO_DESTINATION;
}

static __always_inline __u32 reuse_ticket(struct world *world, struct schedule *schedule)
{
	__u32 limit = (__u32)(LOAD(&schedule->window) >> 32);
	__u32 reusable = LOAD(&schedule->reusable);

	if (!reusable)
		return NO_DESTINATION;
	return ticket_at(world, schedule, limit - reusable + ADD(&schedule->reused, 1) % reusable);
}

static __always_inline __u32 next_ticket(struct world *world, struct schedule *schedule)
{
	__u32 ticket = take_ticket(world, schedule);

	return ticket != NO_DESTINATION || has_slow_path(world) ? ticket
								: reuse_ticket(world, schedule);
}

/* As look_up, verified by itself: for the connection that is being opened. */
static __u32 look_up_apart(struct world *world);

/* By table or by ticket a destination; NO_DESTINATION when the slow path has to say it. */
static __always_inline __u32 choose_destination(struct world *world, struct schedule *schedule,
						__u32 generation)
{
	const struct table *table = &schedule->tables[generation & 1];
	__u32 index;

	if (!LOAD(&table->slots))
		return next_ticket(world, schedule);
	if (LOAD(&table->kind) & TABLE_RESERVE && has_slow_path(world))
		return NO_DESTINATION;
	index = look_up_apart(world);
	/* What was read of a table that was replaced meanwhile may be no part of it. */
	return LOAD(&schedule->generation) == generation ? index : NO_DESTINATION;
}

#endif

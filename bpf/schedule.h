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
 * Without a ticket the slow path decides. Where nobody listens, the last published tickets are
 * used again, round and round.
 */
#ifndef XLVS_SCHEDULE_H
#define XLVS_SCHEDULE_H

#include "table.h"

static struct schedule *schedule_at(struct world *world, __u32 service);
static struct ticket_line *tickets_at(struct world *world, __u32 line);
static struct destination *destination_at(struct world *world, __u32 index);
/* Whether a daemon is there to decide what tickets do not. */
static int has_slow_path(struct world *world);

#define NO_DESTINATION 0xffffffffu

static __always_inline __u32 ticket_at(struct world *world, const struct schedule *schedule,
				       __u32 place)
{
	/* Where the ring is, and how large, at one moment: line and mask. */
	__u64 ring = LOAD((const word *)&schedule->ring_line);
	__u32 in_ring = place & (__u32)(ring >> 32);
	struct ticket_line *line = tickets_at(world, (__u32)ring + in_ring / TICKETS_PER_LINE);

	return line ? LOAD(&line->destination[in_ring % TICKETS_PER_LINE]) : NO_DESTINATION;
}

static __always_inline __u32 take_ticket(struct world *world, struct schedule *schedule)
{
	NO_UNROLL
	for (int i = 0; i < SWAP_TRIES; i++) {
		__u64 window = LOAD(&schedule->window);
		__u32 head = (__u32)window;
		__u32 limit = (__u32)(window >> 32);

		if (head == limit)
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

/* The next destination of the service; NO_DESTINATION when the slow path has to say it. */
static __always_inline __u32 next_destination(struct world *world, struct schedule *schedule)
{
	__u32 ticket = take_ticket(world, schedule);

	return ticket != NO_DESTINATION || has_slow_path(world) ? ticket
								: reuse_ticket(world, schedule);
}

/* The word of both counts. */
static __always_inline word *counts_of(struct destination *destination)
{
	return (word *)&destination->active;
}

/* What one connection in this state adds to that word. */
static __always_inline __u64 count_of(int active)
{
	return active ? 1 : 1ULL << 32;
}

static __always_inline __u32 total_of(__u64 counts)
{
	return (__u32)counts + (__u32)(counts >> 32);
}

/* Counts a new connection; 0 when that was one too many. */
static __always_inline int admit(struct destination *destination, int active)
{
	__u64 added = count_of(active);
	__u32 total = total_of(ADD(counts_of(destination), added) + added);
	__u32 upper = LOAD(&destination->upper);

	if (!upper || total < upper)
		return 1;
	STORE(&destination->overloaded, 1);
	return total == upper;
}

/* Counts a connection that is gone. Below the lower threshold, LVS's three quarters, no more. */
static __always_inline void dismiss(struct destination *destination, int active)
{
	__u64 taken = count_of(active);
	__u32 total = total_of(ADD(counts_of(destination), -taken) - taken);
	__u64 upper = LOAD(&destination->upper);
	__u32 lower = LOAD(&destination->lower);

	if (!LOAD(&destination->overloaded))
		return;
	if (!upper || (lower ? total < lower : total * 4ULL < upper * 3))
		STORE(&destination->overloaded, 0);
}

/* Whether a new connection may go there at all. */
static __always_inline int is_accepting(const struct destination *destination)
{
	return LOAD(&destination->available) && LOAD(&destination->weight) &&
	       !LOAD(&destination->overloaded);
}

#endif

/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/*
 * destination - the counts of its connections, and whether it accepts another one
 */
#ifndef XLVS_DESTINATION_H
#define XLVS_DESTINATION_H

#include "table.h"

static struct destination *destination_at(struct world *world, __u32 index);

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

/*
 * Counts a new connection; 0 when that was one too many. As in LVS, what overloads is a
 * connection: a threshold that was lowered lets one more in. Of several at once one is let in.
 */
static __always_inline int admit(struct destination *destination, int active)
{
	__u64 added = count_of(active);
	__u32 total = total_of(ADD(counts_of(destination), added) + added);
	__u32 upper = LOAD(&destination->upper);

	if (!upper || total < upper)
		return 1;
	return !EXCHANGE(&destination->overloaded, 1);
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

/* Whether the rules let a new connection go there. */
static __always_inline int is_in_service(const struct destination *destination)
{
	return LOAD(&destination->available) && LOAD(&destination->weight);
}

/* Whether a new connection may go there at all. */
static __always_inline int is_accepting(const struct destination *destination)
{
	return is_in_service(destination) && !LOAD(&destination->overloaded);
}

#endif

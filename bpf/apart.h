/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/*
 * apart - what is verified by itself, in functions that are not static
 *
 * All this is for few packets or for new connections: a call costs 7 ns, and inlined their loops
 * would multiply the ways that the verifier follows, and their variables fill its stack.
 */
#ifndef XLVS_APART_H
#define XLVS_APART_H

#include "maps.h"

__noinline __u32 search_one_bucket(__u32 bucket)
{
	struct world world = {};

	return search_bucket(&world, bucket);
}

static __always_inline __u32 search_apart(struct world *world, __u32 bucket)
{
	return search_one_bucket(bucket);
}

__noinline __u32 search_every_bucket(void)
{
	struct world world = {};
	const struct settings *settings = find_settings(&world);
	struct search *search = search_of(&world);

	return settings && search ? search_table(&world, settings, search) : NO_SLOT;
}

static __always_inline __u32 search_all(struct world *world)
{
	return search_every_bucket();
}

__noinline __u32 claim_slot(void)
{
	struct world world = {};
	const struct settings *settings = find_settings(&world);
	struct search *search = search_of(&world);

	return settings && search ? claim(&world, settings, search) : NO_SLOT;
}

static __always_inline __u32 claim_apart(struct world *world)
{
	return claim_slot();
}

__noinline int lose_in_one_bucket(__u32 bucket)
{
	struct world world = {};

	return lose_in_bucket(&world, bucket);
}

static __always_inline int lose_apart(struct world *world, __u32 bucket)
{
	return lose_in_one_bucket(bucket);
}

__noinline __u32 look_up_flow(void)
{
	struct world world = {};
	struct notes *notes = notes_of(&world);
	struct schedule *schedule = notes ? schedule_at(&world, notes->opening.service) : 0;

	if (!notes || !schedule)
		return NO_DESTINATION;
	return look_up(&world, &schedule->tables[notes->opening.generation & 1],
		       flow_of_opening(&notes->opening));
}

static __always_inline __u32 look_up_apart(struct world *world)
{
	return look_up_flow();
}

__noinline __u32 classify_flow(struct xdp_md *ctx)
{
	struct world world = { .ctx = ctx };
	const struct settings *settings = find_settings(&world);
	struct notes *notes = notes_of(&world);

	if (!settings || !notes)
		return 0;
	note_fields(&world, &notes->opening.search, notes->mark_fields);
	return classify(&world, settings, notes->mark_fields);
}

static __always_inline __u32 classify_apart(struct world *world)
{
	return classify_flow(world->ctx);
}

__noinline int enter_ticket(__u32 index)
{
	struct world world = {};
	const struct settings *settings = find_settings(&world);
	struct notes *notes = notes_of(&world);

	return settings && notes ? enter(&world, settings, &notes->opening, index) : ENTER_REFUSED;
}

static __always_inline enum entered enter_apart(struct world *world, __u32 index)
{
	return (enum entered)enter_ticket(index);
}

/* Takes the segment as a word: such functions are given no structs. */
__noinline __u32 change_slot(__u32 slot, __u32 old, __u32 segment_word)
{
	struct world world = {};
	struct segment segment;

	COPY(&segment, &segment_word, sizeof(segment));
	return change_state(&world, slot, old, segment);
}

static __always_inline __u32 change_state_apart(struct world *world, __u32 slot, __u32 old,
						struct segment segment)
{
	__u32 segment_word;

	COPY(&segment_word, &segment, sizeof(segment));
	return change_slot(slot, old, segment_word);
}

__noinline int open_new(struct xdp_md *ctx)
{
	struct world world = { .ctx = ctx };
	const struct settings *settings = find_settings(&world);
	struct notes *notes = notes_of(&world);

	return settings && notes ? open_flow(&world, settings, &notes->opening)
				 : VERDICT_PASSED_NOT_OURS;
}

static __always_inline enum verdict open_apart(struct world *world)
{
	return (enum verdict)open_new(world->ctx);
}

__noinline int meet_slot(struct xdp_md *ctx, __u32 slot)
{
	struct world world = { .ctx = ctx };
	const struct settings *settings = find_settings(&world);
	struct notes *notes = notes_of(&world);

	if (!settings || !notes)
		return VERDICT_DROPPED_COOKIE;
	return meet_client(&world, settings, &notes->desk,
			   slot == NO_SLOT ? 0 : connection_at(&world, slot));
}

static __always_inline enum verdict meet_apart(struct world *world, __u32 slot)
{
	return (enum verdict)meet_slot(world->ctx, slot);
}

/* The frame has moved then. */
__noinline int put_in_tunnel(struct xdp_md *ctx)
{
	struct world world = { .ctx = ctx };
	struct notes *notes = notes_of(&world);

	return notes ? encapsulate(&world, &notes->parcel) : 0;
}

static __always_inline int encapsulate_apart(struct world *world)
{
	return put_in_tunnel(world->ctx);
}

/* The frame has moved then. */
__noinline int take_step(struct xdp_md *ctx, __u32 step, __u32 slot)
{
	struct world world = { .ctx = ctx };
	struct notes *notes = notes_of(&world);

	return notes ? take_cookie_step(&world, &notes->desk, (enum cookie_step)step,
					connection_at(&world, slot))
		     : VERDICT_DROPPED_COOKIE;
}

static __always_inline enum verdict step_apart(struct world *world, enum cookie_step step,
					       __u32 slot)
{
	return (enum verdict)take_step(world->ctx, step, slot);
}

#endif

/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/*
 * opening - a packet without a connection: whether a service wants it, and what becomes of it then
 */
#ifndef XLVS_OPENING_H
#define XLVS_OPENING_H

#include "persistence.h"

static struct counters *counters_at(struct world *world, const struct settings *settings,
				    __u32 index);
static void count(__u64 *counter, __u64 amount);

/*
 * The service of the packet's firewall mark, whatever address it is sent to. In its key the mark
 * stands for the address, in network order; protocol and port are 0.
 */
static __always_inline int match_mark(struct world *world, struct opening *o)
{
	struct service_key *service = &o->virtual_service;
	__be32 mark = bpf_htonl(o->mark);

	if (!mark)
		return 0;
	service->vaddr = (struct address){};
	COPY(&service->vaddr, &mark, 4);
	service->vport = 0;
	service->protocol = 0;
	service->family = (__u8)(o->search.client >> 56);
	return find_service(world, service, &o->service);
}

/* The service that a packet without a connection is for. */
static __always_inline int match_service(struct world *world, const struct settings *settings,
					 struct opening *o)
{
	struct service_key *service = &o->virtual_service;
	__u32 vaddr = (__u32)o->search.far;
	o->is_marked = match_mark(world, o);
	service->vaddr = (struct address){};
	if (o->search.is_ipv6)
		service->vaddr = o->search.far_address;
	else
		COPY(&service->vaddr, &vaddr, 4);
	service->vport = (__be16)(o->search.far >> 32);
	service->protocol = (__u8)(o->search.client >> 48);
	service->family = (__u8)(o->search.client >> 56);
	return o->is_marked || find_service(world, service, &o->service) ||
	       match_other_port(world, settings, o);
}

/* The slot that an IPv4 connection would get now; where there is none, any. */
static __always_inline __u32 likely_free(struct world *world, const struct settings *settings,
					 __u64 hash)
{
	__u32 first = first_bucket(settings, hash), second = second_bucket(settings, hash);
	__u64 *one = bucket_at(world, first), *other = bucket_at(world, second);
	__u64 lanes = one ? free_lanes(LOAD(one)) : 0;
	__u64 others = other ? free_lanes(LOAD(other)) : 0;

	return count_lanes(others) > count_lanes(lanes) ? second * WAYS + lowest_lane(others)
							: first * WAYS + lowest_lane(lanes);
}

/*
 * Reads one word of each cache line that opening the connection is likely to write, so that all
 * are on their way at once: nothing is read ahead of the locked operations that follow.
 */
static __always_inline void foresee(struct world *world, const struct settings *settings,
				    const struct opening *o)
{
	const struct connection *conn =
		connection_at(world, likely_free(world, settings, o->search.hash));
	const struct schedule *schedule = schedule_at(world, o->service);
	const struct destination *destination;
	const struct counters *counters;
	__u32 index;

	if (!conn || !schedule)
		return;
	LOAD(&conn->state);
	index = ticket_at(world, schedule, (__u32)LOAD(&schedule->window));
	destination = destination_at(world, index);
	counters = counters_at(world, settings, index);
	if (destination && counters) {
		LOAD(&destination->weight);
		LOAD(&counters->connections);
	}
}

/* Whether the packet may open a connection of a service. ANSWERED_COOKIE: its client is unknown. */
static __always_inline enum verdict consider(struct world *world, const struct settings *settings,
					     struct opening *o)
{
	if (o->ended_state)
		end_connection(world, settings, o->ended_slot, o->ended_state);
	if (!match_service(world, settings, o))
		return VERDICT_PASSED_NOT_OURS;
	if (is_to_be_met(world, settings, o))
		return VERDICT_ANSWERED_COOKIE;
	if (!may_open(settings, o->segment))
		return VERDICT_PASSED_NOT_SYN;
	return o->fragment ? VERDICT_DROPPED_FRAGMENT : NEXT;
}

/*
 * Makes ready what is to be opened: of a plain service the connection, of a persistent one the
 * template. *found: that is there.
 */
static __always_inline enum verdict prepare(struct world *world, const struct settings *settings,
					    struct opening *o, int *found)
{
	const struct schedule *schedule = schedule_at(world, o->service);

	if (schedule && LOAD(&schedule->persistence_jiffies)) {
		begin_template(settings, o, schedule);
		*found = find_template(world, settings, o);
		return NEXT;
	}
	/* Other ports are for persistent services alone. */
	if (o->virtual_service.vport != (__be16)(o->search.far >> 32))
		return VERDICT_PASSED_NOT_OURS;
	foresee(world, settings, o);
	o->state = next_state(o->segment, STATE_NONE);
	return NEXT;
}

/*
 * Opens the connection of a packet without one, if a service wants it. NEXT in STAGE_TEMPLATE:
 * its template is there, and it is to be called again. ANSWERED_COOKIE: if its client, once it
 * was met, does.
 */
static __always_inline enum verdict open_flow(struct world *world, const struct settings *settings,
					      struct opening *o)
{
	struct counters *counters;
	enum verdict verdict;
	int found = 0;

	if (o->stage == STAGE_TEMPLATE) {
		if (!hold_template(world, settings, o))
			return VERDICT_RAISED_NEW;
	} else {
		verdict = consider(world, settings, o);
		if (verdict == NEXT)
			verdict = prepare(world, settings, o, &found);
		if (verdict != NEXT || found)
			return verdict;
	}
	verdict = open_connection(world, settings, o);
	if (o->stage == STAGE_TEMPLATE)
		return verdict;
	if (verdict != NEXT || !o->is_new) {
		if (o->stage == STAGE_CONTROLLED)
			drop_template(world, o);
		return verdict;
	}
	counters = counters_at(world, settings, o->destination);
	if (counters)
		count(&counters->connections, 1);
	return NEXT;
}

#endif

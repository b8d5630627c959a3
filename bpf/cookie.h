/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/*
 * cookie - where SYN cookies come into a packet's journey
 *
 *   SYN without a connection      ANSWERED_COOKIE
 *   ACK without one               proves itself, opens a connection, is its SYN from then on
 *   the same again, where the destination has not answered yet
 *   later packets, either way     are translated
 *
 * A packet's place is noted (place_on_desk), and what is to be done with it (journey.step); that
 * is done at the very end, when nobody looks at the frame any more (finish_cookie).
 *
 * The slow path only gets what has passed here in XDP: a SYN that carries its handshake.
 */
#ifndef XLVS_COOKIE_H
#define XLVS_COOKIE_H

#include "track.h"

/* Whether another one, in XDP, has met the client already. */
/* The parts beside the path of most packets: meet_client, take_cookie_step. Slots, or NO_SLOT. */
static enum verdict meet_apart(struct world *world, __u32 slot);
static enum verdict step_apart(struct world *world, enum cookie_step step, __u32 slot);

/*
 * A client's packet that has no connection yet, or one whose destination has not answered. NEXT:
 * it goes on, and where the desk says that it is proven as the SYN.
 */
static __always_inline enum verdict meet_client(struct world *world,
						const struct settings *settings,
						struct cookie_desk *desk, struct connection *conn)
{
	__u8 flags = desk->tcp_flags & (TCP_SYN | TCP_ACK | TCP_RST);
	__u32 now = read_jiffies(world);
	enum verdict verdict;

	if (is_slow_path(world)) {
		if (flags == TCP_SYN)
			desk->is_proven = (__u32)read_carried(world, &desk->seg, &desk->handshake);
		return NEXT;
	}
	if (flags == TCP_SYN)
		return conn || are_cookies_sent(settings, now) ? VERDICT_ANSWERED_COOKIE : NEXT;
	if (flags != TCP_ACK)
		return NEXT;
	verdict = prove_client(world, desk, conn);
	/* After an attack the kernel tells a client again whose connection nobody knows. */
	return conn || are_cookies_sent(settings, now) ? verdict : NEXT;
}

/* Whether a packet without a connection has to be met before it may open one. */
static __always_inline int is_to_be_met(struct world *world, const struct settings *settings,
					const struct opening *o)
{
	const struct schedule *schedule = schedule_at(world, o->service);

	return o->segment.is_tcp && !o->is_met && !o->fragment && schedule &&
	       LOAD(&schedule->cookies) && are_cookies_taken(settings, o->now_jiffies);
}

/* Meets the client; a packet that has proven itself is a SYN from then on. */
static __always_inline enum verdict meet(struct world *world, struct journey *j, __u32 slot)
{
	struct cookie_desk *desk = &j->notes->desk;
	enum verdict verdict;

	place_on_desk(desk, &j->pkt);
	verdict = meet_apart(world, slot);
	if (verdict == VERDICT_ANSWERED_COOKIE)
		j->step = STEP_ANSWER;
	if (verdict != NEXT || !desk->is_proven)
		return verdict;
	j->step = STEP_PUT;
	j->pkt.tcp_flags = TCP_SYN;
	return NEXT;
}

/* A client without a connection; what is opened for one that is proven keeps its handshake. */
static __always_inline enum verdict meet_stranger(struct world *world, struct journey *j)
{
	struct opening *o = &j->notes->opening;
	enum verdict verdict = meet(world, j, NO_SLOT);

	o->is_met = 1;
	if (verdict != NEXT || j->step != STEP_PUT)
		return verdict;
	o->segment = segment_of(&j->pkt, VIEW_IN);
	o->flags = FLAG_COOKIE_OPENING;
	o->sequence = j->notes->desk.handshake.cookie;
	o->timestamp = j->notes->desk.handshake.cookie_timestamp;
	return NEXT;
}

/* A packet of a connection that a cookie opened. */
static __always_inline enum verdict follow_cookie(struct world *world, struct journey *j)
{
	/* It was opened just now. */
	if (j->step == STEP_PUT)
		return NEXT;
	if (!j->reply && LOAD(&j->conn->flags) & FLAG_COOKIE_OPENING) {
		enum verdict verdict = meet(world, j, j->slot);

		if (verdict != NEXT || j->step == STEP_PUT)
			return verdict;
	}
	place_on_desk(&j->notes->desk, &j->pkt);
	j->step = j->reply ? STEP_TRANSLATE_OUT : STEP_TRANSLATE_IN;
	return NEXT;
}

/* What is done with the frame, by where its journey ends; what is raised untouched comes again. */
static __always_inline enum cookie_step last_step(struct world *world, const struct journey *j,
						  enum verdict verdict)
{
	switch (verdict) {
	case VERDICT_FORWARDED_IN:
	case VERDICT_FORWARDED_OUT:
	case VERDICT_ANSWERED_COOKIE:
		return (enum cookie_step)j->step;
	case VERDICT_RAISED_NEW:
	case VERDICT_RAISED_ROUTE:
	case VERDICT_RAISED_TTL:
	case VERDICT_RAISED_MTU:
		return j->step == STEP_PUT && !is_slow_path(world) ? STEP_RAISE : STEP_NONE;
	default:
		return STEP_NONE;
	}
}

/* The end of a journey that cookies had a part in. No pointer into the frame holds any more. */
static __always_inline enum verdict finish_cookie(struct world *world, struct journey *j,
						  enum verdict verdict)
{
	enum cookie_step step = last_step(world, j, verdict);

	if (step == STEP_NONE)
		return verdict;
	if (step_apart(world, step, j->slot) != NEXT)
		return VERDICT_DROPPED_COOKIE;
	return step == STEP_PUT ? VERDICT_FORWARDED_COOKIE : verdict;
}

#endif

/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/*
 * marks - the firewall mark of a packet without a connection
 *
 * XDP comes before netfilter, so the mark rules are our own. TypeScript compiles them
 * (ts/lvs/marks/program.ts) into a program of steps, which is a decision tree with what is left of
 * the rules at its leaves:
 *
 *   field in low .. low + span ?        yes: the next step          no: `other`
 *   MARK_TEST  (mark & low) == span ?    yes: the next step          no: `other`
 *   MARK_SET   mark = (mark & low) ^ span, unless a higher rank has set it; then `other`
 *
 * A program is never changed, but replaced by another one in the other half of the map; whoever
 * finds at the end of the steps that another one holds by now takes the steps of that. So every
 * packet gets the mark of one edition of the rules as a whole.
 */
#ifndef XLVS_MARKS_H
#define XLVS_MARKS_H

#include "table.h"

static const struct mark_step *mark_step_at(struct world *world, __u32 index);
/* The interface that the packet came by. */
static __u32 ingress_of(struct world *world);

/* A walk through the program. */
struct mark_walk {
	struct world *world;
	/* Of the packet, by enum mark_field. */
	const __u32 *fields;
	/* The step to be taken; 0 is none. */
	__u32 at;
	__u32 mark;
	/* Of the step that has set the mark. */
	__u32 rank;
};

static __always_inline void note_address(const struct address *address, __u32 *fields)
{
	__be32 words[4];

	COPY(words, address, 16);
	for (int i = 0; i < 4; i++)
		fields[i] = bpf_ntohl(words[i]);
}

/* What the rules may ask of a packet. */
static __always_inline void note_fields(struct world *world, const struct search *search,
					__u32 *fields)
{
	fields[MARK_KIND] = (__u32)(search->client >> 48);
	fields[MARK_SOURCE_PORT] = bpf_ntohs((__be16)(search->client >> 32));
	fields[MARK_TARGET_PORT] = bpf_ntohs((__be16)(search->far >> 32));
	fields[MARK_INGRESS] = ingress_of(world);
	if (search->is_ipv6) {
		note_address(&search->client_address, &fields[MARK_SOURCE]);
		note_address(&search->far_address, &fields[MARK_TARGET]);
	} else {
		/* No rule of IPv4 asks for the other words. */
		fields[MARK_SOURCE] = bpf_ntohl((__be32)search->client);
		fields[MARK_TARGET] = bpf_ntohl((__be32)search->far);
	}
}

static long take_mark_step(__u32 turn __attribute__((unused)), void *context)
{
	struct mark_walk *walk = (struct mark_walk *)context;
	const struct mark_step *step = mark_step_at(walk->world, walk->at);
	__u32 low, span, field;
	int fits = 0;

	if (!walk->at || !step)
		return 1;
	low = LOAD(&step->low);
	span = LOAD(&step->span);
	field = LOAD(&step->field);
	if (field < MARK_FIELDS) {
		fits = walk->fields[field % MARK_FIELDS_ROOM] - low <= span;
	} else if (field == MARK_TEST) {
		fits = (walk->mark & low) == span;
	} else if (field >> 8 >= walk->rank) {
		walk->mark = (walk->mark & low) ^ span;
		walk->rank = field >> 8;
	}
	walk->at = fits ? walk->at + 1 : LOAD(&step->other);
	return 0;
}

/* The mark of the packet whose fields were noted. */
static __always_inline __u32 classify(struct world *world, const struct settings *settings,
				      const __u32 *fields)
{
	struct mark_walk walk = { world, fields, 0, 0, 0 };

	NO_UNROLL
	for (int i = 0; i < SWAP_TRIES; i++) {
		__u64 marks = LOAD(&settings->marks);

		walk.at = (__u32)marks;
		walk.mark = 0;
		walk.rank = 0;
		repeat(MAX_MARK_STEPS, take_mark_step, &walk);
		if (LOAD(&settings->marks) == marks)
			break;
	}
	return walk.mark;
}

#endif

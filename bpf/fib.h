/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/*
 * fib - the next hop by the kernel's own routing and neighbour tables
 *
 * Asked once a connection and direction, and again when the route generation changed; 100 ns.
 * The kernel refuses where forwarding is off on the packet's interface, and where it has no
 * valid neighbour, or is older than 6.7 and asked for our address towards a tunnel's end; then the
 * slow path asks over rtnetlink, and waits for the neighbour.
 */
#ifndef XLVS_FIB_H
#define XLVS_FIB_H

#include "apart.h"

#define AF_INET 2
#define AF_INET6 10

/* The packet's source, by which there may be policies. */
static __always_inline int put_source(struct world *world, const struct resolution *r,
				      struct bpf_fib_lookup *fib)
{
	const struct connection *conn = connection_at(world, r->slot);
	const struct connection_addresses *line;

	if (!conn)
		return 0;
	if (!r->is_ipv6) {
		fib->ipv4_src = r->reply ? conn->vaddr : conn->caddr;
		return 1;
	}
	line = (const struct connection_addresses *)connection_at(world, r->slot + 1);
	if (line)
		copy_address((struct address *)fib->ipv6_src,
			     r->reply ? &line->vaddr : &line->caddr);
	return line != 0;
}

static __always_inline int find_route(struct world *world, struct resolution *r)
{
	struct bpf_fib_lookup fib __attribute__((aligned(8))) = {};
	const struct interface *to;
	__u32 flags = 0;

	fib.ifindex = world->ctx->ingress_ifindex;
	fib.l4_protocol = (__u8)r->protocol;
	/* With a length the answer has the MTU. */
	fib.tot_len = 1;
	if (r->family == FAMILY_IPV6) {
		fib.family = AF_INET6;
		copy_address((struct address *)fib.ipv6_dst, &r->target);
	} else {
		fib.family = AF_INET;
		fib.ipv4_dst = (__be32) * (const word *)&r->target;
	}
	if (r->tunnelled)
		flags = BPF_FIB_LOOKUP_SRC;
	else if (!put_source(world, r, &fib))
		return 0;
	if (bpf_fib_lookup(world->ctx, &fib, sizeof(fib), flags) != BPF_FIB_LKUP_RET_SUCCESS)
		return 0;
	/* An IPv4 one is its first word; the others are 0 still. */
	if (r->tunnelled)
		copy_address(&r->hop.saddr, (const struct address *)fib.ipv6_src);
	to = AT(interfaces, fib.ifindex);
	r->hop.key |= to ? to->egress : fib.ifindex;
	r->hop.mtu = fib.mtu_result;
	COPY(r->hop.dmac, fib.dmac, ETH_ALEN);
	COPY(r->hop.smac, fib.smac, ETH_ALEN);
	return 1;
}

__noinline int ask_fib(struct xdp_md *ctx)
{
	struct world world = { .ctx = ctx };
	struct notes *notes = notes_of(&world);

	return notes ? find_hop(&world, &notes->resolution) : 0;
}

__noinline int keep_found(void)
{
	struct world world = {};
	struct notes *notes = notes_of(&world);

	return notes ? keep_hop(&world, &notes->resolution) : 0;
}

static __always_inline int resolve_apart(struct world *world)
{
	return ask_fib(world->ctx) && keep_found();
}

#endif

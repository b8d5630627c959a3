/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/*
 * fib - the next hop by the kernel's own routing and neighbour tables
 *
 * Asked once a connection and direction, and again when the route generation changed; 100 ns.
 * The kernel refuses where forwarding is off on the packet's interface, and where it has no
 * valid neighbour; then the slow path asks over rtnetlink, and waits for the neighbour.
 */
#ifndef XLVS_FIB_H
#define XLVS_FIB_H

#include "apart.h"

#define AF_INET 2
#define AF_INET6 10

static __always_inline int find_route(struct world *world, struct resolution *r)
{
	const struct connection *conn = connection_at(world, r->slot);
	struct bpf_fib_lookup fib = {};
	const struct interface *to;

	if (!conn)
		return 0;
	fib.ifindex = world->ctx->ingress_ifindex;
	fib.l4_protocol = (__u8)r->protocol;
	/* With a length the answer has the MTU. */
	fib.tot_len = 1;
	if (r->is_ipv6) {
		struct connection_addresses *line =
			(struct connection_addresses *)connection_at(world, r->slot + 1);

		if (!line)
			return 0;
		fib.family = AF_INET6;
		COPY(fib.ipv6_src, r->reply ? &line->vaddr : &line->caddr, 16);
		COPY(fib.ipv6_dst, r->reply ? &line->caddr : &line->daddr, 16);
	} else {
		fib.family = AF_INET;
		fib.ipv4_src = r->reply ? conn->vaddr : conn->caddr;
		fib.ipv4_dst = r->reply ? conn->caddr : conn->daddr;
	}
	if (bpf_fib_lookup(world->ctx, &fib, sizeof(fib), 0) != BPF_FIB_LKUP_RET_SUCCESS)
		return 0;
	to = AT(interfaces, fib.ifindex);
	r->hop.key |= to ? to->egress : fib.ifindex;
	r->hop.mtu = fib.mtu_result;
	COPY(r->hop.dmac, fib.dmac, ETH_ALEN);
	COPY(r->hop.smac, fib.smac, ETH_ALEN);
	return 1;
}

__noinline int resolve_hop(struct xdp_md *ctx)
{
	struct world world = { .ctx = ctx };
	struct notes *notes = notes_of(&world);

	return notes ? resolve(&world, &notes->resolution) : 0;
}

static __always_inline int resolve_apart(struct world *world)
{
	return resolve_hop(world->ctx);
}

#endif

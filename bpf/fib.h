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

#include "maps.h"

#define AF_INET 2
#define AF_INET6 10

static __always_inline int find_route(struct world *world, const struct journey *j,
				      struct route *route)
{
	const struct connection *conn = j->conn;
	const struct address *to = j->reply ? &conn->caddr : &conn->daddr;
	const struct address *from = j->reply ? &conn->vaddr : &conn->caddr;
	struct bpf_fib_lookup fib = {};

	fib.ifindex = world->ctx->ingress_ifindex;
	fib.l4_protocol = conn->protocol;
	/* With a length the answer has the MTU. */
	fib.tot_len = 1;
	if (conn->family == FAMILY_IPV4) {
		fib.family = AF_INET;
		COPY(&fib.ipv4_src, from, 4);
		COPY(&fib.ipv4_dst, to, 4);
	} else {
		fib.family = AF_INET6;
		COPY(fib.ipv6_src, from, 16);
		COPY(fib.ipv6_dst, to, 16);
	}
	if (bpf_fib_lookup(world->ctx, &fib, sizeof(fib), 0) != BPF_FIB_LKUP_RET_SUCCESS)
		return 0;
	route->ifindex = fib.ifindex;
	route->mtu = fib.mtu_result;
	COPY(route->dmac, fib.dmac, ETH_ALEN);
	COPY(route->smac, fib.smac, ETH_ALEN);
	return 1;
}

#endif

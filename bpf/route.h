/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/*
 * route - the next hop of a connection, in each direction
 *
 * A connection holds its next hops ready to write: interface, MAC addresses, MTU. They hold as
 * long as the settings' route generation is the one they were found under. The daemon raises it
 * whenever a link, address, route or neighbour changes; the next packet of each connection then
 * looks its next hop up again, so a gateway that moves takes the existing connections along.
 *
 * With the daemon dead nobody raises it: then next hops are looked up again every second.
 */
#ifndef XLVS_ROUTE_H
#define XLVS_ROUTE_H

#include "packet.h"

static __always_inline __u32 present_generation(const struct settings *settings, __u32 now_jiffies)
{
	__u32 silent_jiffies = now_jiffies - settings->heartbeat_jiffies;

	if ((__s32)silent_jiffies <= (__s32)(2 * settings->hz) || !settings->hz)
		return settings->route_generation;
	return ~(silent_jiffies / settings->hz);
}

/* Stores a next hop so that whoever reads its generation reads the rest of it too. */
static __always_inline void store_route(struct route *to, const struct route *from)
{
	to->generation = 0;
	barrier();
	to->ifindex = from->ifindex;
	to->mtu = from->mtu;
	COPY(to->dmac, from->dmac, 6);
	COPY(to->smac, from->smac, 6);
	barrier();
	to->generation = from->generation;
}

#endif

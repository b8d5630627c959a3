/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/*
 * persistence - a new connection of a persistent service
 *
 *   packet's flow -> key of its template -> find it, or open it: by ticket, table or slow path
 *                                        |
 *                      hold it -> open the connection to where it leads
 *
 * So of a client's connections on many CPUs at once one makes the template, and one ticket is used
 * for all. It is made here and not by the slow path, so it needs nobody: no daemon either.
 */
#ifndef XLVS_PERSISTENCE_H
#define XLVS_PERSISTENCE_H

#include "cookie.h"

enum persistence_numbers {
	/* How long a template is kept that should expire but controls connections; LVS's 60 s. */
	CONTROLLING_SECONDS = 60,
	PORT_FTP_DATA = 20,
	PORT_FTP = 21,
	/* Ports below are nobody's who serves FTP data; net.ipv4.ip_unprivileged_port_start. */
	PORT_UNPRIVILEGED = 1024,
};

static int find_service(struct world *world, const struct service_key *key, __u32 *index);

/*
 * The service that has a port beside its own: the one at port 21 has the data ports of FTP, the
 * one at port 0 all others. In LVS's order.
 */
static __always_inline int match_other_port(struct world *world, const struct settings *settings,
					    struct opening *o)
{
	struct service_key *service = &o->virtual_service;
	__u16 port = bpf_ntohs(service->vport);
	__u32 kinds = LOAD(&settings->other_ports);

	if (kinds & PORTS_OF_FTP && service->protocol == IPPROTO_TCP &&
	    (port == PORT_FTP_DATA || port >= PORT_UNPRIVILEGED)) {
		service->vport = bpf_htons(PORT_FTP);
		if (find_service(world, service, &o->service))
			return 1;
	}
	service->vport = 0;
	return kinds & PORTS_ALL && find_service(world, service, &o->service);
}

/* The client's address but for what the mask leaves out. */
static __always_inline void mask_client(const struct settings *settings, struct search *search,
					__u32 mask)
{
	__u32 words[4];
	__u32 caddr = (__u32)search->client & mask;

	if (search->is_ipv6) {
		COPY(words, &search->client_address, 16);
		for (int i = 0; i < 4; i++) {
			__u32 bits = mask > i * 32u ? mask - i * 32u : 0;

			words[i] &= bits >= 32 ? ~0u : bpf_htonl(~(__u32)(0xffffffffULL >> bits));
		}
		COPY(&search->client_address, words, 16);
		caddr = hash_address(settings, &search->client_address);
	}
	search->client = (search->client >> 48 | FAMILY_TEMPLATE << 8) << 48 | caddr;
}

/*
 * Of a mark's service the templates are for whatever has the mark: it stands for the address, and
 * there is no protocol.
 */
static __always_inline void aim_at_mark(const struct settings *settings, struct search *search,
					__u32 mark)
{
	__be32 vaddr = bpf_htonl(mark);

	search->client &= ~(0xffULL << 48);
	search->far = vaddr;
	if (!search->is_ipv6)
		return;
	search->far_address = (struct address){};
	COPY(&search->far_address, &vaddr, 4);
	search->far = hash_address(settings, &search->far_address);
}

/* Goes on with the key of the template: the masked client at port 0; the port that it is for. */
static __always_inline void begin_template(const struct settings *settings, struct opening *o,
					   const struct schedule *schedule)
{
	__be16 port = o->virtual_service.vport;

	o->flow = o->search;
	o->stage = STAGE_TEMPLATE;
	o->state = STATE_NONE;
	o->persistence_jiffies = LOAD(&schedule->persistence_jiffies);
	mask_client(settings, &o->search, LOAD(&schedule->persistence_mask));
	/* Those of FTP are for any port. */
	if (port == bpf_htons(PORT_FTP))
		port = 0;
	o->search.far = (__u32)o->search.far | (__u64)port << 32;
	if (o->is_marked)
		aim_at_mark(settings, &o->search, o->mark);
	o->search.hash = hash_client(settings, o->search.client);
}

/* Whether the template is there, and sends the client somewhere. */
static __always_inline int find_template(struct world *world, const struct settings *settings,
					 struct opening *o)
{
	__u32 slot = search_table(world, settings, &o->search);
	struct connection *conn = slot == NO_SLOT ? 0 : connection_at(world, slot);
	const struct destination *destination;

	if (!conn)
		return 0;
	destination = destination_at(world, LOAD(&conn->destination));
	if (is_expired(conn, o->now_jiffies) &&
	    end_connection(world, settings, slot, o->search.state))
		return 0;
	if (destination && may_follow(settings, destination))
		return 1;
	invalidate_template(conn);
	return 0;
}

/* Goes on with the connection, which the template controls from now on; 0 when that is gone. */
static __always_inline int hold_template(struct world *world, const struct settings *settings,
					 struct opening *o)
{
	__u32 slot = o->search.slot;
	__u32 life = (__u32)(control_in(o->search.state) >> 32);
	struct connection *conn = connection_at(world, slot);

	if (!conn || !change_control(conn, life, 1))
		return 0;
	/* Once it had to wait for its connections, it lives by their minute. */
	if (is_expired(conn, o->now_jiffies))
		STORE(&conn->timeout_jiffies, CONTROLLING_SECONDS * settings->hz);
	STORE(&conn->seen_jiffies, o->now_jiffies);
	o->search = o->flow;
	o->stage = STAGE_CONTROLLED;
	o->destination = LOAD(&conn->destination);
	o->flags = FLAG_CONTROLLED;
	o->sequence = slot;
	o->timestamp = life;
	o->state = next_state(o->segment, STATE_NONE);
	/* Only with NAT it will be seen whether the destination answers. */
	if (o->state == STATE_UDP && LOAD(&conn->method) == METHOD_MASQ)
		o->state = STATE_UDP_UNANSWERED;
	return 1;
}

/* The connection was not opened. */
static __always_inline void drop_template(struct world *world, const struct opening *o)
{
	struct connection *conn = connection_at(world, o->sequence);

	if (conn)
		change_control(conn, o->timestamp, -1);
}

#endif

// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0
/*
 * The XDP program: one packet's journey (director.h), and what its end means to the driver.
 */
#include "capture.h"
#include "fib.h"

char _license[] SEC("license") = "Dual BSD/GPL";

/* BTF keeps what something mentions; TypeScript needs these too. */
const enum limits limits_anchor = 0;
const enum forwarding_method forwarding_method_anchor = 0;
const enum connection_state connection_state_anchor = 0;
const enum tcp_view tcp_view_anchor = 0;
const enum tcp_event tcp_event_anchor = 0;
const enum verdict verdict_anchor = 0;
const enum question question_anchor = 0;
const enum answer answer_anchor = 0;
const enum family family_anchor = 0;
const enum egress egress_anchor = 0;
const struct flow_record flow_record_anchor = {};
const enum term_kind term_kind_anchor = 0;
const enum term_side term_side_anchor = 0;
const enum slot_phase slot_phase_anchor = 0;
const enum mark_field mark_field_anchor = 0;
const enum mark_limits mark_limits_anchor = 0;
const enum connection_flag connection_flag_anchor = 0;
const enum address_role address_role_anchor = 0;
const enum table_kind table_kind_anchor = 0;
const enum relief relief_anchor = 0;
const enum refill refill_anchor = 0;
const enum tunnel_kind tunnel_kind_anchor = 0;
const enum other_ports other_ports_anchor = 0;
const struct connection_addresses connection_addresses_anchor = {};

/* Hands the packet to the socket of its queue; where nobody listens, says so. */
static __always_inline int raise_packet(struct xdp_md *ctx, enum verdict *verdict)
{
	__u32 index = socket_index(ctx);

	if (AT(sockets, index))
		return bpf_redirect_map(&sockets, index, XDP_DROP);
	*verdict = VERDICT_DROPPED_NO_SLOW_PATH;
	return XDP_DROP;
}

/*
 * XDP_TX, where the interface's driver is better at that; on veth, without a program at the other
 * end, it would lose packets.
 */
static __always_inline int send_packet(struct xdp_md *ctx, __u32 egress)
{
	__u32 ifindex = egress & EGRESS_IFINDEX;

	if (egress & EGRESS_TRANSMIT && ifindex == ctx->ingress_ifindex)
		return XDP_TX;
	return ifindex ? (int)bpf_redirect(ifindex, 0) : XDP_ABORTED;
}

static __always_inline void count_verdict(enum verdict verdict)
{
	__u32 cpu = bpf_get_smp_processor_id();
	struct verdict_counters *counters = bpf_map_lookup_elem(&verdicts, &cpu);

	if (counters && verdict < VERDICTS)
		counters->packets[verdict]++;
}

/* Alone turns a verdict into an XDP action and counts it, so that no path escapes. */
static __always_inline int finish(struct xdp_md *ctx, const struct journey *j, enum verdict verdict)
{
	__u32 egress = 0;
	int action;

	switch (verdict) {
	case VERDICT_FORWARDED_IN:
	case VERDICT_FORWARDED_OUT:
	case VERDICT_FORWARDED_COOKIE:
		egress = (__u32)j->hop_key;
		action = send_packet(ctx, egress);
		break;
	case VERDICT_ANSWERED_COOKIE:
		egress = ctx->ingress_ifindex;
		action = bpf_redirect(egress, 0);
		break;
	case VERDICT_RAISED_NEW:
	case VERDICT_RAISED_ROUTE:
	case VERDICT_RAISED_TTL:
	case VERDICT_RAISED_MTU:
		action = raise_packet(ctx, &verdict);
		break;
	case VERDICT_DROPPED_HEADER_CHECKSUM:
	case VERDICT_DROPPED_FRAGMENT:
	case VERDICT_DROPPED_DESTINATION_REMOVED:
	case VERDICT_DROPPED_TABLE_FULL:
	case VERDICT_DROPPED_COOKIE:
	case VERDICT_DROPPED_TUNNEL:
		action = XDP_DROP;
		break;
	default:
		action = XDP_PASS;
	}
	count_verdict(verdict);
	capture_after(ctx, j->settings, verdict, egress & EGRESS_IFINDEX);
	return action;
}

/* Frames in more than one buffer too: jumbo frames. */
SEC("xdp.frags")
int xlvs_director(struct xdp_md *ctx)
{
	struct world world = { .ctx = ctx };
	struct journey j = {};

	j.settings = find_settings(&world);
	capture_before(ctx, j.settings);
	j.pkt.data = (__u8 *)(long)ctx->data;
	j.pkt.end = (__u8 *)(long)ctx->data_end;
	return finish(ctx, &j, travel(&world, &j));
}

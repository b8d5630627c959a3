// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0
/*
 * The kernel's clock of ticks, which XDP stamps connections with, for the daemon: run as a
 * system call, it answers in its context.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "abi.h"

extern int CONFIG_HZ __kconfig;

SEC("syscall")
int xlvs_clock(struct clock *clock)
{
	clock->jiffies = bpf_jiffies64();
	clock->hz = CONFIG_HZ;
	return 0;
}

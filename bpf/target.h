/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/*
 * target - the same packet code for two targets
 *
 * clang compiles these headers into the XDP program, g++ into the addon. This file evens out
 * what the two toolchains spell differently, and nothing else. The UAPI headers are used, not
 * vmlinux.h: its relocations break bpf_fib_lookup's unions (see docs/architecture.md).
 */
#ifndef XLVS_TARGET_H
#define XLVS_TARGET_H

#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/tcp.h>
#include <linux/udp.h>

#include "abi.h"

#ifdef __bpf__

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_endian.h>

#else

#include <cstring>
#include <endian.h>

#define bpf_htons(value) ((__be16)htobe16(value))
#define bpf_ntohs(value) ((__u16)be16toh(value))
#undef __always_inline
#define __always_inline inline __attribute__((always_inline))
#define barrier() __asm__ __volatile__("" ::: "memory")

#endif

/* Keeps the compiler from knowing anything of a value any more. */
#define FORGET(value) __asm__ __volatile__("" : "+r"(value))

/* Keeps the bytes of a small constant-size copy visible to both compilers. */
#define COPY(to, from, size) __builtin_memcpy(to, from, size)

#endif

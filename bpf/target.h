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
#define bpf_htonl(value) ((__be32)htobe32(value))
#define bpf_ntohl(value) ((__u32)be32toh(value))
#undef __always_inline
#define __always_inline inline __attribute__((always_inline))
#define barrier() __asm__ __volatile__("" ::: "memory")

#endif

/*
 * Words that other CPUs and threads change meanwhile. The read-modify-write ones are full
 * barriers; on x86 a plain load or store is never seen out of order by another.
 */
#ifdef __bpf__
#define LOAD(from) (*(volatile __typeof__(*(from)) *)(from))
#define STORE(to, value) ((void)(*(volatile __typeof__(*(to)) *)(to) = (value)))
#define EXCHANGE(at, value) __sync_lock_test_and_set(at, value)
#else
#define LOAD(from) __atomic_load_n(from, __ATOMIC_ACQUIRE)
#define STORE(to, value) __atomic_store_n(to, value, __ATOMIC_RELEASE)
#define EXCHANGE(at, value) __atomic_exchange_n(at, value, __ATOMIC_SEQ_CST)
#endif
#define SWAP_IF(at, expected, value) __sync_val_compare_and_swap(at, expected, value)
#define ADD(at, amount) __sync_fetch_and_add(at, amount)
#define CLEAR_BITS(at, bits) __sync_fetch_and_and(at, ~(bits))

/* In front of a loop that is to stay one: unrolled it would take more code and stack. */
#ifdef __clang__
#define NO_UNROLL _Pragma("clang loop unroll(disable)")
#else
#define NO_UNROLL
#endif

/* Eight bytes of a struct, whatever stands in them. */
typedef __u64 __attribute__((may_alias)) word;

/*
 * The same in a packet, at any address. For BPF clang would take that for bytes, one by one; the
 * kernels of x86 and arm64 let the words of packets be unaligned.
 */
#ifdef __bpf__
typedef __u64 __attribute__((may_alias)) packet_word;
typedef __u32 __attribute__((may_alias)) packet_half_word;
#else
typedef __u64 __attribute__((may_alias, aligned(1))) packet_word;
typedef __u32 __attribute__((may_alias, aligned(1))) packet_half_word;
#endif

/* Keeps the compiler from knowing anything of a value any more. */
#define FORGET(value) __asm__ __volatile__("" : "+r"(value))

/* Keeps the bytes of a small constant-size copy visible to both compilers. */
#define COPY(to, from, size) __builtin_memcpy(to, from, size)

#endif

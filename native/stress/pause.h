// The packet code's words as bpf/target.h has them, but in front of some accesses another thread
// gets its turn: what takes an unlucky interrupt elsewhere happens here all the time.
//
// Comes before everything else of the packet code; the compiler is told so by -include.
#pragma once

#include "target.h"

/// Gives others a turn, or not.
void Pause();

#undef LOAD
#undef STORE
#undef SWAP_IF
#undef EXCHANGE
#undef ADD
#undef CLEAR_BITS
#define LOAD(from) (Pause(), __atomic_load_n(from, __ATOMIC_ACQUIRE))
#define STORE(to, value) (Pause(), __atomic_store_n(to, value, __ATOMIC_RELEASE))
#define SWAP_IF(at, expected, value) (Pause(), __sync_val_compare_and_swap(at, expected, value))
#define EXCHANGE(at, value) (Pause(), __atomic_exchange_n(at, value, __ATOMIC_SEQ_CST))
#define ADD(at, amount) (Pause(), __sync_fetch_and_add(at, amount))
#define CLEAR_BITS(at, bits) (Pause(), __sync_fetch_and_and(at, ~(bits)))

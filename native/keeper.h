// Says in shared memory that this thread lives and, by the kernel, as soon as it does not.
//
// A robust futex that nobody waits for: a thread that dies has the kernel mark the words of the
// list that it left with it, before the process's memory and sockets go, whoever killed it
// (Linux, robust-futex-ABI.rst).
#pragma once

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdint>

#include "target.h"

class Keeper {
 public:
  /// Marks `word` as kept by the calling thread, on which this object has to end as well.
  explicit Keeper(uint32_t* word) : word_(word), thread_(static_cast<uint32_t>(gettid())) {
    head_.list.next = &entry_;
    head_.futex_offset = reinterpret_cast<intptr_t>(word) - reinterpret_cast<intptr_t>(&entry_);
    entry_.next = &head_.list;
    STORE(word_, thread_);
    Register(&head_);
  }
  /// An orderly end leaves no mark, nor takes that of a successor.
  ~Keeper() {
    SWAP_IF(word_, thread_, 0U);
    Register(nullptr);
  }
  Keeper(const Keeper&) = delete;
  Keeper& operator=(const Keeper&) = delete;

 private:
  /// In the place of the C library's list, which is for mutexes that this thread has none of.
  static void Register(robust_list_head* head) {
    syscall(SYS_set_robust_list, head, sizeof(robust_list_head));
  }

  uint32_t* word_;
  uint32_t thread_;
  robust_list_head head_ = {};
  robust_list entry_ = {};
};

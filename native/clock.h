// The kernel's ticks in user space: read by a BPF program now and then, counted on by the
// monotonic clock in between.
#pragma once

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <time.h>

#include <atomic>
#include <cerrno>

#include "abi.h"

class Clock {
 public:
  /// Reads the kernel's clock. Returns 0 or an errno.
  int Refresh(int program_fd) {
    struct clock answer = {};
    // The kernel writes the context back to where it came from.
    LIBBPF_OPTS(bpf_test_run_opts, run, .ctx_in = &answer, .ctx_size_in = sizeof(answer));
    if (bpf_prog_test_run_opts(program_fd, &run) < 0) return errno;
    hz_ = answer.hz;
    // One word, so that a reader never pairs one reading's ticks with another's time.
    offset_ = static_cast<int64_t>(answer.jiffies) - Ticks(answer.hz);
    return 0;
  }

  uint32_t hz() const { return hz_; }
  uint32_t Now() const { return static_cast<uint32_t>(offset_ + Ticks(hz_)); }

 private:
  static int64_t Ticks(uint32_t hz) {
    timespec now;
    clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
    return static_cast<int64_t>(now.tv_sec) * hz +
           static_cast<int64_t>(now.tv_nsec) * hz / 1000000000;
  }

  std::atomic<uint32_t> hz_ = 0;
  std::atomic<int64_t> offset_ = 0;
};

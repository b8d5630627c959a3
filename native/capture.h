// Packets that a capture wants: those of XDP from its ring buffer, those of the slow path from
// its threads.
#pragma once

#include <bpf/libbpf.h>

#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <vector>

#include "abi.h"

/// Whether a capture wants a packet of this verdict that came as this frame.
bool IsCaptured(const capture& wanted, std::span<const uint8_t> frame, verdict verdict);

class CaptureLog {
 public:
  /// `ring`: descriptor of the ring buffer's map; the memory is XDP's too.
  CaptureLog(const settings* settings, capture* wanted, int ring);

  /// 0, or the errno that opening the ring buffer gave.
  int error() const { return error_; }

  bool IsOn() const { return Number() != 0; }

  /// A frame and the interface that it came or left by.
  struct Passage {
    std::span<const uint8_t> frame;
    uint32_t ifindex = 0;
  };

  /// Enters a packet, if it is wanted. Any thread may.
  void Add(verdict verdict, const Passage& received, const Passage& sent);

  /// Takes out records of the capture that is on; of XDP's until there are `most` bytes.
  std::vector<uint8_t> Read(size_t most);

 private:
  struct CloseRing {
    void operator()(ring_buffer* ring) const { ring_buffer__free(ring); }
  };

  uint32_t Number() const;
  int Take(std::span<const uint8_t> record);

  const settings* settings_;
  capture* wanted_;
  std::unique_ptr<ring_buffer, CloseRing> ring_;
  int error_ = 0;

  /// Of the Read at work.
  std::vector<uint8_t> batch_;
  size_t most_ = 0;
  int64_t clock_offset_ns_ = 0;

  std::mutex mutex_;
  /// Packets of the slow path.
  std::vector<std::vector<uint8_t>> raised_;
};

// What a frame holds, read a second time, by other code than the packet code's.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "world.h"

/// Offsets are from the frame's start.
struct Anatomy {
  int tags = 0;
  /// 4 or 6; 0 when this is no whole IP header.
  int version = 0;
  size_t network = 0;
  size_t transport = 0;
  size_t end = 0;
  uint8_t protocol = 0;
  bool options = false;
  bool hop_by_hop = false;
  bool routing = false;
  bool destination_options = false;
  bool fragment_header = false;
  bool fragment = false;
  bool later_fragment = false;
  /// TCP or UDP, and its header is all there.
  bool segment = false;
  flow five_tuple = {};
};

Anatomy Dissect(std::span<const uint8_t> frame);

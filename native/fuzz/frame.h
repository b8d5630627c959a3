// Frames to be fuzzed with: raw bytes, or well-formed headers around a five-tuple, with damage.
#pragma once

#include <memory>
#include <vector>

#include "abi.h"
#include "input.h"

/// The MAC address of the interface that frames come by.
constexpr uint8_t kStation[6] = {2, 0, 0, 0, 0, 1};

/// One frame in memory of its exact size, so that a byte too far is seen; its IP header is aligned
/// as network cards align it.
class Frame {
 public:
  explicit Frame(std::span<const uint8_t> bytes);
  std::span<uint8_t> bytes() const { return {memory_.get() + kOffset, size_}; }

 private:
  static constexpr size_t kOffset = 2;
  size_t size_;
  std::unique_ptr<uint8_t[]> memory_;
};

/// Ethernet, VLAN tags, IPv4 with options or IPv6 with extension headers, TCP or UDP, payload,
/// trailer; checksums are right, or `checksum` where the input wants that one, or wrong.
std::vector<uint8_t> BuildFrame(const flow& flow, uint16_t checksum, Input* input);

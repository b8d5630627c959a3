// Internet checksums from the RFCs' words (1071, 768, 8200 section 8.1), byte by byte: nothing of
// the packet code's, which they judge.
#pragma once

#include <cstdint>
#include <span>

#include "abi.h"

inline uint16_t AddSums(uint32_t a, uint32_t b) {
  uint32_t sum = a + b;
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<uint16_t>(sum);
}

/// One's complement sum of big-endian words; an odd last byte is the high one.
inline uint16_t Sum(std::span<const uint8_t> bytes) {
  uint32_t high = 0, low = 0;
  for (size_t i = 0; i < bytes.size(); i++) (i % 2 ? low : high) += bytes[i];
  return AddSums(high << 8, low);
}

struct PseudoHeader {
  /// An IPv4 address has twelve zeros behind it, which add nothing.
  const address* saddr;
  const address* daddr;
  uint8_t protocol;
};

/// Sum of a segment and its pseudo-header; 0xffff when its checksum is in it and right.
inline uint16_t SumTransport(const PseudoHeader& pseudo, std::span<const uint8_t> segment) {
  uint16_t sum = AddSums(Sum(pseudo.saddr->bytes), Sum(pseudo.daddr->bytes));
  sum = AddSums(sum, AddSums(pseudo.protocol, static_cast<uint32_t>(segment.size())));
  return AddSums(sum, Sum(segment));
}

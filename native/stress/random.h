// A small generator: the same seed, the same choices.
#pragma once

#include <cstdint>

/// Steele, Lea and Flood's SplitMix64.
class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed) {}

  uint64_t Word() {
    uint64_t z = state_ += 0x9e3779b97f4a7c15;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
  }

  /// 0 to choices - 1.
  uint32_t Below(uint32_t choices) { return static_cast<uint32_t>((Word() >> 32) * choices >> 32); }

 private:
  uint64_t state_;
};

// The fuzzer's bytes, read from the front as decisions; zeros once they are used up.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>

class Input {
 public:
  explicit Input(std::span<const uint8_t> bytes) : bytes_(bytes) {}

  bool empty() const { return bytes_.empty(); }

  uint8_t Byte() {
    auto taken = Bytes(1);
    return taken.empty() ? 0 : taken[0];
  }

  uint16_t Word() {
    uint16_t high = Byte();
    return static_cast<uint16_t>(high << 8 | Byte());
  }

  /// 0 to choices - 1.
  size_t Below(size_t choices) { return Byte() % choices; }

  /// As many as there are.
  std::span<const uint8_t> Bytes(size_t most) {
    auto taken = bytes_.first(std::min(most, bytes_.size()));
    bytes_ = bytes_.subspan(taken.size());
    return taken;
  }

 private:
  std::span<const uint8_t> bytes_;
};

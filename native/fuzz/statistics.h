// What a run reached: packets of each verdict, each kind of header, each ICMP error.
#pragma once

#include <array>

#include "anatomy.h"
#include "icmp.h"

/// Prints a table when the process ends; what never came says so.
class Statistics {
 public:
  ~Statistics();
  void Count(const Anatomy& anatomy, verdict verdict);
  void Count(icmp_error error) { errors_[error]++; }
  void CountExpress() { express_++; }
  void CountOpened(bool by_ticket) { opened_[by_ticket]++; }
  /// Connections in neither of their two buckets.
  void CountSpilled(uint32_t connections) { spilled_ += connections; }

 private:
  static constexpr size_t kKinds = 19;

  uint64_t packets_ = 0;
  std::array<uint64_t, VERDICTS> verdicts_ = {};
  std::array<uint64_t, kKinds> kinds_ = {};
  std::array<uint64_t, 3> errors_ = {};
  std::array<uint64_t, 2> opened_ = {};
  uint64_t express_ = 0;
  uint64_t spilled_ = 0;
};

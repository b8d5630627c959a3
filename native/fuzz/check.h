// What holds for every packet, whatever the tables say.
#pragma once

#include <span>
#include <vector>

#include "anatomy.h"
#include "icmp.h"
#include "world.h"

/// One frame's way through the packet code.
struct Journey {
  std::span<const uint8_t> before;
  std::span<const uint8_t> after;
  const world& tables;
  const journey& j;
  enum verdict verdict;
};

/// Aborts unless the packet code's work on one frame is right.
void CheckJourney(const Journey& done);

/// Aborts unless the error about this frame is right; false when it is no packet for errors.
bool CheckIcmpError(std::span<uint8_t> frame, icmp_error error);

// What holds for every packet, whatever the tables say.
#pragma once

#include <span>
#include <vector>

#include "anatomy.h"
#include "icmp.h"
#include "world.h"

class FuzzWorld;

/// What the packet code made of one frame.
struct Journey {
  const FuzzWorld* world;
  const journey* code;
  ::verdict verdict;
};

/// Aborts unless the packet code's work on one frame is right. `before` is the frame as it came.
void CheckJourney(std::span<const uint8_t> before, std::span<const uint8_t> after,
                  const Journey& journey);

/// Aborts unless the error about this frame is right; false when it is no packet for errors.
bool CheckIcmpError(std::span<uint8_t> frame, icmp_error error);

// A packet that left in a tunnel, dissected by other code than the packet code's.
#pragma once

#include <span>

#include "anatomy.h"

/// A frame as it came, and as it left by a next hop.
struct Tunnelled {
  std::span<const uint8_t> before;
  std::span<const uint8_t> after;
  const next_hop& hop;
};

/// Aborts unless the tunnel's headers are right, and what is in them is the packet, one hop on.
void CheckTunnelled(const Tunnelled& passage);

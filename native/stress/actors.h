// What each thread does in a round: one step after the other.
#pragma once

#include <memory>
#include <vector>

#include "arena.h"
#include "random.h"

class Actor {
 public:
  virtual ~Actor() = default;
  /// What it does in a step, in the plural.
  virtual const char* name() const = 0;
  virtual void Step() = 0;
  /// What must hold when all have done their steps.
  virtual void Check() {}

  uint64_t done() const { return done_; }

 protected:
  /// So much of it was done so far.
  uint64_t done_ = 0;
};

using Cast = std::vector<std::unique_ptr<Actor>>;

/// Those that send packets, and those that expire, list, edit and publish meanwhile. The first
/// kSenders send.
Cast NewCast(Arena* arena, uint64_t seed);

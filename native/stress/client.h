// A thread that runs the packet code for packets of all flows, and its own eyes on what comes of
// it.
#pragma once

#include "actors.h"

/// Sends packets of flows that all share, and of some that are its own: those it opens, finds again
/// with every packet, and ends.
class Client : public Actor {
 public:
  Client(Arena* arena, uint32_t number, uint64_t seed);
  const char* name() const override { return "packets"; }
  void Step() override;

 private:
  /// Of one flow, what this thread has met last, and before that.
  struct Memory {
    Sighting last = {};
    Sighting before = {};
  };

  void UseShared(uint32_t flow);
  void UseOwn(uint32_t flow);
  verdict Run(Frame& frame);
  verdict Send(uint32_t flow, uint8_t tcp_flags);
  verdict SendReply(uint32_t flow);
  void Remember(const Sighting& sighting);
  bool End();

  Arena* arena_;
  world world_;
  uint32_t number_;
  Random random_;
  journey journey_ = {};
  std::vector<Memory> memories_;
  /// Of the own flows: whether their connection is open.
  std::vector<bool> held_;
};

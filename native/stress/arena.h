// The tables that all threads share, and what must hold of them.
#pragma once

#include <atomic>
#include <vector>

#include "cast.h"
#include "memory_world.h"

/// One connection, as a packet has met it: the life of a slot.
struct Sighting {
  uint32_t slot;
  uint32_t life;
  uint32_t flow;
  uint32_t destination;

  bool Is(const Sighting& other) const { return slot == other.slot && life == other.life; }
};

class Arena {
 public:
  /// An empty table; the seed chooses its keys, and where clocks and rings begin.
  Arena(uint32_t buckets, uint64_t seed);

  /// The tables as one thread has them.
  world NewWorld();
  uint32_t now() const { return now_; }
  void Advance(uint32_t jiffies) { now_ += jiffies; }
  /// Raises the route generation, and resolves all next hops anew.
  void ChangeRoutes();
  /// Said before and after each packet of a sender.
  void Tick(uint32_t sender) { ticks_[sender]++; }
  /// Waits until every packet that is under way now has come to its end.
  void AwaitPackets() const;
  /// Takes note of a connection: a life is of one flow and one destination only.
  void Witness(const Sighting& sighting);

  uint32_t slots() const { return static_cast<uint32_t>(connections_.size()); }
  schedule& ScheduleOf(Service service) { return schedules_[service]; }
  __u32& TicketAt(Service service, uint32_t place);
  /// Ends the connections of a destination.
  void EndAllOf(world* world, uint32_t index);
  destination& Destination(uint32_t index) { return destinations_[index]; }
  /// Connections that were opened to it so far.
  uint64_t Opened(uint32_t index) const { return counters_[index].connections; }

  /// Ends the process unless table and counts are sound. Asked when all have come to rest.
  void Check() const;

 private:
  void AddRole(const address& ours, uint8_t family, address_role role);
  bool IsLive(uint32_t slot) const { return (connections_[slot].state & SLOT_PHASE) == SLOT_LIVE; }
  uint64_t HashOf(uint32_t slot) const;
  flow RequestIn(uint32_t slot) const;
  void CheckFree(uint32_t slot) const;
  void CheckLive(uint32_t slot) const;
  void CheckOverflow() const;
  void CheckCounts(uint32_t index) const;

  settings settings_ = {};
  std::vector<uint64_t> addresses_;
  std::vector<__u64> buckets_;
  std::vector<connection> connections_;
  std::vector<schedule> schedules_;
  std::vector<ticket_line> rings_;
  std::vector<destination> destinations_;
  std::vector<next_hop> next_hops_;
  std::vector<counters> counters_;
  MemoryServices services_;
  NextHops resolved_;
  std::atomic<uint32_t> now_;
  uint32_t threads_ = 0;
  std::array<std::atomic<uint32_t>, kSenders> ticks_ = {};
  /// Of each slot the latest sighting: life, flow, destination.
  std::vector<std::atomic<uint64_t>> sighted_;
};

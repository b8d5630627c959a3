// A small director of its own for each input: eight services with a destination each, one for
// every family, protocol and forwarding method, tickets, and a table of few buckets with
// connections in states that the input chooses.
#pragma once

#include <optional>
#include <set>
#include <span>
#include <vector>

#include "ends.h"
#include "input.h"
#include "memory_world.h"

/// The tables of one execution, and what happens to them besides packets.
class FuzzWorld {
 public:
  explicit FuzzWorld(Input* input);
  ~FuzzWorld();
  FuzzWorld(const FuzzWorld&) = delete;
  FuzzWorld& operator=(const FuzzWorld&) = delete;

  /// What the packet code gets.
  world* Tables();
  /// One frame through the packet code. Aborts unless tickets went where they should.
  verdict Run(std::span<uint8_t> frame, journey* j);
  /// Whether the frame may go by express. Aborts unless the other way makes the same of it, and of
  /// any other frame express makes nothing.
  bool CompareWays(const std::vector<uint8_t>& frame);
  /// A five-tuple of a connection, either way, or of a new client, or nearly one of them.
  flow ChooseFlow(Input* input);
  /// The transport checksum that the rewrite of this flow's packets turns to zero; 0 if none is.
  uint16_t ChecksumThatVanishes(const flow& flow);
  /// A destination of the service at which the slow path may have a connection opened.
  uint32_t ChooseDestination(uint32_t service, Input* input) const;
  void AdvanceClock(Input* input);
  void Sweep();
  /// Resolves a next hop: fresh, outdated, or none.
  void PutRoute(const address& target, Input* input);
  address ChooseTarget(Input* input);
  /// Publishes tickets of a service, or takes all back; or gives it a table, or takes that.
  void ChangeRing(Input* input);
  void ChangeRules(Input* input);

  /// Aborts unless buckets and counts are those of the connections that live, each found by its
  /// packets; returns how many are in neither of their two buckets.
  uint32_t CheckTables();

 private:
  void AddService(uint8_t index, Input* input);
  uint8_t Method(uint32_t index) const;
  void AddAddress(const address& address, uint8_t family, uint64_t role);
  flow NewRequest(uint8_t service, uint16_t client) const;
  bool BeginsAt(uint32_t slot) const;
  bool IsTemplate(uint32_t slot) const;
  uint64_t ControlOf(uint32_t slot) const;
  /// The first slot from `place` on where a connection begins, round and round; or NO_SLOT.
  uint32_t LiveFrom(uint32_t place) const;
  std::optional<uint32_t> Find(const flow& flow, bool reply);
  uint32_t UsedTickets() const;
  void ChangeTable(uint8_t service, Input* input);
  void CheckOpened(const opening& opening, uint32_t used_tickets) const;
  void CheckLane(uint32_t slot, uint64_t bucket) const;
  void CheckFound(uint32_t slot);
  void CheckCounts() const;

  // One allocation each, so that an index beyond the end is seen.
  std::vector<__u64> buckets_;
  std::vector<connection> connections_;
  std::vector<schedule> schedules_;
  std::vector<ticket_line> rings_;
  std::vector<destination> destinations_;
  std::vector<counters> counters_;
  settings settings_ = {};
  verdict_counters verdicts_ = {};
  uint32_t now_ = 0;
  /// What is neither NAT nor direct routing is a tunnel, perhaps of the other family.
  bool tunnels_ = false;
  bool across_ = false;
  // What is to be cleared again.
  std::vector<uint32_t> address_words_;
  std::set<uint32_t> hops_;
  MemoryWorld memory_;
};

/// The MAC address of a target's next hop in this world; it tells the targets apart.
void PutMac(const address& target, __u8 mac[6]);

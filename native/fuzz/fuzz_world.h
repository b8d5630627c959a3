// A small director of its own for each input: eight services with a destination each, one for
// every family, protocol and forwarding method, and connections in states that the input chooses.
#pragma once

#include <vector>

#include "input.h"
#include "memory_world.h"

/// The tables of one execution, and what happens to them besides packets.
class FuzzWorld {
 public:
  explicit FuzzWorld(Input* input);

  /// What the packet code gets.
  world* Tables();
  /// A five-tuple of a connection, either way, or of a new client, or nearly one of them.
  flow ChooseFlow(Input* input) const;
  /// The transport checksum that the rewrite of this flow's packets turns to zero; 0 if none is.
  uint16_t ChecksumThatVanishes(const flow& flow);
  /// Publishes tickets of a service, or takes back those that were not used.
  void ChangeTickets(Input* input);
  /// The five-tuple of the connection in a slot, or of its replies.
  flow FlowOf(uint32_t slot, bool reply) const;
  void AdvanceClock(Input* input);
  void Sweep();
  /// Resolves a next hop: fresh, outdated, or none.
  void PutRoute(const address& target, Input* input);
  address ChooseTarget(Input* input) const;
  void ChangeRules(Input* input);

  uint32_t Generation() const { return present_generation(&settings_, now_); }
  /// Aborts unless counts and flows are those of the connections that live.
  void CheckTables() const;

 private:
  void AddDestination(uint8_t index);
  flow NewRequest(uint8_t index, uint16_t client) const;
  void Enter(uint8_t index, uint16_t client, uint32_t state);
  uint32_t Find(const flow& flow, bool reply) const;
  const connection_addresses& AddressesOf(uint32_t slot) const;

  // One allocation each, so that an index beyond the end is seen.
  std::vector<uint64_t> addresses_;
  std::vector<__u64> buckets_;
  std::vector<connection> connections_;
  std::vector<schedule> schedules_;
  std::vector<ticket_line> rings_;
  std::vector<destination> destinations_;
  std::vector<next_hop> next_hops_;
  std::vector<counters> counters_;
  settings settings_ = {};
  verdict_counters verdicts_ = {};
  uint32_t now_ = 0;
  MemoryWorld memory_;
};

/// The MAC address of a target's next hop in this world; it tells the targets apart.
void PutMac(const address& target, __u8 mac[6]);

// Who takes part: clients' flows to four services, the services' destinations, and their frames.
//
// Flow f is of service f % 4 and of client f / 4; so one client's endpoint has a connection to each
// service of its family, in the same two buckets.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "packet.h"

/// What a service's connections are there for.
enum Service : uint32_t {
  /// IPv4, TCP. Each of its tickets becomes one connection: its destinations accept everything.
  kCounted,
  /// IPv6, UDP. The same, but its connections expire soon.
  kSwept,
  /// IPv4, TCP. Its destinations are quiesced, removed and limited; its connections stay.
  kEdited,
  /// IPv4, TCP. Its destinations lose their slots in its table to others; its connections stay.
  kMoved,
  kServices,
};

/// A service's destinations have the indices from service * kDestinations on.
constexpr uint32_t kDestinations = 16;
constexpr uint32_t kAllDestinations = kServices * kDestinations;
/// The first of those alone are ever chosen that somebody edits.
constexpr uint32_t kEditable = 4;
/// The first of these have thresholds, which hold for tickets: the slow path's word counts more.
constexpr uint32_t kLimited = 2;

/// Threads that send packets.
constexpr uint32_t kSenders = 4;
constexpr uint32_t kClients = 4;
constexpr uint32_t kFlows = kClients * kServices;
/// Room for each service's tickets: no round uses half of them.
constexpr uint32_t kRingTickets = 1024;

/// Whether only who edits the service ends its connections.
inline bool IsEdited(Service service) { return service == kEdited || service == kMoved; }
inline Service ServiceOf(uint32_t flow) { return static_cast<Service>(flow % kServices); }

/// A packet on the wire.
class Frame {
 public:
  /// One of the flow, its checksums right.
  Frame(const flow& flow, uint8_t tcp_flags);
  std::span<uint8_t> bytes() { return std::span(room_).first(size_); }
  /// What it is now, after its rewrite; ends the process unless its checksums are right.
  flow Read() const;
  /// Where its link header sends it.
  std::array<uint8_t, 6> Target() const;

 private:
  std::array<uint8_t, 80> room_ = {};
  size_t size_ = 0;
};

/// The service, and a destination, as the director's tables have them.
service_key KeyOf(Service service);
destination DestinationOf(uint32_t index);
/// The five-tuple of a client's packets, and of a destination's to it.
flow RequestOf(uint32_t flow);
flow ReplyOf(uint32_t flow, uint32_t destination);
/// The next hop towards an address has a MAC address that nobody else has.
std::array<uint8_t, 6> MacOf(const address& target);
/// The destination that has the address; kAllDestinations: none.
uint32_t DestinationAt(const address& daddr, uint8_t family);

bool IsSame(const flow& a, const flow& b);

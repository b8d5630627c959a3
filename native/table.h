// The connection table as the slow path sees it: what is not done for a packet.
//
// Packets open and end connections by themselves (bpf/table.h, bpf/connection.h), on any CPU and
// thread at once. Here are the walks over the whole table: what expires, what is counted, and
// what an earlier table's connections are entered by.
#pragma once

#include <map>
#include <vector>

#include "world.h"

/// A connection that is entered from outside: addresses in full, what remains of its time.
struct ConnectionSpec {
  flow request;
  uint32_t destination;
  uint32_t state;
  uint32_t seen_jiffies;
  uint32_t timeout_jiffies;
  /// A template: the request is what it is found by.
  bool is_template = false;
};

/// What a sweep has left, and has ended.
struct Swept {
  /// Slots in use; an IPv6 connection has two.
  uint32_t slots = 0;
  uint32_t half_open = 0;
  uint32_t ended = 0;
};

/// Gives connections up for room, as settings.relief says.
class Relief {
 public:
  explicit Relief(const settings* settings) : settings_(settings) {}

  /// Whether this one, in this state, is given up.
  bool Takes(const connection& conn, uint32_t state, uint32_t now);

  /// Whether a template is: of nobody who was ever answered, as in LVS.
  bool TakesTemplate(uint32_t state) const;

 private:
  bool TakesTurn(uint32_t packets);

  /// Linux ip_vs_conn, todrop_entry: of connections with n packets, up to these, every n-th goes.
  static constexpr uint32_t kPackets = 8;

  const settings* settings_;
  std::array<uint32_t, kPackets + 1> seen_ = {};
};

/// How many connections of a destination there are.
struct Counts {
  /// Both as in the word that packets change: inactive << 32 | active.
  uint64_t connections = 0;
  uint32_t persistent = 0;
  bool operator==(const Counts&) const = default;
};

/// A destination whose counts are not those of its connections.
struct Miscount {
  uint32_t destination;
  Counts counted;
  Counts held;
};

/// What a template controls: its word (bpf/template.h), and how many connections say so.
struct Control {
  uint64_t word;
  uint32_t held;
  bool operator==(const Control&) const = default;
};

struct Recounted {
  std::vector<Miscount> miscounts;
  /// Destinations of which nothing can be said, since connections of theirs came or went.
  uint32_t unsettled = 0;
  /// Templates that were said to control more connections than they do, and no longer are.
  uint32_t templates = 0;
  /// What it took.
  double cpu_ms = 0;
};

class ConnectionTable {
 public:
  explicit ConnectionTable(const world& world) : world_(world), relief_(world.settings) {}

  /// Enters a connection of a destination that the data plane knows, whatever its weight; its
  /// slot. Nothing when it is there already, or there is no room.
  std::optional<uint32_t> Enter(const ConnectionSpec& spec);

  /// Ends what has been silent for longer than its timeout, with expire_nodest_conn what belongs
  /// to a removed destination, and what is given up for room.
  Swept Sweep(uint32_t now) { return Sweep(now, 0, 1); }
  /// The same in one of `parts` stretches of the table.
  Swept Sweep(uint32_t now, uint32_t part, uint32_t parts);

  /// Compares the counts of every destination with its connections, while packets change both.
  /// `shards`: of all counters, which tell how many connections were ever opened.
  Recounted Recount(std::span<const counters> shards) const;

  /// Connections in the table, from its buckets alone.
  uint32_t size() const;

 private:
  template <typename Visit>
  void Walk(uint32_t from, uint32_t to, Visit visit) const;
  template <typename Visit>
  void WalkLive(Visit visit) const;
  bool IsDue(const connection& conn, uint32_t now) const;
  void SweepSlot(uint32_t slot, uint32_t now, Swept* swept);
  void KeepControlling(connection* conn, uint32_t now);
  std::vector<Counts> Held() const;
  std::map<uint32_t, Control> OverstatedTemplates() const;
  uint32_t CorrectTemplates() const;

  world world_;
  Relief relief_;
};

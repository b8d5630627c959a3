// The packet code's tables in this process: memory that XDP shares, or plain memory in tests.
//
// bpf/director.h asks its `struct world`; XDP answers with maps, this file with pointers into
// the same memory. The two hash tables are behind `Tables`: BPF maps, reached by system calls,
// or std::unordered_map.
#pragma once

#include <array>
#include <cstring>
#include <mutex>
#include <optional>
#include <span>
#include <string_view>
#include <unordered_map>

#include "director.h"

/// Hashes and compares ABI structs as bytes: they have no padding.
template <typename T>
struct BytesHash {
  size_t operator()(const T& value) const {
    return std::hash<std::string_view>()({reinterpret_cast<const char*>(&value), sizeof(T)});
  }
};
template <typename T>
struct BytesEqual {
  bool operator()(const T& a, const T& b) const { return memcmp(&a, &b, sizeof(T)) == 0; }
};
template <typename Key, typename Value>
using BytesMap = std::unordered_map<Key, Value, BytesHash<Key>, BytesEqual<Key>>;

/// The flow table and the service table.
class Tables {
 public:
  virtual ~Tables() = default;
  virtual std::optional<flow_entry> FindFlow(const flow& key) = 0;
  /// False when the flow is there already (with `replace`: never) or the table is full.
  virtual bool AddFlow(const flow& key, const flow_entry& entry, bool replace) = 0;
  virtual void RemoveFlow(const flow& key) = 0;
  virtual std::optional<uint32_t> FindService(const service_key& key) = 0;
};

/// Next hops by the address they lead to, as TypeScript resolved them. Any thread may ask.
class NextHops {
 public:
  void Put(const address& target, const route& hop) {
    std::lock_guard lock(mutex_);
    // Those of earlier generations answer nobody any more.
    if (hops_.size() >= kMost) hops_.clear();
    hops_[target] = hop;
  }

  std::optional<route> Find(const address& target, uint32_t generation) {
    std::lock_guard lock(mutex_);
    auto hop = hops_.find(target);
    if (hop == hops_.end() || hop->second.generation != generation) return std::nullopt;
    return hop->second;
  }

 private:
  static constexpr size_t kMost = 65536;
  std::mutex mutex_;
  BytesMap<address, route> hops_;
};

struct world {
  ::settings* settings = nullptr;
  connection* connections = nullptr;
  uint32_t slots = 0;
  destination* destinations = nullptr;
  /// The slow path's own elements of the sharded counters.
  ::counters* counters = nullptr;
  verdict_counters* verdicts = nullptr;
  Tables* tables = nullptr;
  NextHops* next_hops = nullptr;
  uint32_t now = 0;

  /// What the packet code was told last, for as long as it looks at it.
  flow_entry flow_found = {};
  uint32_t service_found = 0;
  /// Set when find_route knew none: where the packet wants to go; whether there is no way.
  address target = {};
  bool no_way = false;
};

static inline __u32 now_jiffies(struct world* world) { return world->now; }

static inline const struct settings* find_settings(struct world* world) { return world->settings; }

static inline struct flow_entry* find_flow(struct world* world, const struct flow* flow) {
  auto entry = world->tables->FindFlow(*flow);
  if (!entry) return nullptr;
  world->flow_found = *entry;
  return &world->flow_found;
}

static inline struct connection* connection_at(struct world* world, __u32 slot) {
  return slot < world->slots ? &world->connections[slot] : nullptr;
}

static inline int has_service(struct world* world, const struct service_key* key) {
  auto index = world->tables->FindService(*key);
  if (index) world->service_found = *index;
  return index.has_value();
}

static inline struct destination* destination_at(struct world* world, __u32 index) {
  return index < MAX_DESTINATIONS ? &world->destinations[index] : nullptr;
}

static inline struct counters* counters_at(struct world* world, __u32 index) {
  return index < MAX_DESTINATIONS ? &world->counters[index] : nullptr;
}

static inline void count(__u64* counter, __u64 amount) {
  __atomic_fetch_add(counter, amount, __ATOMIC_RELAXED);
}

static inline __u32 sum_options(struct world*, const struct packet* pkt) {
  const auto* words = reinterpret_cast<const __u16*>(pkt->ipv4 + 1);
  __u32 sum = 0;
  for (int i = 0; i < (pkt->ipv4->ihl - 5) * 2; i++) sum += words[i];
  return sum;
}

static inline int find_route(struct world* world, const struct journey* j, struct route* route) {
  world->target = j->reply ? j->conn->caddr : j->conn->daddr;
  auto hop = world->next_hops->Find(world->target, route->generation);
  world->no_way = hop && hop->ifindex == 0;
  if (!hop || hop->ifindex == 0) return 0;
  *route = *hop;
  return 1;
}

/// Runs one frame through the packet code. On a FORWARDED verdict it was rewritten in place.
inline verdict RunDirector(world* world, std::span<uint8_t> frame, journey* j) {
  *j = {};
  j->pkt.data = frame.data();
  j->pkt.end = frame.data() + frame.size();
  world->flow_found = {};
  world->no_way = false;
  return director(world, j);
}

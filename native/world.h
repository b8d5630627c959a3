// The packet code's tables in this process: memory that XDP shares, or plain memory in tests.
//
// bpf/director.h asks its `struct world`; XDP answers with maps, this file with pointers into
// the same memory. The services alone are behind a class: a BPF map, reached by system calls, or
// std::unordered_map.
#pragma once

#include <array>
#include <cstring>
#include <deque>
#include <mutex>
#include <optional>
#include <span>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "express.h"

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

/// The SYN cookies of whoever stands for XDP.
class Cookies {
 public:
  virtual ~Cookies() = default;
  virtual uint32_t Make(const tcp_segment& syn) = 0;
  virtual bool IsGood(const tcp_segment& ack) = 0;
};

/// The virtual services.
class Services {
 public:
  virtual ~Services() = default;
  virtual std::optional<uint32_t> Find(const service_key& key) = 0;
};

/// Next hops by the address they lead to, as TypeScript resolved them. Any thread may ask.
class NextHops {
 public:
  void Put(const address& target, const next_hop& hop) {
    std::lock_guard lock(mutex_);
    // Those of earlier generations answer nobody any more.
    if (hops_.size() >= kMost) hops_.clear();
    hops_[target] = hop;
  }

  std::optional<next_hop> Find(const address& target, uint32_t generation) {
    std::lock_guard lock(mutex_);
    auto hop = hops_.find(target);
    if (hop == hops_.end() || hop->second.key >> 32 != generation) return std::nullopt;
    return hop->second;
  }

 private:
  static constexpr size_t kMost = 65536;
  std::mutex mutex_;
  BytesMap<address, next_hop> hops_;
};

struct world {
  ::settings* settings = nullptr;
  const uint64_t* addresses = nullptr;
  const station_line* stations = nullptr;
  const mark_step* mark_steps = nullptr;
  uint32_t mark_step_count = 0;
  __u64* buckets = nullptr;
  connection* connections = nullptr;
  ::schedule* schedules = nullptr;
  ticket_line* rings = nullptr;
  uint32_t ring_lines = 0;
  destination* destinations = nullptr;
  next_hop* next_hops = nullptr;
  /// The slow path's own elements of the sharded counters.
  ::counters* counters = nullptr;
  verdict_counters* verdicts = nullptr;
  Services* services = nullptr;
  NextHops* resolved = nullptr;
  /// None in the slow path: XDP has met the clients.
  Cookies* cookies = nullptr;
  uint32_t now = 0;
  /// The frame that is looked at, which a cookie makes shorter or, where there is room, longer.
  std::span<uint8_t> frame = {};
  size_t tail_room = 0;
  /// Frames that have grown in front, in memory of their own; whoever runs frames forgets them.
  std::deque<std::vector<uint8_t>> grown = {};
  /// The interface that the packet at hand came by.
  uint32_t ingress = 0;
  /// Number of the thread that it serves, among all that share these tables.
  uint32_t thread = 0;

  /// What a packet's journey notes; so a world serves one thread.
  ::notes notes = {};
  /// Whether the packet at hand may ask for tickets, where there are some yet.
  bool may_ask = true;
  /// Where TypeScript has sent the connection of the packet at hand.
  uint32_t decided = NO_DESTINATION;
  /// Set when find_route knew none: whether there is no way.
  bool no_way = false;
};

static inline __u32 frame_bytes(struct world*, const struct packet* pkt) {
  return static_cast<__u32>(pkt->end - pkt->data);
}

static inline __u32 read_jiffies(struct world* world) { return world->now; }

static inline const struct settings* find_settings(struct world* world) { return world->settings; }

static inline struct notes* notes_of(struct world* world) { return &world->notes; }

static inline const __u64* address_word_at(struct world* world, __u32 index) {
  return reinterpret_cast<const __u64*>(&world->addresses[index]);
}

static inline __u32 ingress_of(struct world* world) { return world->ingress; }

static inline const struct station_line* stations_at(struct world* world, __u32 line) {
  return &world->stations[line];
}

static inline const struct mark_step* mark_step_at(struct world* world, __u32 index) {
  return index < world->mark_step_count ? &world->mark_steps[index] : nullptr;
}

static inline __u64* bucket_at(struct world* world, __u32 bucket) {
  return bucket < world->settings->buckets ? &world->buckets[bucket] : nullptr;
}

static inline struct connection* connection_at(struct world* world, __u32 slot) {
  return slot < world->settings->buckets * WAYS ? &world->connections[slot] : nullptr;
}

static inline void repeat(__u32 times, long (*step)(__u32, void*), void* context) {
  for (__u32 turn = 0; turn < times && step(turn, context) == 0; turn++) continue;
}

static inline struct schedule* schedule_at(struct world* world, __u32 service) {
  return service < MAX_SERVICES ? &world->schedules[service] : nullptr;
}

static inline struct ticket_line* tickets_at(struct world* world, __u32 line) {
  return line < world->ring_lines ? &world->rings[line] : nullptr;
}

static inline int has_slow_path(struct world*) { return 1; }

static inline __u32 decided_destination(struct world* world) { return world->decided; }

static inline int is_slow_path(struct world* world) { return world->cookies == nullptr; }

static inline int may_ask(struct world* world) { return world->may_ask; }

static inline int load_bytes(struct world* world, __u32 offset, void* to, __u32 length) {
  if (size_t{offset} + length > world->frame.size()) return 0;
  memcpy(to, &world->frame[offset], length);
  return 1;
}

static inline int store_bytes(struct world* world, __u32 offset, const void* from, __u32 length) {
  if (size_t{offset} + length > world->frame.size()) return 0;
  memcpy(&world->frame[offset], from, length);
  return 1;
}

static inline int resize_frame(struct world* world, __u32 bytes) {
  size_t room = world->frame.size() + world->tail_room;
  if (bytes > room) return 0;
  world->frame = {world->frame.data(), bytes};
  world->tail_room = room - bytes;
  return 1;
}

static inline int grow_front(struct world* world, __u32 bytes) {
  auto& grown = world->grown.emplace_back(bytes + world->frame.size());
  memcpy(&grown[bytes], world->frame.data(), world->frame.size());
  world->frame = grown;
  world->tail_room = 0;
  return 1;
}

static inline __s64 make_cookie(struct world* world, struct tcp_segment* seg) {
  return world->cookies ? __s64{world->cookies->Make(*seg)} : -1;
}

static inline int is_cookie(struct world* world, struct tcp_segment* seg) {
  return world->cookies && world->cookies->IsGood(*seg);
}

static inline int find_service(struct world* world, const struct service_key* key, __u32* index) {
  auto found = world->services->Find(*key);
  if (found) *index = *found;
  return found.has_value();
}

static inline struct destination* destination_at(struct world* world, __u32 index) {
  return index < world->settings->destinations ? &world->destinations[index] : nullptr;
}

static inline struct next_hop* next_hop_at(struct world* world, __u32 index) {
  return index < MAX_NEXT_HOPS ? &world->next_hops[index] : nullptr;
}

static inline __u32 own_next_hop(struct world* world) {
  return MAX_NEXT_HOPS - OWN_NEXT_HOPS / 2 + world->thread % (OWN_NEXT_HOPS / 2);
}

static inline struct counters* counters_at(struct world* world, const struct settings* settings,
                                           __u32 index) {
  return index < settings->destinations ? &world->counters[index] : nullptr;
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

static inline int find_route(struct world* world, struct resolution* r) {
  auto hop = world->resolved->Find(r->target, static_cast<uint32_t>(r->hop.key >> 32));
  world->no_way = hop && static_cast<uint32_t>(hop->key) == 0;
  if (!hop || world->no_way) return 0;
  r->hop = *hop;
  return 1;
}

/// What XDP has verified by themselves is no more than a call here.
static inline __u32 search_apart(struct world* world, __u32 bucket) {
  return search_bucket(world, bucket);
}
static inline int lose_apart(struct world* world, __u32 bucket) {
  return lose_in_bucket(world, bucket);
}
static inline __u32 claim_apart(struct world* world) {
  return claim(world, world->settings, search_of(world));
}
static inline __u32 search_all(struct world* world) {
  return search_table(world, world->settings, search_of(world));
}
static inline __u32 look_up_apart(struct world* world) {
  const opening& o = world->notes.opening;
  const schedule* schedule = schedule_at(world, o.service);
  return look_up(world, &schedule->tables[o.generation & 1], flow_of_opening(&o));
}
static inline __u32 classify_apart(struct world* world) {
  note_fields(world, &world->notes.opening.search, world->notes.mark_fields);
  return classify(world, world->settings, world->notes.mark_fields);
}
static inline enum entered enter_apart(struct world* world, __u32 index) {
  return enter(world, world->settings, &world->notes.opening, index);
}
static inline __u32 change_state_apart(struct world* world, __u32 slot, __u32 old,
                                       struct segment segment) {
  return change_state(world, slot, old, segment);
}
static inline enum verdict open_apart(struct world* world) {
  return open_flow(world, world->settings, &world->notes.opening);
}
static inline int resolve_apart(struct world* world) {
  return find_hop(world, &world->notes.resolution) && keep_hop(world, &world->notes.resolution);
}
static inline int encapsulate_apart(struct world* world) {
  return encapsulate(world, &world->notes.parcel);
}
static inline enum verdict meet_apart(struct world* world, __u32 slot) {
  return meet_client(world, world->settings, &world->notes.desk, connection_at(world, slot));
}
static inline enum verdict step_apart(struct world* world, enum cookie_step step, __u32 slot) {
  return take_cookie_step(world, &world->notes.desk, step, connection_at(world, slot));
}

/// A journey that is to begin with this frame.
inline journey BeginJourney(world* world, std::span<uint8_t> frame) {
  journey j = {};
  j.pkt.data = frame.data();
  j.pkt.end = frame.data() + frame.size();
  j.settings = world->settings;
  world->notes.opening.is_new = 0;
  world->no_way = false;
  world->frame = frame;
  return j;
}

/// Runs one frame through the packet code. On a FORWARDED verdict it was rewritten in place;
/// world->frame is how long it is then.
inline verdict RunDirector(world* world, std::span<uint8_t> frame, journey* j) {
  *j = BeginJourney(world, frame);
  return travel(world, j);
}

inline bool IsForwarded(verdict verdict) {
  return verdict == VERDICT_FORWARDED_IN || verdict == VERDICT_FORWARDED_OUT ||
         verdict == VERDICT_FORWARDED_COOKIE;
}

/// What TypeScript is asked about a raised packet.
inline flow_record RecordOf(const world& world, const journey& j, question question) {
  flow_record record = {};
  record.flow = flow_of(&j.pkt);
  record.target = world.notes.resolution.target;
  record.target_family = world.notes.resolution.family;
  record.service = world.notes.opening.service;
  record.question = question;
  record.active = is_active(next_state(world.notes.opening.segment, STATE_NONE));
  return record;
}

/// The interface that a forwarded packet leaves by.
inline uint32_t LeavesBy(const journey& j) {
  return static_cast<uint32_t>(j.hop_key) & EGRESS_IFINDEX;
}

#include "table.h"

#include <chrono>
#include <ctime>
#include <thread>
#include <unordered_map>
#include <utility>

namespace {

/// Buckets whose connections are fetched ahead of being looked at.
constexpr uint32_t kAhead = 4;
/// A half-open connection whose client is silent so long has lost its handshake,
constexpr uint32_t kHalfOpenSeconds = 3;
/// or is not waited for where there is no room.
constexpr uint32_t kCrowdedSeconds = 1;
/// Linux ip_vs_conn, todrop_entry: nothing is given up that had a packet within a minute.
constexpr uint32_t kOneSidedSeconds = 60;

/// Between two looks at what templates control: no packet takes so long.
constexpr auto kMoment = std::chrono::milliseconds(20);

/// Closer looks at a destination until its connections rest for one of them.
constexpr int kWalks = 4;

bool IsHalfOpen(uint32_t state) { return state == STATE_SYN_RECV || state == STATE_SYNACK; }

/// Whether a connection begins in this lane of the bucket.
bool BeginsIn(uint64_t bucket, int lane) {
  uint64_t tag = bucket >> (lane * 8) & 0xff;
  return tag >= 0x80 && tag != TAG_CONTINUED;
}

/// What moves when a connection of a destination comes or goes.
struct Suspect {
  uint32_t destination;
  Counts counted;
  uint64_t opened;
  bool operator==(const Suspect&) const = default;
};

Counts CountsOf(destination* destination) {
  return {LOAD(counts_of(destination)), LOAD(&destination->persistent)};
}

Suspect Look(const world& world, std::span<const counters> shards, uint32_t destination) {
  uint64_t opened = 0;
  for (size_t at = destination; at < shards.size(); at += world.settings->destinations)
    opened += LOAD(&shards[at].connections);
  return {destination, CountsOf(&world.destinations[destination]), opened};
}

/// What this thread has run.
double CpuMs() {
  timespec time = {};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) * 1e3 + static_cast<double>(time.tv_nsec) / 1e6;
}

}  // namespace

bool Relief::Takes(const connection& conn, uint32_t state, uint32_t now) {
  uint32_t relief = LOAD(&settings_->relief);
  if (relief == RELIEF_NONE) return false;
  auto silent = static_cast<int32_t>(now - LOAD(&conn.seen_jiffies));
  auto is_silent_for = [&](uint32_t seconds) {
    return silent >= static_cast<int32_t>(seconds * settings_->hz);
  };
  if (IsHalfOpen(state))
    return is_silent_for(relief == RELIEF_ONE_SIDED ? kCrowdedSeconds : kHalfOpenSeconds);
  bool is_udp = state == STATE_UDP || state == STATE_UDP_UNANSWERED;
  return relief == RELIEF_ONE_SIDED && is_udp && is_silent_for(kOneSidedSeconds) &&
         TakesTurn(LOAD(&conn.in_packets));
}

bool Relief::TakesTemplate(uint32_t state) const {
  return LOAD(&settings_->relief) != RELIEF_NONE && state == STATE_NONE;
}

bool Relief::TakesTurn(uint32_t packets) {
  if (packets < 1 || packets > kPackets) return false;
  seen_[packets] = (seen_[packets] + 1) % packets;
  return seen_[packets] == 0;
}

std::optional<uint32_t> ConnectionTable::Enter(const ConnectionSpec& spec) {
  const flow& request = spec.request;
  opening& o = world_.notes.opening;
  bool is_ipv6 = request.family == FAMILY_IPV6;
  uint32_t caddr, vaddr;
  o = {};
  memcpy(&caddr, &request.saddr, 4);
  memcpy(&vaddr, &request.daddr, 4);
  if (is_ipv6) {
    caddr = hash_address(world_.settings, &request.saddr);
    vaddr = hash_address(world_.settings, &request.daddr);
  }
  uint64_t family = request.family | (spec.is_template ? FAMILY_TEMPLATE : 0);
  uint64_t kind = request.protocol | family << 8;
  o.search.client = caddr | uint64_t{request.sport} << 32 | kind << 48;
  o.search.far = vaddr | uint64_t{request.dport} << 32;
  o.search.hash = hash_client(world_.settings, o.search.client);
  o.search.is_ipv6 = is_ipv6;
  o.search.client_address = request.saddr;
  o.search.far_address = request.daddr;
  o.virtual_service.vaddr = request.daddr;
  o.now_jiffies = spec.seen_jiffies;
  o.state = spec.state;
  o.stage = spec.is_template ? STAGE_TEMPLATE : STAGE_PLAIN;
  o.persistence_jiffies = spec.timeout_jiffies;
  if (search_table(&world_, world_.settings, &o.search) != NO_SLOT) return std::nullopt;

  if (!win_slot(&world_, world_.settings, &o)) return std::nullopt;
  destination* destination = &world_.destinations[spec.destination];
  if (spec.is_template)
    ADD(&destination->persistent, 1);
  else
    ADD(counts_of(destination), count_of(is_active(spec.state)));
  settle_connection(&world_, world_.settings, &o, spec.destination);
  connection& conn = world_.connections[o.search.slot];
  STORE(&conn.timeout_jiffies, spec.timeout_jiffies);
  return o.search.slot;
}

bool ConnectionTable::IsDue(const connection& conn, uint32_t now) const {
  if (is_expired(&conn, now)) return true;
  if (!LOAD(&world_.settings->expire_nodest_conn)) return false;
  uint32_t index = LOAD(&conn.destination);
  return index < world_.settings->destinations && !LOAD(&world_.destinations[index].available);
}

/// Calls visit(bucket, word) for all of these that are not empty; their connections are near then.
template <typename Visit>
void ConnectionTable::Walk(uint32_t from, uint32_t to, Visit visit) const {
  for (uint32_t bucket = from; bucket < to; bucket++) {
    if (bucket + kAhead < to && LOAD(&world_.buckets[bucket + kAhead]) != 0) {
      const connection* ahead = &world_.connections[size_t{bucket + kAhead} * WAYS];
      for (int way = 0; way < WAYS; way++) __builtin_prefetch(ahead + way);
    }
    uint64_t word = LOAD(&world_.buckets[bucket]);
    if (word != 0) visit(bucket, word);
  }
}

void ConnectionTable::SweepSlot(uint32_t slot, uint32_t now, Swept* swept) {
  connection& conn = world_.connections[slot];
  uint32_t state = LOAD(&conn.state);
  if ((state & SLOT_PHASE) != SLOT_LIVE) return;
  bool controls = is_template(LOAD(reinterpret_cast<word*>(&conn)));
  bool goes = IsDue(conn, now) || (controls ? relief_.TakesTemplate(state & SLOT_STATE)
                                            : relief_.Takes(conn, state & SLOT_STATE, now));
  if (goes && end_connection(&world_, world_.settings, slot, state))
    swept->ended++;
  else if (controls && is_expired(&conn, now))
    KeepControlling(&conn, now);
  else
    swept->half_open += IsHalfOpen(state & SLOT_STATE);
}

// Linux ip_vs_conn_expire: such a template is asked again a minute after it should have expired.
void ConnectionTable::KeepControlling(connection* conn, uint32_t now) {
  uint32_t minute = CONTROLLING_SECONDS * world_.settings->hz;
  uint32_t late = now - LOAD(&conn->seen_jiffies) - LOAD(&conn->timeout_jiffies);
  STORE(&conn->timeout_jiffies, minute);
  STORE(&conn->seen_jiffies, now - late % minute);
}

Swept ConnectionTable::Sweep(uint32_t now, uint32_t part, uint32_t parts) {
  uint64_t buckets = world_.settings->buckets;
  auto from = static_cast<uint32_t>(buckets * part / parts);
  auto to = static_cast<uint32_t>(buckets * (part + 1) / parts);
  Swept swept;
  Walk(from, to, [&](uint32_t bucket, uint64_t word) {
    swept.slots += WAYS - count_lanes(free_lanes(word));
    for (int way = 0; way < WAYS; way++)
      if (BeginsIn(word, way)) SweepSlot(bucket * WAYS + way, now, &swept);
  });
  return swept;
}

/// Calls visit(slot) for every live connection and template.
template <typename Visit>
void ConnectionTable::WalkLive(Visit visit) const {
  Walk(0, world_.settings->buckets, [&](uint32_t bucket, uint64_t word) {
    for (int way = 0; way < WAYS; way++) {
      uint32_t slot = bucket * WAYS + way;
      uint32_t state = LOAD(&world_.connections[slot].state);
      if (BeginsIn(word, way) && (state & SLOT_PHASE) == SLOT_LIVE) visit(slot);
    }
  });
}

std::vector<Counts> ConnectionTable::Held() const {
  std::vector<Counts> held(world_.settings->destinations);
  auto count = [&](const connection& conn) {
    uint32_t state = LOAD(&conn.state);
    uint32_t index = LOAD(&conn.destination);
    if (index >= held.size()) return;
    if (conn.family & FAMILY_TEMPLATE)
      held[index].persistent++;
    else
      held[index].connections += count_of(is_active(state & SLOT_STATE));
  };
  WalkLive([&](uint32_t slot) { count(world_.connections[slot]); });
  return held;
}

// A first walk finds out whom to suspect: those with wrong counts, and those whose connections
// come and go. These are looked at before and after further ones. A connection is counted, is
// then live, and is then counted as opened; one that ends is freed first. So where neither number
// has moved, none has come or gone, and the walk has found what there is; but for a connection
// that somebody was opening or ending all the time. What is the same the next time is wrong.
Recounted ConnectionTable::Recount(std::span<const counters> shards) const {
  double started_ms = CpuMs();
  std::vector<Suspect> suspects;
  std::vector<Counts> held = Held();
  for (uint32_t index = 0; index < held.size(); index++)
    if (CountsOf(&world_.destinations[index]) != held[index])
      suspects.push_back(Look(world_, shards, index));

  Recounted recounted;
  for (int walk = 0; walk < kWalks && !suspects.empty(); walk++) {
    held = Held();
    std::erase_if(suspects, [&](Suspect& before) {
      Suspect now = Look(world_, shards, before.destination);
      bool settled = now == std::exchange(before, now);
      Miscount miscount = {now.destination, now.counted, held[now.destination]};
      if (settled && miscount.counted != miscount.held) recounted.miscounts.push_back(miscount);
      return settled;
    });
  }
  recounted.templates = CorrectTemplates();
  recounted.unsettled = static_cast<uint32_t>(suspects.size());
  recounted.cpu_ms = CpuMs() - started_ms;
  return recounted;
}

/// By slot the templates that control fewer connections than they count.
std::map<uint32_t, Control> ConnectionTable::OverstatedTemplates() const {
  std::map<uint32_t, Control> templates;
  std::unordered_map<uint64_t, uint32_t> held;
  WalkLive([&](uint32_t slot) {
    connection* conn = &world_.connections[slot];
    uint64_t control = LOAD(control_of(conn));
    if ((conn->family & FAMILY_TEMPLATE) && static_cast<uint32_t>(control) > 0)
      templates[slot] = {control, 0};
    else if (LOAD(&conn->flags) & FLAG_CONTROLLED)
      held[control]++;
  });
  for (auto& [slot, control] : templates) {
    auto found = held.find(control.word >> 32 << 32 | slot);
    control.held = found == held.end() ? 0 : found->second;
  }
  std::erase_if(templates, [](const auto& entry) {
    return entry.second.held >= static_cast<uint32_t>(entry.second.word);
  });
  return templates;
}

// Whoever is killed between opening or ending a connection and telling its template leaves that
// to wait for ever. A connection counts before it is live, and until it is gone; so what two walks
// find alike, a moment apart, is nobody's who is just at it.
uint32_t ConnectionTable::CorrectTemplates() const {
  auto before = OverstatedTemplates();
  if (before.empty()) return 0;
  std::this_thread::sleep_for(kMoment);
  uint32_t corrected = 0;
  for (const auto& [slot, control] : OverstatedTemplates()) {
    auto found = before.find(slot);
    if (found == before.end() || found->second != control) continue;
    uint64_t right = control.word >> 32 << 32 | control.held;
    corrected +=
        SWAP_IF(control_of(&world_.connections[slot]), control.word, right) == control.word;
  }
  return corrected;
}

uint32_t ConnectionTable::size() const {
  uint32_t connections = 0;
  for (uint32_t bucket = 0; bucket < world_.settings->buckets; bucket++)
    for (int way = 0; way < WAYS; way++)
      connections += BeginsIn(LOAD(&world_.buckets[bucket]), way);
  return connections;
}

#include "table.h"

#include <ctime>
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

Suspect Look(const world& world, std::span<const counters> shards, uint32_t destination) {
  uint64_t opened = 0;
  for (size_t at = destination; at < shards.size(); at += world.settings->destinations)
    opened += LOAD(&shards[at].connections);
  return {destination, LOAD(counts_of(&world.destinations[destination])), opened};
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
  return relief == RELIEF_ONE_SIDED && state == STATE_UDP && is_silent_for(kOneSidedSeconds) &&
         TakesTurn(LOAD(&conn.in_packets));
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
  uint64_t kind = request.protocol | uint64_t{request.family} << 8;
  o.search.client = caddr | uint64_t{request.sport} << 32 | kind << 48;
  o.search.far = vaddr | uint64_t{request.dport} << 32;
  o.search.hash = hash_client(world_.settings, o.search.client);
  o.search.is_ipv6 = is_ipv6;
  o.search.client_address = request.saddr;
  o.search.far_address = request.daddr;
  o.virtual_service.vaddr = request.daddr;
  o.now_jiffies = spec.seen_jiffies;
  o.state = spec.state;
  if (search_table(&world_, world_.settings, &o.search) != NO_SLOT) return std::nullopt;

  if (!win_slot(&world_, world_.settings, &o)) return std::nullopt;
  ADD(counts_of(&world_.destinations[spec.destination]), count_of(is_active(spec.state)));
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
  const connection& conn = world_.connections[slot];
  uint32_t state = LOAD(&conn.state);
  if ((state & SLOT_PHASE) != SLOT_LIVE) return;
  bool goes = IsDue(conn, now) || relief_.Takes(conn, state & SLOT_STATE, now);
  if (goes && end_connection(&world_, world_.settings, slot, state))
    swept->ended++;
  else
    swept->half_open += IsHalfOpen(state & SLOT_STATE);
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

std::vector<Counts> ConnectionTable::Held() const {
  std::vector<Counts> held(world_.settings->destinations);
  auto count = [&](const connection& conn) {
    uint32_t state = LOAD(&conn.state);
    uint32_t index = LOAD(&conn.destination);
    if ((state & SLOT_PHASE) == SLOT_LIVE && index < held.size())
      held[index] += count_of(is_active(state & SLOT_STATE));
  };
  Walk(0, world_.settings->buckets, [&](uint32_t bucket, uint64_t word) {
    for (int way = 0; way < WAYS; way++)
      if (BeginsIn(word, way)) count(world_.connections[size_t{bucket} * WAYS + way]);
  });
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
    if (LOAD(counts_of(&world_.destinations[index])) != held[index])
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
  recounted.unsettled = static_cast<uint32_t>(suspects.size());
  recounted.cpu_ms = CpuMs() - started_ms;
  return recounted;
}

uint32_t ConnectionTable::size() const {
  uint32_t connections = 0;
  for (uint32_t bucket = 0; bucket < world_.settings->buckets; bucket++)
    for (int way = 0; way < WAYS; way++)
      connections += BeginsIn(LOAD(&world_.buckets[bucket]), way);
  return connections;
}

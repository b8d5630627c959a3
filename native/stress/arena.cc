#include "arena.h"

#include <thread>

#include "expect.h"
#include "random.h"

namespace {

constexpr uint32_t kRingLines = kRingTickets / TICKETS_PER_LINE;
constexpr uint32_t kSoon = 8;
constexpr uint32_t kNever = 1 << 30;
constexpr uint16_t kMtu = 1500;

bool IsBeginning(uint64_t tag) { return tag >= 0x80 && tag != TAG_CONTINUED; }

}  // namespace

Arena::Arena(uint32_t buckets, uint64_t seed)
    : addresses_(ADDRESS_WORDS),
      buckets_(buckets),
      connections_(size_t{buckets} * WAYS),
      schedules_(kServices),
      rings_(size_t{kServices} * kRingLines),
      destinations_(kAllDestinations),
      next_hops_(MAX_NEXT_HOPS),
      counters_(kAllDestinations),
      sighted_(connections_.size()) {
  Random random(seed);
  now_ = static_cast<uint32_t>(random.Word());
  settings_.abi_version = ABI_VERSION;
  settings_.heartbeat_jiffies = now_;
  settings_.buckets = buckets;
  settings_.destinations = kAllDestinations;
  settings_.address_words = LEAST_ADDRESS_WORDS;
  settings_.conn_reuse_mode = 1;
  for (__u64& key : settings_.hash_keys) key = random.Word();
  for (__u32& timeout : settings_.timeout_jiffies) timeout = kNever;
  for (uint32_t state : {STATE_UDP, STATE_CLOSE, STATE_TIME_WAIT})
    settings_.timeout_jiffies[state] = kSoon;

  for (uint32_t service = 0; service < kServices; service++) {
    service_key key = KeyOf(static_cast<Service>(service));
    services_.indices.emplace(key, service);
    AddRole(key.vaddr, key.family, ADDRESS_VIRTUAL);
    uint64_t head = static_cast<uint32_t>(random.Word());
    schedules_[service].ring_line = service * kRingLines;
    schedules_[service].ring_mask = kRingTickets - 1;
    schedules_[service].window = head << 32 | head;
  }
  for (uint32_t i = 0; i < kAllDestinations; i++) {
    destinations_[i] = DestinationOf(i);
    AddRole(destinations_[i].daddr, destinations_[i].family, ADDRESS_DESTINATION);
  }
  ChangeRoutes();
}

void Arena::AddRole(const address& ours, uint8_t family, address_role role) {
  uint32_t hashed;
  memcpy(&hashed, &ours, 4);
  if (family == FAMILY_IPV6) hashed = hash_address(&settings_, &ours);
  uint32_t cell = address_cell(&settings_, hashed);
  addresses_[cell / 32] |= uint64_t{role} << (cell % 32 * 2);
}

world Arena::NewWorld() {
  world made;
  made.settings = &settings_;
  made.addresses = addresses_.data();
  made.buckets = buckets_.data();
  made.connections = connections_.data();
  made.schedules = schedules_.data();
  made.rings = rings_.data();
  made.ring_lines = static_cast<uint32_t>(rings_.size());
  made.destinations = destinations_.data();
  made.next_hops = next_hops_.data();
  made.counters = counters_.data();
  made.services = &services_;
  made.resolved = &resolved_;
  made.thread = threads_++;
  return made;
}

__u32& Arena::TicketAt(Service service, uint32_t place) {
  uint32_t in_ring = place % kRingTickets;
  return rings_[service * kRingLines + in_ring / TICKETS_PER_LINE]
      .destination[in_ring % TICKETS_PER_LINE];
}

void Arena::EndAllOf(world* world, uint32_t index) {
  for (uint32_t slot = 0; slot < slots(); slot++) {
    connection* conn = connection_at(world, slot);
    uint32_t state = LOAD(&conn->state);
    if (LOAD(&conn->destination) == index) end_connection(world, world->settings, slot, state);
  }
}

void Arena::ChangeRoutes() {
  uint32_t generation = settings_.route_generation + 1;
  STORE(&settings_.route_generation, generation);
  auto put = [&](const address& target) {
    next_hop hop = {};
    hop.key = uint64_t{generation} << 32 | 2;
    hop.mtu = kMtu;
    memcpy(hop.dmac, MacOf(target).data(), 6);
    resolved_.Put(target, hop);
  };
  for (uint32_t flow = 0; flow < kFlows; flow++) put(RequestOf(flow).saddr);
  for (uint32_t i = 0; i < kAllDestinations; i++) put(DestinationOf(i).daddr);
}

void Arena::AwaitPackets() const {
  for (const auto& ticks : ticks_) {
    uint32_t seen = ticks.load();
    while (seen % 2 && ticks.load() == seen) std::this_thread::yield();
  }
}

void Arena::Witness(const Sighting& sighting) {
  constexpr uint64_t kLife = ~uint64_t{0} << 32;
  uint64_t mine =
      uint64_t{sighting.life} << 32 | uint64_t{sighting.flow} << 16 | sighting.destination;
  std::atomic<uint64_t>& latest = sighted_[sighting.slot];
  uint64_t seen = latest.load();
  while (seen < (mine & kLife) && !latest.compare_exchange_weak(seen, mine)) continue;
  if ((seen & kLife) == (mine & kLife)) Expect(seen == mine, "one flow, one destination of a life");
}

uint64_t Arena::HashOf(uint32_t slot) const {
  return hash_client(&settings_, reinterpret_cast<const word&>(connections_[slot]));
}

flow Arena::RequestIn(uint32_t slot) const {
  const connection& conn = connections_[slot];
  flow made = {.saddr = {},
               .daddr = {},
               .sport = conn.cport,
               .dport = conn.vport,
               .protocol = conn.protocol,
               .family = conn.family,
               .pad = 0};
  if (conn.family == FAMILY_IPV6) {
    const auto& line = reinterpret_cast<const connection_addresses&>(connections_[slot + 1]);
    made.saddr = line.caddr;
    made.daddr = line.vaddr;
  } else {
    memcpy(&made.saddr, &conn.caddr, 4);
    memcpy(&made.daddr, &conn.vaddr, 4);
  }
  return made;
}

void Arena::Check() const {
  for (uint32_t slot = 0; slot < slots(); slot++) IsLive(slot) ? CheckLive(slot) : CheckFree(slot);
  CheckOverflow();
  for (uint32_t index = 0; index < kAllDestinations; index++) CheckCounts(index);
}

void Arena::CheckFree(uint32_t slot) const {
  uint32_t lane = slot % WAYS;
  uint64_t word = buckets_[slot / WAYS];
  uint64_t tag = word >> (lane * 8) & 0xff;
  Expect((connections_[slot].state & SLOT_PHASE) == SLOT_FREE, "a slot that is free or live");
  if (tag == 0) return;
  Expect(tag == TAG_CONTINUED && lane > 0 && IsBeginning(word >> (lane * 8 - 8) & 0xff) &&
             IsLive(slot - 1) && connections_[slot - 1].family == FAMILY_IPV6,
         "no tag of a free slot");
}

void Arena::CheckLive(uint32_t slot) const {
  const connection& conn = connections_[slot];
  uint64_t tags = buckets_[slot / WAYS] >> (slot % WAYS * 8);
  Expect((tags & 0xff) == tag_of(HashOf(slot)), "the tag of a live slot");
  if (conn.family == FAMILY_IPV6)
    Expect((tags >> 8 & 0xff) == TAG_CONTINUED, "the tag of a second slot");

  flow request = RequestIn(slot);
  for (uint32_t other = 0; other < slot; other++)
    Expect(!IsLive(other) || !IsSame(request, RequestIn(other)), "one connection of a flow");

  auto service = static_cast<Service>(conn.destination / kDestinations);
  address vaddr = KeyOf(service).vaddr, daddr = DestinationOf(conn.destination).daddr;
  Expect(memcmp(&request.daddr, &vaddr, 16) == 0, "a destination of the flow's service");
  if (conn.family == FAMILY_IPV4)
    Expect(memcmp(&conn.daddr, &daddr, 4) == 0, "the destination's address");
}

void Arena::CheckOverflow() const {
  std::vector<uint64_t> spilled(buckets_.size());
  for (uint32_t slot = 0; slot < slots(); slot++) {
    if (!IsLive(slot)) continue;
    uint32_t bucket = slot / WAYS, home = first_bucket(&settings_, HashOf(slot));
    spilled[home] += bucket != home && bucket != second_bucket(&settings_, HashOf(slot));
  }
  for (size_t i = 0; i < buckets_.size(); i++)
    Expect(buckets_[i] >> OVERFLOW_SHIFT == spilled[i], "a bucket's overflow");
}

void Arena::CheckCounts(uint32_t index) const {
  const destination& counted = destinations_[index];
  uint32_t active = 0, inactive = 0;
  for (uint32_t slot = 0; slot < slots(); slot++) {
    if (!IsLive(slot) || connections_[slot].destination != index) continue;
    (is_active(connections_[slot].state & SLOT_STATE) ? active : inactive)++;
  }
  Expect(counted.active == active, "the count of active connections");
  Expect(counted.inactive == inactive, "the count of inactive connections");
}

#include "fuzz_world.h"

#include "require.h"

namespace {

constexpr uint32_t kBuckets = 9;
constexpr uint8_t kDestinations = 8;
constexpr uint16_t kClients = 6;
constexpr uint16_t kMtus[] = {1500, 1280, 576, 9000};

// A destination's index says what it is.
uint8_t Family(uint8_t index) { return index & 4 ? FAMILY_IPV6 : FAMILY_IPV4; }
uint8_t Protocol(uint8_t index) { return index & 2 ? IPPROTO_UDP : IPPROTO_TCP; }
uint8_t Method(uint8_t index) { return index & 1 ? METHOD_ROUTE : METHOD_MASQ; }

/// 10.`net`.0.`host`, or 2001:db8::`net`:`host`.
address Address(uint8_t family, uint8_t net, uint8_t host) {
  if (family == FAMILY_IPV4) return {{10, net, 0, host}};
  return {{0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, net, 0, host}};
}

}  // namespace

void PutMac(const address& target, __u8 mac[6]) {
  size_t hash = BytesHash<address>()(target);
  mac[0] = 2;
  memcpy(mac + 1, &hash, 5);
}

FuzzWorld::FuzzWorld(Input* input)
    : addresses_(ADDRESS_WORDS, ~uint64_t{0}),
      buckets_(kBuckets),
      connections_(size_t{kBuckets} * WAYS),
      schedules_(MAX_SERVICES),
      rings_(kDestinations),
      destinations_(kDestinations),
      next_hops_(MAX_NEXT_HOPS),
      counters_(kDestinations),
      memory_({.settings = &settings_,
               .addresses = addresses_.data(),
               .buckets = buckets_.data(),
               .connections = connections_.data(),
               .schedules = schedules_.data(),
               .rings = rings_.data(),
               .ring_lines = kDestinations,
               .destinations = destinations_.data(),
               .next_hops = next_hops_.data(),
               .counters = counters_.data(),
               .verdicts = &verdicts_}) {
  // Also just before the clock or its sign turns over.
  constexpr uint32_t kStarts[] = {100'000, 0xffff'ff00, 0x7fff'ff00, 0};
  uint8_t choices = input->Byte();
  now_ = kStarts[choices & 3];
  settings_.abi_version = ABI_VERSION;
  settings_.route_generation = 7;
  settings_.heartbeat_jiffies = now_;
  settings_.hz = choices & 0x80 ? 0 : 250;
  settings_.buckets = kBuckets;
  settings_.destinations = kDestinations;
  settings_.conn_reuse_mode = choices >> 2 & 3;
  settings_.expire_nodest_conn = choices >> 5 & 1;
  settings_.sloppy_tcp = choices >> 6 & 1;
  for (uint32_t i = 0; i < HASH_KEYS; i++) settings_.hash_keys[i] = 0x9e3779b97f4a7c15 * (i + 1);
  for (uint32_t state = 0; state < STATES; state++)
    settings_.timeout_jiffies[state] = 250 * (state + 1);

  for (uint8_t index = 0; index < kDestinations; index++) AddDestination(index);
  for (uint16_t i = 0; i < 3 * kDestinations; i++) {
    uint8_t index = i % kDestinations;
    uint32_t state = Protocol(index) == IPPROTO_UDP ? STATE_UDP : input->Byte() % STATE_UDP;
    Enter(index, i / kDestinations, state);
  }
  if (choices & 0x10) return;
  for (uint8_t index = 0; index < kDestinations; index++)
    PutRoute(destinations_[index].daddr, input);
  for (uint16_t client = 1; client <= kClients; client++) {
    PutRoute(Address(FAMILY_IPV4, 3, client), input);
    PutRoute(Address(FAMILY_IPV6, 3, client), input);
  }
}

world* FuzzWorld::Tables() {
  memory_.tables.now = now_;
  return &memory_.tables;
}

/// A service's index is its destination's; its ring is one line.
void FuzzWorld::AddDestination(uint8_t index) {
  uint8_t family = Family(index);
  service_key key = {.vaddr = Address(family, 1, index),
                     .vport = bpf_htons(80 + index),
                     .protocol = Protocol(index),
                     .family = family};
  memory_.services.indices.insert_or_assign(key, index);
  bool masq = Method(index) == METHOD_MASQ;
  destination& dest = destinations_[index];
  dest.daddr = Address(family, 2, index);
  dest.dport = masq ? bpf_htons(8000) : key.vport;
  dest.method = Method(index);
  dest.family = family;
  dest.available = dest.weight = 1;
  schedules_[index].ring_line = index;
  schedules_[index].ring_mask = TICKETS_PER_LINE - 1;
  for (__u32& ticket : rings_[index].destination) ticket = index;
}

flow FuzzWorld::NewRequest(uint8_t index, uint16_t client) const {
  const destination& dest = destinations_[index];
  return {.saddr = Address(dest.family, 3, client % kClients + 1),
          .daddr = Address(dest.family, 1, index),
          .sport = bpf_htons(40'000 + client / kClients),
          .dport = bpf_htons(80 + index),
          .protocol = Protocol(index),
          .family = dest.family,
          .pad = 0};
}

void FuzzWorld::Enter(uint8_t index, uint16_t client, uint32_t state) {
  memory_.table.Enter({.request = NewRequest(index, client),
                       .destination = index,
                       .state = state,
                       .seen_jiffies = now_,
                       .timeout_jiffies = settings_.timeout_jiffies[state]});
}

const connection_addresses& FuzzWorld::AddressesOf(uint32_t slot) const {
  return reinterpret_cast<const connection_addresses&>(connections_[slot + 1]);
}

flow FuzzWorld::FlowOf(uint32_t slot, bool reply) const {
  const connection& conn = connections_[slot];
  address client = {}, virtual_end = {}, destination_end = {};
  if (conn.family == FAMILY_IPV6) {
    client = AddressesOf(slot).caddr;
    virtual_end = AddressesOf(slot).vaddr;
    destination_end = AddressesOf(slot).daddr;
  } else {
    memcpy(&client, &conn.caddr, 4);
    memcpy(&virtual_end, &conn.vaddr, 4);
    memcpy(&destination_end, &conn.daddr, 4);
  }
  flow made = {.saddr = reply ? destination_end : client,
               .daddr = reply ? client : virtual_end,
               .sport = reply ? conn.dport : conn.cport,
               .dport = reply ? conn.cport : conn.vport,
               .protocol = conn.protocol,
               .family = conn.family,
               .pad = 0};
  return made;
}

flow FuzzWorld::ChooseFlow(Input* input) const {
  uint8_t which = input->Byte();
  uint8_t how = input->Byte();
  uint32_t slot = which % (kBuckets * WAYS);
  bool fresh = how & 0x40 || (connections_[slot].state & SLOT_PHASE) != SLOT_LIVE;
  flow chosen = fresh ? NewRequest(which % kDestinations, which / kDestinations)
                      : FlowOf(slot, (how & 1) != 0);
  if ((how & 0x38) == 0x38) chosen.dport ^= bpf_htons(1);
  if ((how & 0x38) == 0x30) chosen.saddr.bytes[3] ^= 1;
  return chosen;
}

/// The slot of the flow's connection, by looking at every one.
uint32_t FuzzWorld::Find(const flow& wanted, bool reply) const {
  for (uint32_t slot = 0; slot < kBuckets * WAYS; slot++) {
    if ((connections_[slot].state & SLOT_PHASE) != SLOT_LIVE) continue;
    flow own = FlowOf(slot, reply);
    if (memcmp(&own, &wanted, sizeof(flow)) == 0) return slot;
  }
  return NO_SLOT;
}

uint16_t FuzzWorld::ChecksumThatVanishes(const flow& flow) {
  for (bool reply : {false, true}) {
    uint32_t slot = Find(flow, reply);
    if (slot == NO_SLOT) continue;
    uint16_t delta = connections_[slot].transport_delta;
    return bpf_ntohs(reply ? static_cast<uint16_t>(~delta) : delta);
  }
  return 0;
}

void FuzzWorld::ChangeTickets(Input* input) {
  uint8_t how = input->Byte();
  schedule& ring = schedules_[how % kDestinations];
  auto head = static_cast<uint32_t>(ring.window);
  uint32_t count = how >> 4;
  ring.window = uint64_t{head + count} << 32 | head;
}

void FuzzWorld::AdvanceClock(Input* input) {
  constexpr uint32_t kSteps[] = {1, 100, 250, 600, 1500, 4000, 0x4000'0000, 0x8000'0000};
  uint8_t how = input->Byte();
  now_ += kSteps[how & 7];
  // The daemon may have died.
  if (!(how & 8)) settings_.heartbeat_jiffies = now_;
}

void FuzzWorld::Sweep() { memory_.table.Sweep(now_); }

void FuzzWorld::PutRoute(const address& target, Input* input) {
  uint8_t how = input->Byte();
  next_hop hop = {};
  uint32_t generation = (how & 3) == 1 ? Generation() - 1 : Generation();
  uint32_t ifindex = (how & 3) == 2 ? 0 : 2;
  hop.key = uint64_t{generation} << 32 | ifindex;
  hop.mtu = kMtus[how >> 2 & 3];
  PutMac(target, hop.dmac);
  hop.smac[0] = 4;
  memory_.resolved.Put(target, hop);
}

address FuzzWorld::ChooseTarget(Input* input) const {
  flow chosen = FlowOf(input->Below(kBuckets * WAYS - 1), true);
  return input->Byte() & 1 ? chosen.daddr : chosen.saddr;
}

void FuzzWorld::ChangeRules(Input* input) {
  uint8_t how = input->Byte();
  destination& dest = destinations_[how % kDestinations];
  if (how & 0x80)
    settings_.route_generation++;
  else if (how & 0x40)
    dest.weight ^= 1;
  else if (how & 0x20)
    dest.upper = dest.upper ? 0 : 4;
  else
    dest.available ^= 1;
}

void FuzzWorld::CheckTables() const {
  uint32_t active[kDestinations] = {}, inactive[kDestinations] = {}, live = 0;
  for (uint32_t slot = 0; slot < kBuckets * WAYS; slot++) {
    uint32_t word = connections_[slot].state;
    uint32_t tag = buckets_[slot / WAYS] >> (slot % WAYS * 8) & 0xff;
    Require((word & SLOT_PHASE) == SLOT_FREE || (word & SLOT_PHASE) == SLOT_LIVE,
            "a slot that is free or live");
    if ((word & SLOT_PHASE) == SLOT_FREE) {
      Require(tag == 0 || tag == TAG_CONTINUED, "no tag of a free slot");
      continue;
    }
    live++;
    uint32_t state = word & SLOT_STATE;
    Require(tag >= 0x80 && tag != TAG_CONTINUED, "a tag of a live slot");
    Require(state < STATES, "a state of a connection");
    Require(Find(FlowOf(slot, false), false) == slot, "one connection of a flow");
    (is_active(state) ? active : inactive)[connections_[slot].destination]++;
  }
  Require(memory_.table.size() == live, "the table's size");
  for (uint8_t i = 0; i < kDestinations; i++) {
    Require(destinations_[i].active == active[i], "count of active connections");
    Require(destinations_[i].inactive == inactive[i], "count of inactive connections");
  }
}

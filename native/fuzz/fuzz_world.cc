#include "fuzz_world.h"

#include "require.h"

namespace {

constexpr uint32_t kSlots = 64;
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
    : destinations_(kDestinations),
      connections_(kSlots),
      counters_(kDestinations),
      memory_(&settings_, destinations_.data(), connections_.data(), kSlots, counters_.data(),
              &verdicts_) {
  // Also just before the clock or its sign turns over.
  constexpr uint32_t kStarts[] = {100'000, 0xffff'ff00, 0x7fff'ff00, 0};
  uint8_t choices = input->Byte();
  now_ = kStarts[choices & 3];
  settings_.abi_version = ABI_VERSION;
  settings_.route_generation = 7;
  settings_.heartbeat_jiffies = now_;
  settings_.hz = choices & 0x80 ? 0 : 250;
  for (uint32_t state = 0; state < STATES; state++)
    settings_.timeout_jiffies[state] = 250 * (state + 1);

  for (uint8_t index = 0; index < kDestinations; index++) AddDestination(index);
  for (uint16_t i = 0; i < 3 * kDestinations; i++) {
    uint8_t index = i % kDestinations;
    uint32_t state = Protocol(index) == IPPROTO_UDP ? STATE_UDP : input->Byte() % STATE_UDP;
    Insert(NewConnection(index, i / kDestinations), state);
  }
  if (choices & 0x10) return;
  for (uint8_t index = 0; index < kDestinations; index++)
    PutRoute(destinations_[index].daddr, input);
  for (uint16_t client = 1; client <= kClients; client++) {
    PutRoute(Address(FAMILY_IPV4, 3, client), input);
    PutRoute(Address(FAMILY_IPV6, 3, client), input);
  }
}

world FuzzWorld::Tables() const {
  world tables = memory_.table_world;
  tables.now = now_;
  return tables;
}

void FuzzWorld::AddDestination(uint8_t index) {
  uint8_t family = Family(index);
  service_key key = {.vaddr = Address(family, 1, index),
                     .vport = bpf_htons(80 + index),
                     .protocol = Protocol(index),
                     .family = family};
  memory_.tables.services.insert_or_assign(key, index);
  bool masq = Method(index) == METHOD_MASQ;
  destinations_[index] = {.daddr = Address(family, 2, index),
                          .dport = masq ? bpf_htons(8000) : key.vport,
                          .method = Method(index),
                          .family = family,
                          .available = 1,
                          .active = 0,
                          .inactive = 0};
}

connection FuzzWorld::NewConnection(uint8_t index, uint16_t client) const {
  const destination& dest = destinations_[index];
  connection conn = {};
  conn.caddr = Address(dest.family, 3, client % kClients + 1);
  conn.vaddr = Address(dest.family, 1, index);
  conn.daddr = dest.daddr;
  conn.cport = bpf_htons(40'000 + client / kClients);
  conn.vport = bpf_htons(80 + index);
  conn.dport = dest.dport;
  conn.protocol = Protocol(index);
  conn.family = dest.family;
  conn.destination = index;
  conn.service = index;
  conn.method = dest.method;
  return conn;
}

/// Whoever schedules counts the new connection, and takes it back when it was not entered.
void FuzzWorld::Insert(const connection& conn, uint32_t state) {
  uint32_t slot = 0;
  destination& dest = destinations_[conn.destination];
  auto& count = is_active(state) ? dest.active : dest.inactive;
  count++;
  auto inserted = memory_.table.Insert(conn, state, now_, &slot);
  if (inserted != ConnectionTable::Inserted::kNew) count--;
  Require(inserted == ConnectionTable::Inserted::kFull || slot < kSlots, "slot of a connection");
}

flow FuzzWorld::ChooseFlow(Input* input) const {
  uint8_t which = input->Byte();
  uint8_t how = input->Byte();
  connection conn = connections_[which % kSlots];
  bool fresh = how & 0x40 || conn.family == 0;
  if (fresh) conn = NewConnection(which % kDestinations, which / kDestinations);
  flow chosen = how & 1 && !fresh ? reply_flow(&conn) : request_flow(&conn);
  if ((how & 0x38) == 0x38) chosen.dport ^= bpf_htons(1);
  if ((how & 0x38) == 0x30) chosen.saddr.bytes[3] ^= 1;
  return chosen;
}

uint16_t FuzzWorld::ChecksumThatVanishes(const flow& flow) {
  auto entry = memory_.tables.FindFlow(flow);
  if (!entry) return 0;
  uint16_t delta = connections_[entry->slot].transport_delta;
  return bpf_ntohs(entry->reply ? static_cast<uint16_t>(~delta) : delta);
}

void FuzzWorld::Open(const flow& request, bool active, bool reopens) {
  service_key key = {.vaddr = request.daddr,
                     .vport = request.dport,
                     .protocol = request.protocol,
                     .family = request.family};
  auto index = memory_.tables.FindService(key);
  Require(index.has_value(), "a service of the raised packet");
  connection conn = NewConnection(static_cast<uint8_t>(index.value_or(0)), 0);
  conn.caddr = request.saddr;
  conn.cport = request.sport;
  if (reopens) memory_.table.Remove(request);
  bool tcp = request.protocol == IPPROTO_TCP;
  Insert(conn, !tcp ? STATE_UDP : active ? STATE_SYN_RECV : STATE_NONE);
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
  route hop = {};
  hop.generation = Generation();
  hop.ifindex = 2;
  hop.mtu = kMtus[how >> 2 & 3];
  if ((how & 3) == 1) hop.generation--;
  if ((how & 3) == 2) hop.ifindex = 0;
  PutMac(target, hop.dmac);
  hop.smac[0] = 4;
  memory_.next_hops.Put(target, hop);
}

address FuzzWorld::ChooseTarget(Input* input) const {
  const connection& conn = connections_[input->Below(kSlots)];
  return input->Byte() & 1 ? conn.caddr : conn.daddr;
}

void FuzzWorld::ChangeRules(Input* input) {
  uint8_t how = input->Byte();
  if (how & 0x80)
    settings_.route_generation++;
  else
    destinations_[how % kDestinations].available ^= 1;
}

void FuzzWorld::CheckTables() const {
  uint32_t active[kDestinations] = {}, inactive[kDestinations] = {}, live = 0;
  for (const connection& conn : connections_) {
    if (!(conn.state & STATE_LIVE)) continue;
    live++;
    uint32_t state = conn.state & ~STATE_LIVE;
    Require(state < STATES, "a state of a connection");
    (is_active(state) ? active : inactive)[conn.destination]++;
  }
  Require(memory_.table.size() == live, "the table's size");
  for (uint8_t i = 0; i < kDestinations; i++) {
    Require(destinations_[i].active == active[i], "count of active connections");
    Require(destinations_[i].inactive == inactive[i], "count of inactive connections");
  }
  for (const auto& [key, entry] : memory_.tables.flows) {
    Require(entry.slot < settings_.slots_used, "slot of a flow");
    Require(is_connection_of(&connections_[entry.slot], &key, entry.reply != 0),
            "a flow that leads to its connection");
  }
}

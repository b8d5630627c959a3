#include "fuzz_world.h"

#include <algorithm>

#include "frame.h"
#include "require.h"

namespace {

constexpr uint32_t kBuckets[] = {9, 2, 20, 1};
constexpr uint8_t kServices = 8;
constexpr uint16_t kClients = 6;
/// Of each service: its tickets, the slots of its table and their members.
constexpr uint32_t kLines = 3;
constexpr uint32_t kIngress = 3;
constexpr uint16_t kMtus[] = {1500, 1280, 576, 9000};

/// Large and hardly used by one input: kept for the next one, which finds it cleared.
struct Arena {
  std::vector<uint64_t> addresses = std::vector<uint64_t>(ADDRESS_WORDS);
  std::vector<next_hop> next_hops = std::vector<next_hop>(MAX_NEXT_HOPS);
  std::vector<station_line> stations = Stations();

 private:
  static std::vector<station_line> Stations() {
    std::vector<station_line> lines(STATION_LINES);
    uint64_t station = uint64_t{kIngress} << 48;
    memcpy(&station, kStation, sizeof(kStation));
    lines[line_of_station(station)].station[2] = station;
    return lines;
  }
} arena;

// A service's index says what it is, and so does its destination's, which is the same.
uint8_t Family(uint32_t index) { return index & 4 ? FAMILY_IPV6 : FAMILY_IPV4; }
uint8_t Protocol(uint32_t index) { return index & 2 ? IPPROTO_UDP : IPPROTO_TCP; }
__be16 Port(uint32_t index) { return bpf_htons(static_cast<uint16_t>(80 + index)); }

/// 10.`net`.0.`host`, or 2001:db8::`net`:`host`.
address Address(uint8_t family, uint8_t net, uint8_t host) {
  if (family == FAMILY_IPV4) return {{10, net, 0, host}};
  return {{0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, net, 0, host}};
}

uint32_t Word(const address& address) {
  uint32_t word;
  memcpy(&word, &address, 4);
  return word;
}

template <typename T>
bool Same(const std::vector<T>& a, const std::vector<T>& b) {
  return !memcmp(a.data(), b.data(), a.size() * sizeof(T));
}

}  // namespace

void PutMac(const address& target, __u8 mac[6]) {
  size_t hash = BytesHash<address>()(target);
  mac[0] = 2;
  memcpy(mac + 1, &hash, 5);
}

FuzzWorld::FuzzWorld(Input* input)
    : buckets_(kBuckets[input->Below(4)]),
      connections_(buckets_.size() * WAYS),
      schedules_(kServices),
      rings_(size_t{kServices} * kLines),
      destinations_(kServices),
      counters_(kServices),
      memory_({.settings = &settings_,
               .addresses = arena.addresses.data(),
               .stations = arena.stations.data(),
               .buckets = buckets_.data(),
               .connections = connections_.data(),
               .schedules = schedules_.data(),
               .rings = rings_.data(),
               .ring_lines = kServices * kLines,
               .destinations = destinations_.data(),
               .next_hops = arena.next_hops.data(),
               .counters = counters_.data(),
               .verdicts = &verdicts_,
               .ingress = kIngress}) {
  // Also just before the clock or its sign turns over.
  constexpr uint32_t kStarts[] = {100'000, 0xffff'ff00, 0x7fff'ff00, 0};
  uint8_t choices = input->Byte();
  now_ = kStarts[choices & 3];
  settings_.abi_version = ABI_VERSION;
  settings_.route_generation = 7;
  settings_.heartbeat_jiffies = now_;
  settings_.hz = choices & 0x80 ? 0 : 250;
  settings_.buckets = static_cast<uint32_t>(buckets_.size());
  settings_.destinations = kServices;
  settings_.address_words = LEAST_ADDRESS_WORDS;
  settings_.conn_reuse_mode = 1;
  settings_.own_stations_only = !(choices & 0x40);
  for (uint32_t state = 0; state < STATES; state++)
    settings_.timeout_jiffies[state] = 250 * (state + 1);
  for (uint64_t i = 0; i < HASH_KEYS; i++)
    settings_.hash_keys[i] = (i + 1) * 0x9e37'79b9'7f4a'7c15 + choices;

  tunnels_ = choices & 4;
  across_ = choices & 8;
  settings_.pmtu_disc = 1;
  for (uint8_t index = 0; index < kServices; index++) AddService(index, input);
  for (uint16_t i = 0; i < 3 * kServices && choices & 0x20; i++) {
    uint8_t index = i % kServices;
    uint32_t state = Protocol(index) == IPPROTO_UDP ? STATE_UDP : input->Byte() % STATE_UDP;
    memory_.table.Enter({.request = NewRequest(index, i / kServices),
                         .destination = index,
                         .state = state,
                         .seen_jiffies = now_,
                         .timeout_jiffies = settings_.timeout_jiffies[state]});
  }
  if (choices & 0x10) return;
  for (const destination& destination : destinations_) PutRoute(destination.daddr, input);
  for (uint8_t client = 1; client <= kClients; client++) {
    PutRoute(Address(FAMILY_IPV4, 3, client), input);
    PutRoute(Address(FAMILY_IPV6, 3, client), input);
  }
}

FuzzWorld::~FuzzWorld() {
  for (uint32_t word : address_words_) arena.addresses[word] = 0;
  for (uint32_t index : hops_) arena.next_hops[index] = {};
}

world* FuzzWorld::Tables() {
  memory_.tables.now = now_;
  return &memory_.tables;
}

verdict FuzzWorld::Run(std::span<uint8_t> frame, journey* j) {
  world* tables = Tables();
  tables->grown.clear();
  uint32_t heads = UsedTickets();
  verdict verdict = RunDirector(tables, frame, j);
  uint32_t used = UsedTickets() - heads;
  hops_.insert(tables->notes.resolution.index);
  if (tables->notes.opening.is_new)
    CheckOpened(tables->notes.opening, used);
  else
    Require(used == 0 || verdict == VERDICT_RAISED_NEW, "no ticket lost");
  return verdict;
}

bool FuzzWorld::CompareWays(const std::vector<uint8_t>& frame) {
  Frame by_express(frame), step_by_step(frame);
  const auto connections = connections_;
  const auto counters = counters_;
  Tables()->grown.clear();
  journey quick = BeginJourney(Tables(), by_express.bytes());
  verdict verdict = express(Tables(), &quick);
  const auto express_connections = connections_;
  const auto express_counters = counters_;
  const auto express_frame = Tables()->frame;
  std::ranges::copy(connections, connections_.begin());
  std::ranges::copy(counters, counters_.begin());
  if (verdict != NEXT) {
    journey slow = BeginJourney(Tables(), step_by_step.bytes());
    Require(director(Tables(), &slow) == verdict, "the same end both ways");
    Require(slow.hop == quick.hop, "the same next hop both ways");
    Require(std::ranges::equal(express_frame, Tables()->frame), "the same frame leaves both ways");
  }
  Require(std::ranges::equal(by_express.bytes(), step_by_step.bytes()), "the same frame both ways");
  Require(Same(express_connections, connections_), "the same connections both ways");
  Require(Same(express_counters, counters_), "the same counters both ways");
  std::ranges::copy(connections, connections_.begin());
  std::ranges::copy(counters, counters_.begin());
  return verdict != NEXT;
}

uint32_t FuzzWorld::UsedTickets() const {
  uint32_t used = 0;
  for (const schedule& schedule : schedules_) used += static_cast<uint32_t>(schedule.window);
  return used;
}

uint8_t FuzzWorld::Method(uint32_t index) const {
  if (!(index & 1)) return METHOD_MASQ;
  return tunnels_ ? METHOD_TUNNEL : METHOD_ROUTE;
}

void FuzzWorld::AddService(uint8_t index, Input* input) {
  uint8_t family = Family(index);
  bool masq = Method(index) == METHOD_MASQ;
  service_key key = {.vaddr = Address(family, 1, index),
                     .vport = Port(index),
                     .protocol = Protocol(index),
                     .family = family};
  memory_.services.indices.insert_or_assign(key, index);
  destination& destination = destinations_[index];
  bool tunnel = Method(index) == METHOD_TUNNEL;
  uint8_t to = tunnel && across_ ? family ^ FAMILY_IPV4 ^ FAMILY_IPV6 : family;
  if (tunnel) {
    uint8_t how = input->Byte();
    destination.tunnel = how % (TUNNEL_GRE + 1);
    destination.tunnel_checksum = destination.tunnel != TUNNEL_IPIP && how & 0x80;
    destination.tunnel_port = destination.tunnel == TUNNEL_GUE ? bpf_htons(6080) : __be16{0};
  }
  destination.daddr = Address(to, 2, index);
  destination.dport = masq ? bpf_htons(8000) : key.vport;
  destination.method = Method(index);
  destination.family = to;
  destination.available = 1;
  destination.weight = 1;
  AddAddress(key.vaddr, family, ADDRESS_VIRTUAL);
  AddAddress(destination.daddr, to, ADDRESS_DESTINATION);
  schedules_[index].ring_line = index;
  schedules_[index].ring_mask = TICKETS_PER_LINE - 1;
}

void FuzzWorld::AddAddress(const address& address, uint8_t family, uint64_t role) {
  bool is_ipv6 = family == FAMILY_IPV6;
  uint32_t cell =
      address_cell(&settings_, is_ipv6 ? hash_address(&settings_, &address) : Word(address));
  arena.addresses[cell / 32] |= role << (cell % 32 * 2);
  address_words_.push_back(cell / 32);
}

flow FuzzWorld::NewRequest(uint8_t service, uint16_t client) const {
  uint8_t family = Family(service);
  uint16_t port = static_cast<uint16_t>(40'000 + client / kClients);
  return {.saddr = Address(family, 3, static_cast<uint8_t>(client % kClients + 1)),
          .daddr = Address(family, 1, service),
          .sport = bpf_htons(port),
          .dport = Port(service),
          .protocol = Protocol(service),
          .family = family,
          .pad = 0};
}

bool FuzzWorld::BeginsAt(uint32_t slot) const {
  return (connections_[slot].state & SLOT_PHASE) == SLOT_LIVE;
}

bool FuzzWorld::IsTemplate(uint32_t slot) const {
  return connections_[slot].family & FAMILY_TEMPLATE;
}

uint32_t FuzzWorld::LiveFrom(uint32_t place) const {
  auto slots = static_cast<uint32_t>(connections_.size());
  for (uint32_t i = 0; i < slots; i++)
    if (BeginsAt((place + i) % slots) && !IsTemplate((place + i) % slots))
      return (place + i) % slots;
  return NO_SLOT;
}

std::optional<uint32_t> FuzzWorld::Find(const flow& flow, bool reply) {
  world* tables = Tables();
  search& search = tables->notes.opening.search;
  const address& client = reply ? flow.daddr : flow.saddr;
  const address& far = reply ? flow.saddr : flow.daddr;
  bool is_ipv6 = flow.family == FAMILY_IPV6;
  auto word = [&](const address& a) { return is_ipv6 ? hash_address(&settings_, &a) : Word(a); };
  uint64_t kind = flow.protocol | uint64_t{flow.family} << 8;
  search = {};
  search.client = word(client) | uint64_t{reply ? flow.dport : flow.sport} << 32 | kind << 48;
  search.far = word(far) | uint64_t{reply ? flow.sport : flow.dport} << 32;
  search.hash = hash_client(&settings_, search.client);
  search.is_ipv6 = is_ipv6;
  search.reply = reply;
  search.client_address = client;
  search.far_address = far;
  uint32_t slot = search_all(tables);
  return slot == NO_SLOT ? std::nullopt : std::optional(slot);
}

flow FuzzWorld::ChooseFlow(Input* input) {
  uint8_t which = input->Byte();
  uint8_t how = input->Byte();
  uint32_t slot = LiveFrom(which);
  bool fresh = how & 0x40 || slot == NO_SLOT;
  auto service = static_cast<uint8_t>(which % kServices);
  auto client = static_cast<uint16_t>(which / kServices + (how & 7) * 32);
  flow chosen = fresh     ? NewRequest(service, client)
                : how & 1 ? ReplyOf(*Tables(), slot)
                          : RequestOf(*Tables(), slot);
  if ((how & 0x38) == 0x38) chosen.dport ^= bpf_htons(1);
  if ((how & 0x38) == 0x30) chosen.saddr.bytes[3] ^= 1;
  // A real server that is a client, and the director itself.
  if ((how & 0x38) == 0x28) chosen.saddr = Address(chosen.family, 2 - (which & 1), service);
  return chosen;
}

uint16_t FuzzWorld::ChecksumThatVanishes(const flow& flow) {
  if (auto slot = Find(flow, false)) return bpf_ntohs(connections_[*slot].transport_delta);
  if (auto slot = Find(flow, true))
    return bpf_ntohs(static_cast<uint16_t>(~connections_[*slot].transport_delta));
  return 0;
}

uint32_t FuzzWorld::ChooseDestination(uint32_t service, Input* input) const {
  return (service & 4) | input->Below(4);
}

void FuzzWorld::AdvanceClock(Input* input) {
  constexpr uint32_t kSteps[] = {1, 100, 250, 600, 1500, 4000, 0x4000'0000, 0x8000'0000};
  uint8_t how = input->Byte();
  now_ += kSteps[how & 7];
  if (how & 8) return;
  // The daemon that was silent has a generation of its own, as native/slow_path.cc gives it.
  if (settings_.hz && is_daemon_silent(&settings_, now_, 1)) settings_.route_generation++;
  settings_.heartbeat_jiffies = now_;
}

void FuzzWorld::Sweep() { memory_.table.Sweep(now_); }

void FuzzWorld::PutRoute(const address& target, Input* input) {
  uint8_t how = input->Byte();
  uint64_t generation = present_generation(&settings_, now_);
  next_hop hop = {};
  if ((how & 15) == 1) generation--;
  hop.key = generation << 32 | ((how & 15) == 2 ? 0 : 2);
  hop.mtu = kMtus[how < 0xc0 ? 0 : how & 3];
  PutMac(target, hop.dmac);
  hop.smac[0] = 4;
  PutMac(target, hop.saddr.bytes);
  memory_.resolved.Put(target, hop);
}

address FuzzWorld::ChooseTarget(Input* input) {
  uint8_t which = input->Byte();
  bool client = input->Byte() & 1;
  uint32_t slot = LiveFrom(which);
  if (slot == NO_SLOT) return destinations_[which % kServices].daddr;
  if (!client) return destinations_[connections_[slot].destination].daddr;
  Ends ends = EndsOf(*Tables(), slot);
  return ends.caddr;
}

void FuzzWorld::ChangeRing(Input* input) {
  uint8_t how = input->Byte();
  auto service = static_cast<uint8_t>(how % kServices);
  schedule& schedule = schedules_[service];
  auto head = static_cast<uint32_t>(schedule.window);
  auto limit = static_cast<uint32_t>(schedule.window >> 32);
  if (how & 0x80) limit = head;
  if ((how & 0xc0) == 0xc0) ChangeTable(service, input);
  for (int i = how >> 3 & 15; i > 0 && !(how & 0x80) && limit - head < TICKETS_PER_LINE; i--)
    rings_[service].destination[limit++ % TICKETS_PER_LINE] = ChooseDestination(service, input);
  schedule.window = uint64_t{limit} << 32 | head;
}

void FuzzWorld::ChangeTable(uint8_t service, Input* input) {
  schedule& schedule = schedules_[service];
  table& table = schedule.tables[++schedule.generation & 1];
  uint32_t first_line = kServices + 2u * service;
  table = {.slots = input->Byte() % 64u,
           .members = TICKETS_PER_LINE,
           .kind = input->Byte(),
           .slots_line = first_line,
           .members_line = first_line + 1};
  if (table.kind & TABLE_WIDE) table.slots /= 2;
  for (__u32& slots : rings_[table.slots_line].destination)
    slots = (table.kind & TABLE_WIDE ? 0x000f'000f : 0x0f0f'0f0f) & (input->Byte() * 0x0101'0101u);
  for (__u32& member : rings_[table.members_line].destination)
    member = ChooseDestination(service, input);
}

void FuzzWorld::ChangeRules(Input* input) {
  uint8_t how = input->Byte();
  destination& destination = destinations_[how % kServices];
  switch (how >> 4) {
    case 0 ... 2:
      destination.available ^= 1;
      counters_[how % kServices].removed = !destination.available;
      break;
    case 3 ... 5:
      destination.weight ^= 1;
      break;
    case 6 ... 8:
      destination.upper = input->Byte() % 16;
      destination.lower = destination.upper / 2;
      destination.overloaded = 0;
      break;
    case 9:
      settings_.conn_reuse_mode = how & 3;
      break;
    case 10:
      settings_.expire_nodest_conn ^= 1;
      break;
    case 11:
      settings_.sloppy_tcp ^= 1;
      break;
    case 12:
      settings_.expire_quiescent_template ^= 1;
      break;
    case 13:
      schedules_[how % kServices].persistence_jiffies ^= 500;
      schedules_[how % kServices].persistence_mask = Family(how) == FAMILY_IPV4 ? 0xffffff : 127;
      break;
    default:
      settings_.route_generation++;
  }
}

/// The connection that was just opened may be where it is, and its ticket, if it has one, said so.
void FuzzWorld::CheckOpened(const opening& opening, uint32_t used_tickets) const {
  uint32_t slot = opening.search.slot;
  Require(BeginsAt(slot), "a connection where one was opened");
  uint32_t index = connections_[slot].destination;
  const destination& to = destinations_[index];
  if (opening.stage == STAGE_CONTROLLED)
    return Require(may_follow(&settings_, &to), "a destination that its template may lead to");
  Require(to.available && to.weight, "a destination that accepts connections");
  Require(!to.upper || to.active + to.inactive < to.upper || to.overloaded,
          "a destination that is overloaded from its threshold on");
  Require(opening.destination == index, "the destination that it was opened to");
  uint32_t decided = memory_.tables.decided;
  if (decided != NO_DESTINATION)
    return Require(decided == index && used_tickets == 0, "the slow path's choice");
  const schedule& schedule = schedules_[opening.service];
  if (const table& table = schedule.tables[schedule.generation & 1]; table.slots) {
    Require(!(table.kind & TABLE_RESERVE) && used_tickets == 0, "a table, and no tickets");
    const auto& members = rings_[table.members_line].destination;
    return Require(std::ranges::find(members, index) != std::end(members), "a member of the table");
  }
  auto last = static_cast<uint32_t>(schedule.window) - 1;
  uint32_t ticket = rings_[opening.service].destination[last % TICKETS_PER_LINE];
  Require(used_tickets > 0 && ticket == index, "the destination of the last ticket taken");
}

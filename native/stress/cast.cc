#include "cast.h"

#include "../fuzz/anatomy.h"
#include "../fuzz/checksum.h"
#include "expect.h"

namespace {

enum Network : uint8_t { kClient = 1, kVirtual = 2, kReal = 3 };

constexpr size_t kEthernetBytes = 14;

uint8_t FamilyOf(Service service) { return service == kSwept ? FAMILY_IPV6 : FAMILY_IPV4; }
uint8_t ProtocolOf(Service service) { return service == kSwept ? IPPROTO_UDP : IPPROTO_TCP; }

/// 10.`network`.`host`, or 2001:db8::`network`:`host`.
address AddressOf(uint8_t family, Network network, uint32_t host) {
  auto high = static_cast<uint8_t>(host >> 8), low = static_cast<uint8_t>(host);
  if (family == FAMILY_IPV4) return {{10, network, high, low}};
  return {{0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, network, high, low}};
}

void Put16(uint8_t* at, size_t value) {
  at[0] = static_cast<uint8_t>(value >> 8);
  at[1] = static_cast<uint8_t>(value);
}

/// Returns the header's length.
size_t PutNetwork(uint8_t* at, const flow& flow, size_t payload) {
  if (flow.family == FAMILY_IPV6) {
    at[0] = 0x60;
    Put16(at + 4, payload);
    at[6] = flow.protocol;
    at[7] = 64;
    memcpy(at + 8, &flow.saddr, 16);
    memcpy(at + 24, &flow.daddr, 16);
    return 40;
  }
  at[0] = 0x45;
  Put16(at + 2, 20 + payload);
  at[8] = 64;
  at[9] = flow.protocol;
  memcpy(at + 12, &flow.saddr, 4);
  memcpy(at + 16, &flow.daddr, 4);
  Put16(at + 10, 0xffff - Sum({at, 20}));
  return 20;
}

}  // namespace

Frame::Frame(const flow& flow, uint8_t tcp_flags) {
  bool is_tcp = flow.protocol == IPPROTO_TCP;
  size_t segment = is_tcp ? 20 : 8;
  Put16(&room_[12], flow.family == FAMILY_IPV6 ? 0x86dd : 0x0800);
  size_t at = kEthernetBytes + PutNetwork(&room_[kEthernetBytes], flow, segment);
  uint8_t* transport = &room_[at];
  size_ = at + segment;
  memcpy(transport, &flow.sport, 2);
  memcpy(transport + 2, &flow.dport, 2);
  if (is_tcp) {
    transport[12] = 5 << 4;
    transport[13] = tcp_flags;
  } else {
    Put16(transport + 4, segment);
  }
  uint16_t sum = SumTransport({&flow.saddr, &flow.daddr, flow.protocol}, {transport, segment});
  Put16(transport + (is_tcp ? 16 : 6), 0xffff - sum);
}

flow Frame::Read() const {
  std::span<const uint8_t> bytes = std::span(room_).first(size_);
  Anatomy found = Dissect(bytes);
  const flow& flow = found.five_tuple;
  auto segment = bytes.subspan(found.transport, found.end - found.transport);
  if (found.version == 4)
    Expect(Sum(bytes.subspan(kEthernetBytes, 20)) == 0xffff, "the header's checksum");
  Expect(SumTransport({&flow.saddr, &flow.daddr, flow.protocol}, segment) == 0xffff,
         "the transport checksum");
  return flow;
}

std::array<uint8_t, 6> Frame::Target() const {
  std::array<uint8_t, 6> mac;
  memcpy(mac.data(), room_.data(), 6);
  return mac;
}

service_key KeyOf(Service service) {
  return {.vaddr = AddressOf(FamilyOf(service), kVirtual, service),
          .vport = bpf_htons(80),
          .protocol = ProtocolOf(service),
          .family = FamilyOf(service)};
}

destination DestinationOf(uint32_t index) {
  auto service = static_cast<Service>(index / kDestinations);
  destination made = {};
  made.daddr = AddressOf(FamilyOf(service), kReal, index);
  made.dport = bpf_htons(8000);
  made.method = METHOD_MASQ;
  made.family = FamilyOf(service);
  made.available = made.weight = 1;
  return made;
}

flow RequestOf(uint32_t flow) {
  Service service = ServiceOf(flow);
  service_key key = KeyOf(service);
  uint32_t client = flow / kServices;
  return {.saddr = AddressOf(key.family, kClient, client),
          .daddr = key.vaddr,
          .sport = bpf_htons(static_cast<uint16_t>(1024 + client)),
          .dport = key.vport,
          .protocol = key.protocol,
          .family = key.family,
          .pad = 0};
}

flow ReplyOf(uint32_t flow, uint32_t destination) {
  struct flow reply = RequestOf(flow);
  struct destination from = DestinationOf(destination);
  reply.daddr = reply.saddr;
  reply.dport = reply.sport;
  reply.saddr = from.daddr;
  reply.sport = from.dport;
  return reply;
}

std::array<uint8_t, 6> MacOf(const address& target) {
  std::array<uint8_t, 6> mac = {2};
  for (size_t i = 0; i < 4; i++) mac[2 + i] = target.bytes[i] ^ target.bytes[12 + i];
  return mac;
}

uint32_t DestinationAt(const address& daddr, uint8_t family) {
  size_t low = family == FAMILY_IPV6 ? 14 : 2;
  uint32_t index = daddr.bytes[low] << 8 | daddr.bytes[low + 1];
  if (index >= kAllDestinations) return kAllDestinations;
  address known = DestinationOf(index).daddr;
  return memcmp(&known, &daddr, sizeof(daddr)) == 0 ? index : kAllDestinations;
}

bool IsSame(const flow& a, const flow& b) { return memcmp(&a, &b, sizeof(flow)) == 0; }

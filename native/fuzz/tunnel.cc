#include "tunnel.h"

#include <algorithm>
#include <vector>

#include "checksum.h"
#include "require.h"

namespace {

using Bytes = std::span<const uint8_t>;

size_t Get16(Bytes bytes, size_t at) { return static_cast<size_t>(bytes[at] << 8 | bytes[at + 1]); }

/// What an outer header has to say of the packet in it.
struct Inside {
  bool is_ipv4;
  uint8_t tos;
  uint8_t ttl;
  bool dont_fragment;
};

Inside InsideOf(Bytes packet) {
  bool is_ipv4 = packet[0] >> 4 == 4;
  auto tos = is_ipv4 ? packet[1] : static_cast<uint8_t>(packet[0] << 4 | packet[1] >> 4);
  return {.is_ipv4 = is_ipv4,
          .tos = tos,
          .ttl = packet[is_ipv4 ? 8 : 7],
          .dont_fragment = is_ipv4 && packet[6] & 0x40};
}

/// Congestion is not told by the outer header.
uint8_t OuterTos(uint8_t tos) { return (tos & 3) == 3 ? tos ^ 1 : tos; }

bool IsAddress(Bytes bytes, const address& wanted) {
  return std::equal(bytes.begin(), bytes.end(), wanted.bytes);
}

/// Checks the outer IP header; returns what follows it.
Bytes CheckOuter(Bytes outer, const Inside& inside, const next_hop& hop, size_t packet_bytes) {
  constexpr uint8_t kProtocols[] = {0, 17, 47};
  bool is_ipv4 = hop.family == FAMILY_IPV4;
  uint8_t own = inside.is_ipv4 ? 4 : 41;
  uint8_t protocol = hop.tunnel == TUNNEL_IPIP ? own : kProtocols[hop.tunnel];
  size_t header = is_ipv4 ? 20 : 40;
  Require(outer[is_ipv4 ? 9 : 6] == protocol, "the tunnel's protocol");
  Require(outer[is_ipv4 ? 8 : 7] == inside.ttl, "the packet's TTL");
  Require(IsAddress(outer.subspan(is_ipv4 ? 12 : 8, is_ipv4 ? 4 : 16), hop.saddr) &&
              IsAddress(outer.subspan(is_ipv4 ? 16 : 24, is_ipv4 ? 4 : 16), hop.daddr),
          "both ends of the tunnel");
  size_t length = is_ipv4 ? Get16(outer, 2) : Get16(outer, 4) + 40;
  size_t shim = length - header - packet_bytes;
  size_t wanted_shims[] = {0, 12, hop.tunnel_checksum ? 8u : 4u};
  Require(shim == wanted_shims[hop.tunnel], "the length of a tunnel's headers");
  uint8_t tos = OuterTos(inside.tos);
  if (is_ipv4) {
    Require(outer[0] == 0x45 && outer[1] == tos, "version, length and TOS");
    Require(Sum(outer.first(20)) == 0xffff, "a right outer header checksum");
    Require(Get16(outer, 6) == (inside.dont_fragment ? 0x4000 : 0), "the packet's DF");
    Require(!inside.dont_fragment || Get16(outer, 4) == 0, "no identification beside DF");
  } else {
    Require(Get16(outer, 0) == (0x6000u | tos << 4) && Get16(outer, 2) == 0,
            "version, traffic class and no flow label");
  }
  return outer.subspan(header, length - header);
}

void CheckGue(Bytes udp, const Inside& inside, const next_hop& hop) {
  Require(Get16(udp, 0) >= 32768 && Get16(udp, 0) <= 60999, "one of the local ports");
  Require(Get16(udp, 2) == bpf_ntohs(hop.tunnel_port), "GUE's port");
  Require(Get16(udp, 4) == udp.size(), "UDP's length");
  Require(Get16(udp, 8) == (inside.is_ipv4 ? 4 : 41) && Get16(udp, 10) == 0, "GUE's header");
  if (!hop.tunnel_checksum) return Require(Get16(udp, 6) == 0, "no UDP checksum");
  Require(Get16(udp, 6) != 0, "a UDP checksum");
  Require(SumTransport({&hop.saddr, &hop.daddr, 17}, udp) == 0xffff, "a right UDP checksum");
}

void CheckGre(Bytes gre, const Inside& inside, const next_hop& hop) {
  Require(Get16(gre, 0) == (hop.tunnel_checksum ? 0x8000 : 0), "GRE's flags");
  Require(Get16(gre, 2) == (inside.is_ipv4 ? 0x0800 : 0x86dd), "GRE's protocol");
  if (hop.tunnel_checksum) Require(Sum(gre) == 0xffff, "a right GRE checksum");
}

/// The packet one hop on; its checksum is that of `after`, which is checked.
std::vector<uint8_t> OneHopOn(Bytes packet, Bytes after) {
  std::vector<uint8_t> wanted(packet.begin(), packet.end());
  bool is_ipv4 = packet[0] >> 4 == 4;
  wanted[is_ipv4 ? 8 : 7]--;
  if (!is_ipv4) return wanted;
  Require(Sum(after.first((packet[0] & size_t{15}) * 4)) == 0xffff, "a right header checksum");
  std::ranges::copy(after.subspan(10, 2), &wanted[10]);
  return wanted;
}

}  // namespace

void CheckTunnelled(const Tunnelled& passage) {
  const auto& [before, after, hop] = passage;
  Anatomy came = Dissect(before);
  // Behind the packet the link may have padded.
  Bytes packet = before.subspan(came.network);
  size_t bytes = came.end - came.network;
  Bytes left = after.last(packet.size());
  Require(std::ranges::equal(OneHopOn(packet, left), left), "the packet, one hop on");
  Require(bytes <= hop.mtu, "a packet that the tunnel takes");

  Require(std::equal(hop.dmac, hop.dmac + 6, after.begin()) &&
              std::equal(hop.smac, hop.smac + 6, after.begin() + 6),
          "the next hop's addresses");
  Require(std::ranges::equal(before.subspan(12, came.network - 14),
                             after.subspan(12, came.network - 14)),
          "the same VLAN tags");
  Require(Get16(after, came.network - 2) == (hop.family == FAMILY_IPV4 ? 0x0800 : 0x86dd),
          "the outer packet's type");
  Inside inside = InsideOf(left);
  Bytes payload = CheckOuter(after.subspan(came.network), inside, hop, bytes);
  if (hop.tunnel == TUNNEL_GUE) CheckGue(payload, inside, hop);
  if (hop.tunnel == TUNNEL_GRE) CheckGre(payload, inside, hop);
}

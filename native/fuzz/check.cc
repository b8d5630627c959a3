#include "check.h"

#include <algorithm>

#include "checksum.h"
#include "connection.h"
#include "frame.h"
#include "fuzz_world.h"
#include "require.h"
#include "tunnel.h"

namespace {

using Bytes = std::span<const uint8_t>;

bool Same(Bytes a, Bytes b) { return std::ranges::equal(a, b); }

uint16_t SegmentSum(Bytes frame, const Anatomy& anatomy) {
  const flow& flow = anatomy.five_tuple;
  return SumTransport({&flow.saddr, &flow.daddr, anatomy.protocol},
                      frame.subspan(anatomy.transport, anatomy.end - anatomy.transport));
}

bool HeaderIsRight(Bytes frame, const Anatomy& anatomy) {
  size_t length = anatomy.transport - anatomy.network;
  return anatomy.version == 6 || Sum(frame.subspan(anatomy.network, length)) == 0xffff;
}

/// Where the transport checksum stands.
size_t ChecksumAt(const Anatomy& anatomy) {
  return anatomy.transport + (anatomy.protocol == IPPROTO_TCP ? 16 : 6);
}

/// The frame that a forwarded one should be, but for its checksums: those are taken from `after`.
std::vector<uint8_t> Forwarded(const Journey& done) {
  const auto& [before, after, tables, j, _] = done;
  std::vector<uint8_t> frame(before.begin(), before.end());
  Anatomy anatomy = Dissect(before);
  bool ipv4 = anatomy.version == 4;
  uint8_t* network = &frame[anatomy.network];
  uint8_t* transport = &frame[anatomy.transport];
  const connection& conn = *j.conn;
  flow request = RequestOf(tables, j.slot), reply = ReplyOf(tables, j.slot);
  PutMac(j.reply ? reply.daddr : reply.saddr, &frame[0]);
  const uint8_t source[6] = {4};
  memcpy(&frame[6], source, 6);
  network[ipv4 ? 8 : 7]--;
  if (j.reply) {
    memcpy(network + (ipv4 ? 12 : 8), &request.daddr, ipv4 ? 4 : 16);
    memcpy(transport, &conn.vport, 2);
  } else if (conn.method == METHOD_MASQ) {
    memcpy(network + (ipv4 ? 16 : 24), &reply.saddr, ipv4 ? 4 : 16);
    memcpy(transport + 2, &conn.dport, 2);
  }
  if (ipv4) memcpy(network + 10, &after[anatomy.network + 10], 2);
  if (j.reply || conn.method == METHOD_MASQ)
    memcpy(&frame[ChecksumAt(anatomy)], &after[ChecksumAt(anatomy)], 2);
  return frame;
}

/// A tunnel leads to where the destination is, with what that wants.
void CheckInTunnel(const Journey& done) {
  const auto& [before, after, tables, j, _] = done;
  const destination& to = tables.destinations[j.conn->destination];
  const next_hop& hop = *j.hop;
  flow request = RequestOf(tables, j.slot), seen = Dissect(before).five_tuple;
  Require(!j.reply && !memcmp(&request, &seen, sizeof(flow)), "a packet of the connection");
  Require(!memcmp(&hop.daddr, &to.daddr, sizeof(address)) && hop.family == to.family,
          "the destination at the tunnel's end");
  Require(hop.tunnel == to.tunnel && hop.tunnel_checksum == to.tunnel_checksum &&
              hop.tunnel_port == to.tunnel_port,
          "the destination's tunnel");
  CheckTunnelled({before, after, hop});
}

void CheckForwarded(const Journey& done) {
  const auto& [before, after, tables, j, _] = done;
  Anatomy old = Dissect(before), now = Dissect(after);
  if (j.conn->method == METHOD_TUNNEL) return CheckInTunnel(done);
  flow mine = j.reply ? ReplyOf(tables, j.slot) : RequestOf(tables, j.slot);
  Require(!memcmp(&mine, &old.five_tuple, sizeof(flow)), "a packet of the connection");
  Require(old.segment && now.segment && !old.fragment, "a whole segment");
  Require(before[old.network + (old.version == 4 ? 8 : 7)] > 1, "a TTL that is left");
  Require(now.end - now.network <= j.hop->mtu, "a packet that the next link takes");
  Require(LeavesBy(j) != 0, "an interface");
  Require(!tables.settings->own_stations_only || Same(before.first(sizeof(kStation)), kStation),
          "a frame that was sent here");
  Require(Same(Forwarded(done), after), "only the rewritten fields to change");
  Require(HeaderIsRight(after, now), "a right IPv4 header checksum");

  static constexpr uint8_t kNone[2] = {};
  Bytes checksum = before.subspan(ChecksumAt(old), 2);
  if (old.protocol == IPPROTO_UDP && Same(checksum, kNone))
    Require(Same(after.subspan(ChecksumAt(now), 2), kNone), "UDP without a checksum to stay so");
  else
    // Right when it was right, and wrong by as much when not.
    Require(SegmentSum(before, old) == SegmentSum(after, now), "the transport checksum's kind");
  if (old.protocol == IPPROTO_UDP && !Same(checksum, kNone))
    Require(!Same(after.subspan(ChecksumAt(now), 2), kNone), "a UDP checksum to stay one");
}

/// Whoever refuses a packet has a reason in it.
void CheckReason(Bytes frame, const Anatomy& anatomy, verdict verdict) {
  switch (verdict) {
    case VERDICT_PASSED_NOT_IP:
    case VERDICT_PASSED_MALFORMED:
      return Require(!anatomy.segment || anatomy.tags > VLAN_TAGS_MAX, "a reason not to read it");
    case VERDICT_PASSED_ICMP:
      return Require(anatomy.protocol == IPPROTO_ICMP || anatomy.protocol == IPPROTO_ICMPV6,
                     "ICMP");
    case VERDICT_PASSED_OTHER_HOST:
      return Require(!Same(frame.first(sizeof(kStation)), kStation), "another MAC address");
    case VERDICT_PASSED_FRAGMENT:
      // Or headers that go on behind the packet's end, in the link's trailer, and find one there.
      return Require(anatomy.later_fragment || anatomy.transport + 8 > anatomy.end,
                     "a later fragment");
    case VERDICT_DROPPED_FRAGMENT:
      return Require(anatomy.fragment && !anatomy.later_fragment, "a first fragment");
    case VERDICT_DROPPED_HEADER_CHECKSUM:
      return Require(!HeaderIsRight(frame, anatomy), "a wrong IPv4 header checksum");
    default:
      return;
  }
}

}  // namespace

void CheckJourney(const Journey& done) {
  const auto& [before, after, tables, j, verdict] = done;
  Require(verdict <= VERDICT_DROPPED_DESTINATION_REMOVED || verdict == VERDICT_DROPPED_TABLE_FULL,
          "a verdict of the packet code's");
  bool tunnelled = !tables.grown.empty();
  Require(tunnelled || (j.pkt.data == after.data() && j.pkt.end == after.data() + after.size()),
          "the frame to stay where it is");
  bool forwarded = verdict == VERDICT_FORWARDED_IN || verdict == VERDICT_FORWARDED_OUT;
  Anatomy anatomy = Dissect(before);
  CheckReason(before, anatomy, verdict);
  // Only then was the packet read to its end. Of a forwarded one its connection tells.
  if (j.notes && !forwarded) {
    flow read = flow_of(&j.pkt);
    Require(!memcmp(&anatomy.five_tuple, &read, sizeof(flow)), "the packet's five-tuple");
  }
  Require(tunnelled == (forwarded && j.conn->method == METHOD_TUNNEL), "a frame of its own");
  if (!forwarded) return Require(Same(before, after), "a packet to be as it came");
  Require((verdict == VERDICT_FORWARDED_OUT) == (j.reply != 0), "the verdict of its direction");
  CheckForwarded(done);
}

bool CheckIcmpError(std::span<uint8_t> frame, icmp_error error) {
  packet pkt = {};
  pkt.data = frame.data();
  pkt.end = frame.data() + frame.size();
  if (parse(nullptr, &pkt) != NEXT) return false;
  std::unique_ptr<uint8_t[]> memory(new uint8_t[ICMP_FRAME_MAX]);
  Bytes out(memory.get(), put_icmp_error(&pkt, error, 1400, memory.get()));
  Require(out.size() <= ICMP_FRAME_MAX, "an ICMP error within its limit");

  Anatomy about = Dissect(frame), now = Dissect(out);
  Require(now.version == about.version && now.tags == about.tags, "an error in the same protocol");
  Require(now.end == out.size(), "an error as long as it says");
  Require(is_address(&now.five_tuple.daddr, &about.five_tuple.saddr) &&
              is_address(&now.five_tuple.saddr, &about.five_tuple.daddr),
          "an error to the sender");
  Bytes message = out.subspan(now.transport);
  Bytes quoted = message.subspan(ICMP_HEADER_BYTES);
  Require(Same(quoted, frame.subspan(about.network, quoted.size())), "the packet's first bytes");
  if (now.version == 6) {
    Require(now.protocol == IPPROTO_ICMPV6 && SegmentSum(out, now) == 0xffff,
            "a right ICMPv6 checksum");
  } else {
    Require(now.protocol == IPPROTO_ICMP && Sum(message) == 0xffff, "a right ICMP checksum");
    Require(Sum(out.subspan(now.network, 20)) == 0xffff, "a right IPv4 header checksum");
  }
  return true;
}

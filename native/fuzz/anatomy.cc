#include "anatomy.h"

namespace {

using Bytes = std::span<const uint8_t>;

size_t Get16(Bytes bytes, size_t at) { return static_cast<size_t>(bytes[at] << 8 | bytes[at + 1]); }

void DissectIpv4(Bytes frame, Anatomy* found) {
  size_t at = found->network;
  if (at + 20 > frame.size() || frame[at] >> 4 != 4) return;
  size_t header = (frame[at] & size_t{15}) * 4;
  found->end = at + Get16(frame, at + 2);
  if (header < 20 || found->end > frame.size() || at + header > found->end) return;
  found->version = 4;
  found->options = header > 20;
  found->fragment = Get16(frame, at + 6) & 0x3fff;
  found->later_fragment = Get16(frame, at + 6) & 0x1fff;
  found->protocol = frame[at + 9];
  found->transport = at + header;
  memcpy(&found->five_tuple.saddr, &frame[at + 12], 4);
  memcpy(&found->five_tuple.daddr, &frame[at + 16], 4);
}

/// Takes note of an extension header at `at`; returns its length, 0 for what is none.
size_t DissectExtension(Bytes frame, size_t at, Anatomy* found) {
  switch (found->protocol) {
    case 0:
      found->hop_by_hop = true;
      break;
    case 43:
      found->routing = true;
      break;
    case 60:
      found->destination_options = true;
      break;
    case 44:
      found->fragment_header = true;
      found->fragment |= (Get16(frame, at + 2) & 0xfff9) != 0;
      found->later_fragment |= (Get16(frame, at + 2) & 0xfff8) != 0;
      return 8;
    default:
      return 0;
  }
  return frame[at + 1] * 8u + 8;
}

void DissectIpv6(Bytes frame, Anatomy* found) {
  size_t at = found->network;
  if (at + 40 > frame.size() || frame[at] >> 4 != 6) return;
  found->end = at + 40 + Get16(frame, at + 4);
  if (found->end > frame.size()) return;
  found->version = 6;
  memcpy(&found->five_tuple.saddr, &frame[at + 8], 16);
  memcpy(&found->five_tuple.daddr, &frame[at + 24], 16);
  found->protocol = frame[at + 6];
  at += 40;
  while (at + 8 <= found->end && !found->later_fragment) {
    size_t length = DissectExtension(frame, at, found);
    if (length == 0) break;
    found->protocol = frame[at];
    at += length;
  }
  found->transport = at;
}

}  // namespace

Anatomy Dissect(Bytes frame) {
  Anatomy found;
  if (frame.size() < 14) return found;
  size_t at = 12;
  while (at + 6 <= frame.size() && (Get16(frame, at) == 0x8100 || Get16(frame, at) == 0x88a8)) {
    found.tags++;
    at += 4;
  }
  found.network = at + 2;
  if (Get16(frame, at) == 0x0800) DissectIpv4(frame, &found);
  if (Get16(frame, at) == 0x86dd) DissectIpv6(frame, &found);

  size_t header = found.protocol == IPPROTO_TCP ? 20 : found.protocol == IPPROTO_UDP ? 8 : 0;
  found.segment =
      found.version && !found.later_fragment && header && found.transport + header <= found.end;
  if (!found.segment) return found;
  memcpy(&found.five_tuple.sport, &frame[found.transport], 2);
  memcpy(&found.five_tuple.dport, &frame[found.transport + 2], 2);
  found.five_tuple.protocol = found.protocol;
  found.five_tuple.family = found.version == 4 ? FAMILY_IPV4 : FAMILY_IPV6;
  return found;
}

#include "frame.h"

#include <cstring>

#include "checksum.h"
#include "world.h"

namespace {

using Bytes = std::vector<uint8_t>;

void Put16(Bytes* bytes, size_t at, size_t value) {
  (*bytes)[at] = static_cast<uint8_t>(value >> 8);
  (*bytes)[at + 1] = static_cast<uint8_t>(value);
}

void Append(Bytes* bytes, std::initializer_list<uint8_t> more) {
  bytes->insert(bytes->end(), more);
}

void Append(Bytes* bytes, const void* from, size_t size) {
  auto* first = static_cast<const uint8_t*>(from);
  bytes->insert(bytes->end(), first, first + size);
}

/// Bytes without meaning, the same for the same seed.
void AppendNoise(Bytes* bytes, size_t size, uint32_t seed) {
  size_t from = bytes->size();
  bytes->resize(from + size);
  for (uint8_t& byte : std::span(*bytes).subspan(from)) {
    seed = seed * 1664525 + 1013904223;
    byte = static_cast<uint8_t>(seed >> 24);
  }
}

void AppendLink(Bytes* frame, uint8_t family, Input* input) {
  uint8_t how = input->Byte();
  Append(frame, kStation, sizeof(kStation));
  if ((how & 0x1f) == 0x1b) frame->back() ^= 1;
  AppendNoise(frame, 6, how);
  int tags = how < 0xa0 ? 0 : how < 0xd0 ? 1 : how < 0xf0 ? 2 : how < 0xf4 ? 3 : 0;
  for (int i = 0; i < tags; i++) {
    bool service_tag = how & 1 && i == 0;
    if (service_tag)
      Append(frame, {0x88, 0xa8, 0, how});
    else
      Append(frame, {0x81, 0x00, 0, how});
  }
  bool other = (how & 0x1f) == 0x1d;
  if (other)
    Append(frame, {0x08, 0x06});
  else if (family == FAMILY_IPV4)
    Append(frame, {0x08, 0x00});
  else
    Append(frame, {0x86, 0xdd});
}

uint8_t ChooseTtl(Input* input) {
  constexpr uint8_t kTtls[] = {64, 255, 2, 1, 0, 128, 63, 3};
  uint8_t how = input->Byte();
  return kTtls[how < 0xc0 ? 0 : how & 7];
}

uint8_t ChooseProtocol(const flow& flow, uint8_t how) {
  if (how < 0xf0) return flow.protocol;
  if (how < 0xf8) return flow.family == FAMILY_IPV4 ? IPPROTO_ICMP : IPPROTO_ICMPV6;
  return how;
}

void AppendIpv4(Bytes* frame, const flow& flow, Input* input) {
  constexpr uint16_t kFragments[] = {0, IPV4_DONT_FRAGMENT, 0x2000, 0x2001, 0x0007};
  uint8_t how = input->Byte();
  size_t options = how < 0x80 ? 0 : how % 11;
  uint16_t fragment = how % 16 ? 0 : kFragments[how / 16 % 5];
  Append(frame, {static_cast<uint8_t>(0x45 + options), how, 0, 0, how, 1,
                 static_cast<uint8_t>(fragment >> 8), static_cast<uint8_t>(fragment),
                 ChooseTtl(input), ChooseProtocol(flow, input->Byte()), 0, 0});
  Append(frame, flow.saddr.bytes, 4);
  Append(frame, flow.daddr.bytes, 4);
  AppendNoise(frame, options * 4, how);
}

void AppendIpv6(Bytes* frame, const flow& flow, Input* input) {
  constexpr uint8_t kKinds[] = {IPPROTO_HOPOPTS, IPPROTO_ROUTING, IPPROTO_DSTOPTS,
                                IPPROTO_FRAGMENT};
  constexpr uint8_t kLengths[] = {0, 0, 0, 1, 2, 5, 40, 127};
  uint8_t how = input->Byte();
  Append(frame, {0x60, how, 0, 0, 0, 0, 0, ChooseTtl(input)});
  Append(frame, flow.saddr.bytes, 16);
  Append(frame, flow.daddr.bytes, 16);

  size_t next_at = frame->size() - 34;
  for (size_t left = how < 0x80 ? 0 : how % 9; left > 0; left--) {
    uint8_t kind = input->Byte();
    (*frame)[next_at] = kKinds[kind & 3];
    next_at = frame->size();
    if (kKinds[kind & 3] == IPPROTO_FRAGMENT) {
      bool more = kind & 0x80, later = (kind & 0x60) == 0x60;
      Append(frame, {0, 0, 0, static_cast<uint8_t>((later ? 8 : 0) | (more ? 1 : 0)), 0, 0, 0, 1});
    } else {
      uint8_t length = kLengths[kind >> 2 & 7];
      Append(frame, {0, length});
      AppendNoise(frame, length * 8 + 6, kind);
    }
  }
  (*frame)[next_at] = ChooseProtocol(flow, input->Byte());
}

void AppendTransport(Bytes* frame, const flow& flow, Input* input) {
  constexpr uint8_t kFlags[] = {TCP_SYN, TCP_ACK, TCP_FIN | TCP_ACK, TCP_RST, TCP_SYN | TCP_ACK, 0};
  Append(frame, &flow.sport, 2);
  Append(frame, &flow.dport, 2);
  if (flow.protocol == IPPROTO_UDP) return Append(frame, {0, 0, 0, 0});
  uint8_t how = input->Byte();
  AppendNoise(frame, 8, how);
  Append(frame, {0x50, how < 0xf0 ? kFlags[how % 6] : how, 4, 0, 0, 0, 0, 0});
}

size_t ChoosePayload(Input* input) {
  constexpr size_t kSizes[] = {0, 1, 2, 3, 18, 64, 65, 512};
  uint8_t how = input->Byte();
  return how < 0xf0 ? kSizes[how & 7] : 1100 + (how & 15) * 40;
}

struct Places {
  size_t network, transport, checksum, payload;
};

/// Writes the checksum; as `wanted`, where two bytes of payload can be had for that.
void PutTransportChecksum(Bytes* frame, const Places& at, const flow& flow, uint16_t wanted) {
  size_t spare = at.payload + (at.payload - at.transport) % 2;
  bool adjust = wanted && spare + 2 <= frame->size();
  if (adjust) Put16(frame, spare, 0);
  uint16_t sum = SumTransport({&flow.saddr, &flow.daddr, flow.protocol},
                              std::span(*frame).subspan(at.transport));
  auto checksum = static_cast<uint16_t>(~sum);
  if (adjust) {
    Put16(frame, spare, static_cast<uint16_t>(~AddSums(sum, wanted)));
    checksum = wanted;
  }
  bool none = checksum == 0 && flow.protocol == IPPROTO_UDP;
  Put16(frame, at.checksum, none ? 0xffff : checksum);
}

/// Says how long the packet is, in its IP header.
void PutLength(Bytes* frame, const Places& at, const flow& flow) {
  size_t bytes = frame->size() - at.network;
  if (flow.family == FAMILY_IPV6) return Put16(frame, at.network + 4, bytes - 40);
  Put16(frame, at.network + 2, bytes);
  Put16(frame, at.network + 10, 0);
  size_t header = std::min(bytes, at.transport - at.network);
  uint16_t sum = Sum(std::span(*frame).subspan(at.network, header));
  Put16(frame, at.network + 10, static_cast<uint16_t>(~sum));
}

/// Ends the packet early, perhaps in the midst of a header. It may even say so.
void Cut(Bytes* frame, const Places& at, const flow& flow, uint16_t value) {
  size_t said = at.network + (flow.family == FAMILY_IPV4 ? 20 : 40);
  frame->resize(value % (frame->size() + 1));
  if (value & 0x8000 && frame->size() >= said) PutLength(frame, at, flow);
}

/// Cuts, lengthens or changes a frame that was right; false when that is to be all.
bool Damage(Bytes* frame, const Places& at, const flow& flow, Input* input) {
  uint8_t how = input->Byte();
  if (how < 0xa0 || how == 0xff) return false;
  uint16_t value = input->Word();
  switch (how & 7) {
    case 0:
      Cut(frame, at, flow, value);
      return false;
    case 1:
      AppendNoise(frame, value % 64, how);
      break;
    case 2:
      (*frame)[value % frame->size()] ^= input->Byte();
      break;
    case 3:
      (*frame)[at.network + value % 8] ^= static_cast<uint8_t>(value >> 8);
      break;
    case 4:
      // No checksum, as UDP allows.
      Put16(frame, at.checksum, 0);
      break;
    default:
      Put16(frame, at.checksum, value);
  }
  return true;
}

}  // namespace

Frame::Frame(std::span<const uint8_t> bytes)
    : size_(bytes.size()), memory_(new uint8_t[kOffset + bytes.size()]) {
  std::copy(bytes.begin(), bytes.end(), memory_.get() + kOffset);
}

std::vector<uint8_t> BuildFrame(const flow& flow, uint16_t checksum, Input* input) {
  Bytes frame;
  frame.reserve(2048);
  Places at = {};
  AppendLink(&frame, flow.family, input);
  at.network = frame.size();
  if (flow.family == FAMILY_IPV4)
    AppendIpv4(&frame, flow, input);
  else
    AppendIpv6(&frame, flow, input);
  at.transport = frame.size();
  AppendTransport(&frame, flow, input);
  at.payload = frame.size();
  at.checksum = at.transport + (flow.protocol == IPPROTO_TCP ? 16 : 6);
  AppendNoise(&frame, ChoosePayload(input), static_cast<uint32_t>(frame.size()));
  if (flow.protocol == IPPROTO_UDP) Put16(&frame, at.transport + 4, frame.size() - at.transport);
  PutLength(&frame, at, flow);
  PutTransportChecksum(&frame, at, flow, input->Byte() & 1 ? checksum : 0);
  while (Damage(&frame, at, flow, input)) continue;
  return frame;
}

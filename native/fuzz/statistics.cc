#include "statistics.h"

#include <cinttypes>
#include <cstdio>

namespace {

/// In the order of enum verdict; the others are none of the packet code's, but that of a full
/// table.
constexpr const char* kVerdicts[] = {
    "forwarded in",
    "forwarded out",
    "passed: not IP",
    "passed: not ours",
    "passed: other protocol",
    "passed: ICMP",
    "passed: malformed",
    "passed: fragment",
    "passed: not SYN",
    "passed: reply TTL",
    "passed: other host",
    "raised: new",
    "raised: route",
    "raised: TTL",
    "raised: MTU",
    "dropped: header checksum",
    "dropped: fragment",
    "dropped: destination removed",
};

constexpr const char* kErrors[] = {"error: unreachable", "error: TTL", "error: MTU"};

struct Kind {
  const char* name;
  bool (*in)(const Anatomy& anatomy);
};

bool IsIpv4(const Anatomy& a, uint8_t protocol) { return a.version == 4 && a.protocol == protocol; }
bool IsIpv6(const Anatomy& a, uint8_t protocol) { return a.version == 6 && a.protocol == protocol; }

constexpr Kind kKindTable[] = {
    {"no VLAN tag", [](const Anatomy& a) { return a.tags == 0; }},
    {"one VLAN tag", [](const Anatomy& a) { return a.tags == 1; }},
    {"two VLAN tags", [](const Anatomy& a) { return a.tags == 2; }},
    {"more VLAN tags", [](const Anatomy& a) { return a.tags > 2; }},
    {"IPv4", [](const Anatomy& a) { return a.version == 4; }},
    {"IPv4 options", [](const Anatomy& a) { return a.options; }},
    {"IPv6", [](const Anatomy& a) { return a.version == 6; }},
    {"IPv6 hop-by-hop options", [](const Anatomy& a) { return a.hop_by_hop; }},
    {"IPv6 routing header", [](const Anatomy& a) { return a.routing; }},
    {"IPv6 destination options", [](const Anatomy& a) { return a.destination_options; }},
    {"IPv6 fragment header", [](const Anatomy& a) { return a.fragment_header; }},
    {"first fragment", [](const Anatomy& a) { return a.fragment && !a.later_fragment; }},
    {"later fragment", [](const Anatomy& a) { return a.later_fragment; }},
    {"TCP over IPv4", [](const Anatomy& a) { return IsIpv4(a, IPPROTO_TCP); }},
    {"UDP over IPv4", [](const Anatomy& a) { return IsIpv4(a, IPPROTO_UDP); }},
    {"ICMP", [](const Anatomy& a) { return IsIpv4(a, IPPROTO_ICMP); }},
    {"TCP over IPv6", [](const Anatomy& a) { return IsIpv6(a, IPPROTO_TCP); }},
    {"UDP over IPv6", [](const Anatomy& a) { return IsIpv6(a, IPPROTO_UDP); }},
    {"ICMPv6", [](const Anatomy& a) { return IsIpv6(a, IPPROTO_ICMPV6); }},
};

/// Tells libFuzzer that an input reached a verdict, which is not always a branch of its own.
__attribute__((section("__libfuzzer_extra_counters"))) uint8_t reached[VERDICTS];

void Print(const char* name, uint64_t count) {
  fprintf(stderr, "%-30s %12" PRIu64 "%s\n", name, count, count ? "" : "  never reached");
}

}  // namespace

Statistics::~Statistics() {
  Print("packets", packets_);
  for (size_t i = 0; i < std::size(kVerdicts); i++) Print(kVerdicts[i], verdicts_[i]);
  Print("dropped: table full", verdicts_[VERDICT_DROPPED_TABLE_FULL]);
  for (size_t i = 0; i < kKinds; i++) Print(kKindTable[i].name, kinds_[i]);
  for (size_t i = 0; i < std::size(kErrors); i++) Print(kErrors[i], errors_[i]);
  Print("opened by the slow path", opened_[0]);
  Print("opened by ticket", opened_[1]);
  Print("gone by express", express_);
  Print("spilled", spilled_);
}

void Statistics::Count(const Anatomy& anatomy, verdict verdict) {
  static_assert(std::size(kKindTable) == kKinds);
  static_assert(std::size(kVerdicts) == VERDICT_DROPPED_DESTINATION_REMOVED + 1);
  packets_++;
  verdicts_[verdict]++;
  reached[verdict] = 1;
  for (size_t i = 0; i < kKinds; i++) kinds_[i] += kKindTable[i].in(anatomy);
}

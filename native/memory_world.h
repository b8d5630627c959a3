// The packet code over plain memory: no privileges, no kernel. Tests and fuzzers run it.
#pragma once

#include <vector>

#include "icmp.h"
#include "table.h"

/// Services in this process's own memory.
class MemoryServices : public Services {
 public:
  std::optional<uint32_t> Find(const service_key& key) override {
    auto index = indices.find(key);
    return index == indices.end() ? std::nullopt : std::optional(index->second);
  }

  BytesMap<service_key, uint32_t> indices;
};

/// Cookies by a hash that keeps no secret, and holds the MSS as the kernel's do.
class MemoryCookies : public Cookies {
 public:
  uint32_t Make(const tcp_segment& syn) override {
    static constexpr uint16_t kSteps[2][4] = {{536, 1300, 1440, 1460}, {1220, 1420, 1440, 8940}};
    uint32_t at = option_at(&syn, OPTION_MSS, 4);
    uint32_t mss = at ? get32(syn.header, at) & 0xffff : uint32_t{COOKIE_MSS_DEFAULT};
    uint32_t step = 3;
    while (step > 0 && mss < kSteps[syn.is_ipv6 != 0][step]) step--;
    return Base(syn, bpf_ntohl(syn.tcp.seq)) + step;
  }

  bool IsGood(const tcp_segment& ack) override {
    return bpf_ntohl(ack.tcp.ack_seq) - 1 - Base(ack, bpf_ntohl(ack.tcp.seq) - 1) < 4;
  }

 private:
  /// Of a client's initial sequence number.
  static uint32_t Base(const tcp_segment& seg, uint32_t sequence) {
    uint32_t hash = 0x9e3779b9;
    auto mix = [&hash](const void* bytes, size_t size) {
      for (size_t i = 0; i < size; i++)
        hash = (hash ^ static_cast<const uint8_t*>(bytes)[i]) * 0x01000193;
    };
    if (seg.is_ipv6)
      mix(&seg.ipv6.saddr, 32);
    else
      mix(&seg.ipv4.saddr, 8);
    mix(&seg.tcp, 4);
    mix(&sequence, 4);
    return hash;
  }
};

/// A world of its own. The arrays are the caller's: settings that say how many buckets and
/// destinations there are, and memory of that size.
struct MemoryWorld {
  explicit MemoryWorld(const world& arrays) : tables(arrays), table(Wire()) {}

  MemoryServices services;
  MemoryCookies cookies;
  NextHops resolved;
  world tables;
  ConnectionTable table;

 private:
  const world& Wire() {
    tables.services = &services;
    tables.resolved = &resolved;
    tables.cookies = &cookies;
    return tables;
  }
};

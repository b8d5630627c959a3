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

/// A world of its own. The arrays are the caller's: settings that say how many buckets and
/// destinations there are, and memory of that size.
struct MemoryWorld {
  explicit MemoryWorld(const world& arrays) : tables(arrays), table(Wire()) {}

  MemoryServices services;
  NextHops resolved;
  world tables;
  ConnectionTable table;

 private:
  const world& Wire() {
    tables.services = &services;
    tables.resolved = &resolved;
    return tables;
  }
};

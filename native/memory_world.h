// The packet code over plain memory: no privileges, no kernel. Tests and fuzzers run it.
#pragma once

#include <vector>

#include "icmp.h"
#include "table.h"

/// Tables in this process's own memory.
class MemoryTables : public Tables {
 public:
  std::optional<flow_entry> FindFlow(const flow& key) override {
    auto entry = flows.find(key);
    return entry == flows.end() ? std::nullopt : std::optional(entry->second);
  }
  bool AddFlow(const flow& key, const flow_entry& entry, bool replace) override {
    if (replace) flows.insert_or_assign(key, entry);
    return replace || flows.try_emplace(key, entry).second;
  }
  void RemoveFlow(const flow& key) override { flows.erase(key); }
  std::optional<uint32_t> FindService(const service_key& key) override {
    auto index = services.find(key);
    return index == services.end() ? std::nullopt : std::optional(index->second);
  }

  BytesMap<flow, flow_entry> flows;
  BytesMap<service_key, uint32_t> services;
};

/// A world of its own, with room for `slots` connections. The arrays are the caller's.
struct MemoryWorld {
  MemoryWorld(settings* settings, destination* destinations, connection* connections,
              uint32_t slots, ::counters* counters, verdict_counters* verdicts)
      : table_world{.settings = settings,
                    .connections = connections,
                    .slots = slots,
                    .destinations = destinations,
                    .counters = counters,
                    .verdicts = verdicts,
                    .tables = &tables,
                    .next_hops = &next_hops},
        table(table_world) {}

  MemoryTables tables;
  NextHops next_hops;
  world table_world;
  ConnectionTable table;
};

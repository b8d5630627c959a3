// Whether the tables of a fuzzed world are what they should be.

#include <map>

#include "fuzz_world.h"
#include "require.h"

namespace {

constexpr size_t kDestinations = 8;

}  // namespace

uint32_t FuzzWorld::CheckTables() {
  uint32_t live = 0, spilled = 0;
  std::vector<uint32_t> away(buckets_.size());
  for (uint32_t slot = 0; slot < connections_.size(); slot++) {
    uint64_t bucket = buckets_[slot / WAYS];
    CheckLane(slot, bucket);
    if (!BeginsAt(slot)) continue;
    live++;
    if (!IsTemplate(slot)) CheckFound(slot);
    uint64_t hash = hash_client(&settings_, *reinterpret_cast<word*>(&connections_[slot]));
    uint32_t first = first_bucket(&settings_, hash);
    if (slot / WAYS == first || slot / WAYS == second_bucket(&settings_, hash)) continue;
    away[first]++;
    spilled++;
  }
  for (size_t i = 0; i < buckets_.size(); i++) {
    uint64_t overflow = buckets_[i] >> OVERFLOW_SHIFT;
    Require(overflow == away[i] || overflow == OVERFLOW_MOST, "count of a bucket's overflow");
  }
  Require(memory_.table.size() == live, "the table's size");
  CheckCounts();
  return spilled;
}

/// Whether the tag of a slot is that of what stands in it. Nobody is about to open anything here.
void FuzzWorld::CheckLane(uint32_t slot, uint64_t bucket) const {
  uint64_t tag = bucket >> (slot % WAYS * 8) & 0xff;
  if (tag == 0 || tag == TAG_CONTINUED) return Require(!BeginsAt(slot), "no connection untagged");
  Require(BeginsAt(slot), "a connection where a tag is");
  const connection& conn = connections_[slot];
  uint64_t hash = hash_client(&settings_, *reinterpret_cast<const word*>(&conn));
  Require(tag == tag_of(hash), "the tag of the connection");
  if ((conn.family & ~FAMILY_TEMPLATE) != FAMILY_IPV6) return;
  Require(slot % WAYS % 2 == 1, "an IPv6 connection in a pair");
  Require((bucket >> ((slot % WAYS + 1) * 8) & 0xff) == TAG_CONTINUED, "the second of a pair");
}

/// Its packets lead to it, and to no other one with its key.
void FuzzWorld::CheckFound(uint32_t slot) {
  const connection& conn = connections_[slot];
  Require((conn.state & SLOT_STATE) < STATES, "a state of a connection");
  Require(Find(RequestOf(*Tables(), slot), false) == slot, "a request to find its connection");
  if (conn.method != METHOD_MASQ) return;
  flow reply = ReplyOf(*Tables(), slot);
  auto found = Find(reply, true);
  Require(found.has_value(), "a reply to find a connection");
  // It may be another one, of another service of this client at this destination.
  flow other = ReplyOf(*Tables(), found.value_or(slot));
  Require(!memcmp(&other, &reply, sizeof(flow)), "a connection of the reply");
}

/// A template's life and how many it controls; a connection's template's life and slot.
uint64_t FuzzWorld::ControlOf(uint32_t slot) const {
  return reinterpret_cast<const word*>(&connections_[slot])[WORD_CONTROL];
}

void FuzzWorld::CheckCounts() const {
  uint32_t active[kDestinations] = {}, inactive[kDestinations] = {}, persistent[kDestinations] = {};
  std::map<uint64_t, uint32_t> controlled;
  for (uint32_t slot = 0; slot < connections_.size(); slot++) {
    const connection& conn = connections_[slot];
    if (!BeginsAt(slot)) continue;
    if (conn.flags & FLAG_CONTROLLED && !IsTemplate(slot)) controlled[ControlOf(slot)]++;
    if (IsTemplate(slot))
      persistent[conn.destination]++;
    else
      (is_active(conn.state & SLOT_STATE) ? active : inactive)[conn.destination]++;
  }
  for (size_t i = 0; i < destinations_.size(); i++) {
    Require(destinations_[i].active == active[i], "count of active connections");
    Require(destinations_[i].inactive == inactive[i], "count of inactive connections");
    Require(destinations_[i].persistent == persistent[i], "count of templates");
  }
  for (uint32_t slot = 0; slot < connections_.size(); slot++) {
    if (!BeginsAt(slot) || !IsTemplate(slot)) continue;
    uint64_t control = ControlOf(slot);
    auto held = controlled.find(control >> 32 << 32 | slot);
    uint32_t count = held == controlled.end() ? 0 : held->second;
    Require(static_cast<uint32_t>(control) == count, "count of what a template controls");
  }
}

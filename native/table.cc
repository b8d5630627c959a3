#include "table.h"

#include <algorithm>

ConnectionTable::ConnectionTable(const world& world) : world_(world) {
  // After adoption there are connections already.
  for (uint32_t slot = 0; slot < world_.settings->slots_used; slot++) {
    if (world_.connections[slot].state & STATE_LIVE)
      size_++;
    else
      free_.push_back(slot);
  }
}

std::optional<uint32_t> ConnectionTable::TakeSlot() {
  uint32_t used = world_.settings->slots_used;
  // A fresh slot while there is one, once the freed ones are not plenty: the longer a freed
  // slot rests, the surer has everybody left it.
  if (used < world_.slots && free_.size() <= used / 2) {
    world_.settings->slots_used = used + 1;
    return used;
  }
  if (free_.empty()) return std::nullopt;
  uint32_t slot = free_.front();
  free_.pop_front();
  return slot;
}

ConnectionTable::Inserted ConnectionTable::Insert(const connection& conn, uint32_t state,
                                                  uint32_t now, uint32_t* slot) {
  std::lock_guard lock(mutex_);
  flow request = request_flow(&conn);
  if (auto entry = world_.tables->FindFlow(request)) {
    *slot = entry->slot;
    return Inserted::kExists;
  }
  auto taken = TakeSlot();
  if (!taken) return Inserted::kFull;
  *slot = *taken;

  connection& entry = world_.connections[*taken];
  entry = conn;
  entry.state = 0;
  entry.seen_jiffies = now;
  entry.timeout_jiffies = world_.settings->timeout_jiffies[state];
  prepare_rewrite(&entry);
  __atomic_store_n(&entry.state, state | STATE_LIVE, __ATOMIC_RELEASE);

  bool masq = conn.method == METHOD_MASQ;
  // Of two connections with the same reply the newer gets it, as in LVS.
  if (!world_.tables->AddFlow(request, {*taken, 0}, false) ||
      (masq && !world_.tables->AddFlow(reply_flow(&conn), {*taken, 1}, true))) {
    world_.tables->RemoveFlow(request);
    entry.state = 0;
    free_.push_back(*taken);
    return Inserted::kFull;
  }
  size_++;
  return Inserted::kNew;
}

bool ConnectionTable::Free(uint32_t slot) {
  connection& conn = world_.connections[slot];
  uint32_t state = __atomic_exchange_n(&conn.state, 0, __ATOMIC_ACQ_REL);
  if (!(state & STATE_LIVE)) return false;

  destination& dest = world_.destinations[conn.destination];
  __atomic_fetch_sub(is_active(state & ~STATE_LIVE) ? &dest.active : &dest.inactive, 1,
                     __ATOMIC_RELAXED);
  for (const flow& key : {request_flow(&conn), reply_flow(&conn)}) {
    auto entry = world_.tables->FindFlow(key);
    if (entry && entry->slot == slot) world_.tables->RemoveFlow(key);
    if (conn.method != METHOD_MASQ) break;
  }
  free_.push_back(slot);
  size_--;
  return true;
}

void ConnectionTable::Remove(const flow& request) {
  std::lock_guard lock(mutex_);
  auto entry = world_.tables->FindFlow(request);
  if (entry && !entry->reply) Free(entry->slot);
}

uint32_t ConnectionTable::Sweep(uint32_t now) {
  // A stretch at a time, so that a new connection waits for one stretch at most.
  constexpr uint32_t kStretch = 4096;
  uint32_t removed = 0;
  for (uint32_t from = 0; from < world_.settings->slots_used; from += kStretch) {
    std::lock_guard lock(mutex_);
    uint32_t to = std::min(from + kStretch, world_.settings->slots_used);
    for (uint32_t slot = from; slot < to; slot++)
      if (IsDue(world_.connections[slot], now)) removed += Free(slot);
  }
  return removed;
}

bool ConnectionTable::IsDue(const connection& conn, uint32_t now) {
  if (!(__atomic_load_n(&conn.state, __ATOMIC_ACQUIRE) & STATE_LIVE)) return false;
  auto silent = static_cast<int32_t>(now - conn.seen_jiffies);
  return silent > 0 && static_cast<uint32_t>(silent) >= conn.timeout_jiffies;
}

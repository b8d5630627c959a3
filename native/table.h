// The connection table: who takes and frees its slots.
//
// Slots and flows are written here alone, under one lock, by the slow path's threads and the
// housekeeper; XDP reads them meanwhile. A connection is complete before its flows lead to it,
// and its flows are gone before its slot is taken again, which is as late as possible: freed
// slots wait in a queue.
#pragma once

#include <atomic>
#include <deque>
#include <mutex>

#include "world.h"

class ConnectionTable {
 public:
  enum class Inserted { kNew, kExists, kFull };

  explicit ConnectionTable(const world& world);

  /// Enters a connection whose fields, but for state and times, are set. `slot` gets where it
  /// is, or where the connection of the same flow already was.
  Inserted Insert(const connection& conn, uint32_t state, uint32_t now, uint32_t* slot);

  /// Removes the connection that a request of this flow belongs to.
  void Remove(const flow& request);

  /// Removes what has been silent for longer than its timeout; returns how many.
  uint32_t Sweep(uint32_t now);

  uint32_t size() const { return size_; }

 private:
  static bool IsDue(const connection& conn, uint32_t now);
  std::optional<uint32_t> TakeSlot();
  bool Free(uint32_t slot);

  world world_;
  std::mutex mutex_;
  std::deque<uint32_t> free_;
  std::atomic<uint32_t> size_ = 0;
};

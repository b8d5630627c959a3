// AddressTable as JavaScript sees it: which addresses are ours; see ts/native/addon.ts.
#pragma once

#include <napi.h>

#include <unordered_map>

#include "world.h"

/// Two bits for every address that is ours, by which XDP lets all other packets pass before it
/// looks at any table. Addresses may share their bits, so it is counted who needs each. With the
/// addresses the table grows: one of n words begins at word n of the map, so that the next one is
/// written while this one is read.
class AddressTable : public Napi::ObjectWrap<AddressTable> {
 public:
  static Napi::Function Define(Napi::Env env);
  explicit AddressTable(const Napi::CallbackInfo& info);

 private:
  void Add(const Napi::CallbackInfo& info);
  void Remove(const Napi::CallbackInfo& info);
  void Settle(const Napi::CallbackInfo& info);

  /// Writes a table for what is held now.
  void Rebuild();

  Napi::Reference<Napi::ArrayBuffer> memory_[2];
  settings* settings_ = nullptr;
  uint64_t* words_ = nullptr;
  /// False as long as the table has bits of an earlier process.
  bool is_settled_ = false;
  /// By address, or its hash, and role: how often it was added.
  std::unordered_map<uint64_t, uint32_t> held_;
  /// By number: how many of those need the bit.
  std::unordered_map<uint32_t, uint32_t> needed_;
};

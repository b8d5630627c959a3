// AddressTable as JavaScript sees it: which addresses are ours; see ts/native/addon.ts.
#pragma once

#include <napi.h>

#include <unordered_map>

#include "world.h"

/// Two bits for every address that is ours, by which XDP lets all other packets pass before it
/// looks at any table. Addresses may share their bits, so it is counted who needs each.
class AddressTable : public Napi::ObjectWrap<AddressTable> {
 public:
  static Napi::Function Define(Napi::Env env);
  explicit AddressTable(const Napi::CallbackInfo& info);

 private:
  void Add(const Napi::CallbackInfo& info);
  void Remove(const Napi::CallbackInfo& info);
  void Settle(const Napi::CallbackInfo& info);

  /// Number of the bit among all.
  uint32_t Bit(const Napi::CallbackInfo& info) const;

  Napi::Reference<Napi::ArrayBuffer> memory_[2];
  const settings* settings_ = nullptr;
  uint64_t* words_ = nullptr;
  std::unordered_map<uint32_t, uint32_t> needed_;
};

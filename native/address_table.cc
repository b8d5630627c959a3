#include "address_table.h"

#include <vector>

#include "common.h"

namespace {

/// More, and one in sixteen strangers would be taken for one of ours.
constexpr size_t kAddressesPerWord = 2;
/// A table begins at the word of its size's number; with more addresses it is filled up.
constexpr uint32_t kMostWords = ADDRESS_WORDS / 2;

/// The address, or its hash, and the role that it is given.
uint64_t Held(const settings* settings, const Napi::CallbackInfo& info) {
  address given = {};
  memcpy(&given, Bytes(info[0], "address", sizeof(given)).data(), sizeof(given));
  uint32_t word;
  memcpy(&word, &given, sizeof(word));
  if (Number(info[1], "family") == FAMILY_IPV6) word = hash_address(settings, &given);
  return uint64_t{word} << 32 | Number(info[2], "role");
}

/// Number of its bit among all.
uint32_t Bit(const settings* settings, uint64_t held) {
  uint32_t role = static_cast<uint32_t>(held);
  return address_cell(settings, static_cast<uint32_t>(held >> 32)) * 2 + role / 2;
}

}  // namespace

Napi::Function AddressTable::Define(Napi::Env env) {
  return DefineClass(
      env, "AddressTable",
      {InstanceMethod("add", &AddressTable::Add), InstanceMethod("remove", &AddressTable::Remove),
       InstanceMethod("settle", &AddressTable::Settle)});
}

/// new AddressTable(settings, addresses): both the memory of the maps of these names.
AddressTable::AddressTable(const Napi::CallbackInfo& info) : Napi::ObjectWrap<AddressTable>(info) {
  auto memory = [&](int i, size_t size) {
    if (!info[i].IsArrayBuffer() || info[i].As<Napi::ArrayBuffer>().ByteLength() < size)
      throw Napi::TypeError::New(info.Env(), "expected the memory of settings and addresses");
    memory_[i] = Napi::Persistent(info[i].As<Napi::ArrayBuffer>());
    return memory_[i].Value().Data();
  };
  settings_ = static_cast<settings*>(memory(0, sizeof(settings)));
  words_ = static_cast<uint64_t*>(memory(1, ADDRESS_WORDS * sizeof(uint64_t)));
  is_settled_ = settings_->address_words == 0;
  if (is_settled_) Rebuild();
}

void AddressTable::Add(const Napi::CallbackInfo& info) {
  uint64_t held = Held(settings_, info);
  if (held_[held]++ != 0) return;
  uint32_t size = settings_->address_words;
  if (is_settled_ && held_.size() > size * kAddressesPerWord && size < kMostWords) return Rebuild();
  uint32_t bit = Bit(settings_, held);
  if (needed_[bit]++ == 0)
    __atomic_fetch_or(&words_[bit / 64], uint64_t{1} << bit % 64, __ATOMIC_SEQ_CST);
}

void AddressTable::Remove(const Napi::CallbackInfo& info) {
  uint64_t held = Held(settings_, info);
  auto found = held_.find(held);
  if (found == held_.end() || --found->second > 0) return;
  held_.erase(found);
  uint32_t bit = Bit(settings_, held);
  if (--needed_[bit] > 0) return;
  needed_.erase(bit);
  __atomic_fetch_and(&words_[bit / 64], ~(uint64_t{1} << bit % 64), __ATOMIC_SEQ_CST);
}

void AddressTable::Settle(const Napi::CallbackInfo&) { Rebuild(); }

void AddressTable::Rebuild() {
  uint32_t size = LEAST_ADDRESS_WORDS;
  while (held_.size() > size * kAddressesPerWord && size < kMostWords) size *= 2;
  settings made = *settings_;
  made.address_words = size;
  needed_.clear();
  std::vector<uint64_t> words(size);
  for (auto& [held, count] : held_) {
    uint32_t bit = Bit(&made, held);
    needed_[bit]++;
    words[bit / 64 - size] |= uint64_t{1} << bit % 64;
  }
  for (uint32_t i = 0; i < size; i++)
    __atomic_store_n(&words_[size_t{size} + i], words[i], __ATOMIC_RELEASE);
  __atomic_store_n(&settings_->address_words, size, __ATOMIC_SEQ_CST);
  is_settled_ = true;
}

#include "address_table.h"

#include "common.h"

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
  settings_ = static_cast<const settings*>(memory(0, sizeof(settings)));
  words_ = static_cast<uint64_t*>(memory(1, ADDRESS_WORDS * sizeof(uint64_t)));
}

uint32_t AddressTable::Bit(const Napi::CallbackInfo& info) const {
  address given = {};
  memcpy(&given, Bytes(info[0], "address", sizeof(given)).data(), sizeof(given));
  uint32_t word;
  memcpy(&word, &given, sizeof(word));
  bool is_ipv6 = Number(info[1], "family") == FAMILY_IPV6;
  uint32_t role = Number(info[2], "role");
  return address_cell(settings_, is_ipv6 ? hash_address(settings_, &given) : word) * 2 + role / 2;
}

void AddressTable::Add(const Napi::CallbackInfo& info) {
  uint32_t bit = Bit(info);
  if (needed_[bit]++ == 0)
    __atomic_fetch_or(&words_[bit / 64], uint64_t{1} << bit % 64, __ATOMIC_SEQ_CST);
}

void AddressTable::Remove(const Napi::CallbackInfo& info) {
  uint32_t bit = Bit(info);
  if (auto found = needed_.find(bit); found != needed_.end() && --found->second == 0) {
    needed_.erase(found);
    __atomic_fetch_and(&words_[bit / 64], ~(uint64_t{1} << bit % 64), __ATOMIC_SEQ_CST);
  }
}

void AddressTable::Settle(const Napi::CallbackInfo&) {
  std::unordered_map<uint32_t, uint64_t> words;
  for (auto& [bit, count] : needed_) words[bit / 64] |= uint64_t{1} << bit % 64;
  for (uint32_t i = 0; i < ADDRESS_WORDS; i++) {
    auto word = words.find(i);
    __atomic_store_n(&words_[i], word == words.end() ? 0 : word->second, __ATOMIC_SEQ_CST);
  }
}

#include <bpf/bpf.h>
#include <sys/mman.h>
#include <unistd.h>

#include "bpf.h"
#include "common.h"

void Fd::Reset(int fd) {
  if (fd_ >= 0) close(fd_);
  fd_ = fd;
}

Napi::Function BpfMap::Define(Napi::Env env) {
  return DefineClass(
      env, "BpfMap",
      {InstanceMethod("get", &BpfMap::Get), InstanceMethod("set", &BpfMap::Set),
       InstanceMethod("delete", &BpfMap::Delete), InstanceMethod("keys", &BpfMap::Keys),
       InstanceMethod("mmap", &BpfMap::Mmap), InstanceMethod("layout", &BpfMap::Layout)});
}

/// new BpfMap(fd): made by BpfObject.map() and openMap() alone.
BpfMap::BpfMap(const Napi::CallbackInfo& info) : Napi::ObjectWrap<BpfMap>(info) {
  fd_.Reset(dup(static_cast<int>(Number(info[0], "fd"))));
  bpf_map_info map = {};
  uint32_t size = sizeof(map);
  if (bpf_obj_get_info_by_fd(fd_.get(), &map, &size) < 0)
    throw SystemError(info.Env(), "bpf_obj_get_info_by_fd", errno);
  key_size_ = map.key_size;
  value_size_ = map.value_size;
  max_entries_ = map.max_entries;
  auto self = info.This().As<Napi::Object>();
  self.Set("id", map.id);
  self.Set("keySize", key_size_);
  self.Set("valueSize", value_size_);
  self.Set("maxEntries", max_entries_);
}

Napi::Value BpfMap::Get(const Napi::CallbackInfo& info) {
  auto key = Bytes(info[0], "key", key_size_);
  auto value = Napi::Uint8Array::New(info.Env(), value_size_);
  if (bpf_map_lookup_elem(fd_.get(), key.data(), value.Data()) == 0) return value;
  if (errno != ENOENT) throw SystemError(info.Env(), "bpf_map_lookup_elem", errno);
  return info.Env().Undefined();
}

void BpfMap::Set(const Napi::CallbackInfo& info) {
  auto key = Bytes(info[0], "key", key_size_);
  auto value = Bytes(info[1], "value", value_size_);
  if (bpf_map_update_elem(fd_.get(), key.data(), value.data(), BPF_ANY) < 0)
    throw SystemError(info.Env(), "bpf_map_update_elem", errno);
}

Napi::Value BpfMap::Delete(const Napi::CallbackInfo& info) {
  auto key = Bytes(info[0], "key", key_size_);
  if (bpf_map_delete_elem(fd_.get(), key.data()) == 0) return Napi::Boolean::New(info.Env(), true);
  if (errno != ENOENT) throw SystemError(info.Env(), "bpf_map_delete_elem", errno);
  return Napi::Boolean::New(info.Env(), false);
}

Napi::Value BpfMap::Keys(const Napi::CallbackInfo& info) {
  auto keys = Napi::Array::New(info.Env());
  std::vector<uint8_t> key(key_size_);
  void* last = nullptr;
  // Bounded, since a table that changes meanwhile may begin anew.
  for (uint32_t i = 0; i < max_entries_; i++) {
    if (bpf_map_get_next_key(fd_.get(), last, key.data()) < 0) break;
    auto copy = Napi::Uint8Array::New(info.Env(), key_size_);
    memcpy(copy.Data(), key.data(), key_size_);
    keys.Set(i, copy);
    last = key.data();
  }
  return keys;
}

Napi::Value BpfMap::Mmap(const Napi::CallbackInfo& info) {
  size_t length = static_cast<size_t>(value_size_ + 7) / 8 * 8 * max_entries_;
  void* memory = mmap(nullptr, length, PROT_READ | PROT_WRITE, MAP_SHARED, fd_.get(), 0);
  if (memory == MAP_FAILED) throw SystemError(info.Env(), "mmap", errno);
  return Napi::ArrayBuffer::New(info.Env(), memory, length,
                                [length](Napi::Env, void* data) { munmap(data, length); });
}

#include "memory_director.h"

#include <napi.h>

#include "common.h"
#include "slow_path.h"

namespace {

constexpr uint32_t kSlots = 1024;

Napi::Value Copy(Napi::Env env, std::span<const uint8_t> bytes) {
  auto copy = Napi::Uint8Array::New(env, bytes.size());
  memcpy(copy.Data(), bytes.data(), bytes.size());
  return copy;
}

}  // namespace

Napi::Function MemoryDirector::Define(Napi::Env env) {
  return DefineClass(env, "MemoryDirector",
                     {InstanceMethod("putService", &MemoryDirector::PutService),
                      InstanceMethod("putConnection", &MemoryDirector::PutConnection),
                      InstanceMethod("putRoute", &MemoryDirector::PutRoute),
                      InstanceMethod("setClock", &MemoryDirector::SetClock),
                      InstanceMethod("run", &MemoryDirector::Run),
                      InstanceMethod("icmpError", &MemoryDirector::IcmpError),
                      InstanceMethod("sweep", &MemoryDirector::Sweep)});
}

MemoryDirector::MemoryDirector(const Napi::CallbackInfo& info)
    : Napi::ObjectWrap<MemoryDirector>(info) {
  auto self = info.This().As<Napi::Object>();
  world_ = std::make_unique<MemoryWorld>(Array<settings>(self, "settings", 1),
                                         Array<destination>(self, "destinations", MAX_DESTINATIONS),
                                         Array<connection>(self, "connections", kSlots), kSlots,
                                         Array<counters>(self, "counters", MAX_DESTINATIONS),
                                         Array<verdict_counters>(self, "verdicts", 1));
}

/// A zeroed array in JavaScript's memory, shown as a property, alive as long as this.
template <typename T>
T* MemoryDirector::Array(Napi::Object self, const char* name, size_t count) {
  auto buffer = Napi::ArrayBuffer::New(self.Env(), sizeof(T) * count);
  self.Set(name, buffer);
  buffers_.push_back(Napi::Persistent(buffer));
  return static_cast<T*>(buffer.Data());
}

void MemoryDirector::PutService(const Napi::CallbackInfo& info) {
  service_key key;
  memcpy(&key, Bytes(info[0], "key", sizeof(key)).data(), sizeof(key));
  auto index = static_cast<uint32_t>(world_->tables.services.size());
  world_->tables.services.insert_or_assign(key, index);
}

Napi::Value MemoryDirector::PutConnection(const Napi::CallbackInfo& info) {
  connection conn;
  memcpy(&conn, Bytes(info[0], "connection", sizeof(conn)).data(), sizeof(conn));
  uint32_t slot = 0;
  auto inserted = world_->table.Insert(conn, conn.state & ~STATE_LIVE, now_, &slot);
  bool entered = inserted == ConnectionTable::Inserted::kNew;
  return Napi::Number::New(info.Env(), entered ? static_cast<double>(slot) : -1);
}

void MemoryDirector::PutRoute(const Napi::CallbackInfo& info) {
  address target;
  memcpy(&target, Bytes(info[0], "target", sizeof(target)).data(), sizeof(target));
  world_->next_hops.Put(target, ReadNextHop(info[1]));
}

void MemoryDirector::SetClock(const Napi::CallbackInfo& info) { now_ = Number(info[0], "jiffies"); }

Napi::Value MemoryDirector::Run(const Napi::CallbackInfo& info) {
  auto given = Bytes(info[0], "frame");
  std::vector<uint8_t> frame(given.begin(), given.end());
  world world = world_->table_world;
  world.now = now_;
  journey j;
  verdict verdict = RunDirector(&world, frame, &j);
  count(&world.verdicts->packets[verdict], 1);
  bool forwarded = verdict == VERDICT_FORWARDED_IN || verdict == VERDICT_FORWARDED_OUT;

  auto result = Napi::Object::New(info.Env());
  result.Set("verdict", static_cast<uint32_t>(verdict));
  result.Set("frame", Copy(info.Env(), frame));
  result.Set("ifindex", forwarded ? j.route->ifindex : 0);
  return result;
}

Napi::Value MemoryDirector::IcmpError(const Napi::CallbackInfo& info) {
  auto given = Bytes(info[0], "frame");
  std::string kind = Text(info[1], "kind");
  icmp_error error = kind == "unreachable" ? ICMP_ERROR_UNREACHABLE
                     : kind == "ttl"       ? ICMP_ERROR_TTL
                                           : ICMP_ERROR_MTU;
  packet pkt = {};
  pkt.data = given.data();
  pkt.end = given.data() + given.size();
  if (parse(&pkt) != NEXT) return info.Env().Undefined();
  std::vector<uint8_t> out(ICMP_FRAME_MAX);
  auto mtu = static_cast<uint16_t>(Number(info[2], "mtu"));
  out.resize(put_icmp_error(&pkt, error, mtu, out.data()));
  return Copy(info.Env(), out);
}

Napi::Value MemoryDirector::Sweep(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), world_->table.Sweep(now_));
}

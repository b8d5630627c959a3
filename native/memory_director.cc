#include "memory_director.h"

#include <napi.h>

#include "capture.h"
#include "common.h"
#include "slow_path.h"

namespace {

constexpr uint32_t kBuckets = 146;
constexpr uint32_t kDestinations = 64;
constexpr uint32_t kRingLines = 8192;
/// Behind a frame: a driver leaves more.
constexpr size_t kTailRoom = 64;

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
                      InstanceMethod("isCaptured", &MemoryDirector::IsCaptured),
                      InstanceMethod("sweep", &MemoryDirector::Sweep),
                      InstanceMethod("recount", &MemoryDirector::Recount)});
}

MemoryDirector::MemoryDirector(const Napi::CallbackInfo& info)
    : Napi::ObjectWrap<MemoryDirector>(info) {
  auto self = info.This().As<Napi::Object>();
  world arrays;
  arrays.settings = Array<settings>(self, "settings", 1);
  arrays.settings->buckets = kBuckets;
  arrays.settings->destinations = kDestinations;
  arrays.addresses = Array<uint64_t>(self, "addresses", ADDRESS_WORDS);
  arrays.stations = Array<station_line>(self, "stations", STATION_LINES);
  // As in the kernel's test runs: lo.
  arrays.ingress = 1;
  arrays.buckets = Array<__u64>(self, "buckets", kBuckets);
  arrays.connections = Array<connection>(self, "connections", size_t{kBuckets} * WAYS);
  arrays.schedules = Array<schedule>(self, "schedules", MAX_SERVICES);
  arrays.rings = Array<ticket_line>(self, "rings", kRingLines);
  arrays.ring_lines = kRingLines;
  arrays.destinations = Array<destination>(self, "destinations", kDestinations);
  arrays.next_hops = Array<next_hop>(self, "nextHops", MAX_NEXT_HOPS);
  arrays.counters = Array<counters>(self, "counters", kDestinations);
  arrays.verdicts = Array<verdict_counters>(self, "verdicts", 1);
  world_ = std::make_unique<MemoryWorld>(arrays);
}

/// A zeroed array in JavaScript's memory, shown as a property, alive as long as this.
template <typename T>
T* MemoryDirector::Array(Napi::Object self, const char* name, size_t count) {
  auto buffer = Napi::ArrayBuffer::New(self.Env(), sizeof(T) * count);
  self.Set(name, buffer);
  buffers_.push_back(Napi::Persistent(buffer));
  return static_cast<T*>(buffer.Data());
}

/// putService(key, index)
void MemoryDirector::PutService(const Napi::CallbackInfo& info) {
  service_key key;
  memcpy(&key, Bytes(info[0], "key", sizeof(key)).data(), sizeof(key));
  world_->services.indices[key] = Number(info[1], "index");
}

/// putConnection({request, destination, state, seenJiffies, timeoutJiffies}): its slot, or -1.
Napi::Value MemoryDirector::PutConnection(const Napi::CallbackInfo& info) {
  ConnectionSpec spec = ReadConnectionSpec(info[0]);
  auto slot = world_->table.Enter(spec);
  return Napi::Number::New(info.Env(), slot ? static_cast<double>(*slot) : -1);
}

void MemoryDirector::PutRoute(const Napi::CallbackInfo& info) {
  address target;
  memcpy(&target, Bytes(info[0], "target", sizeof(target)).data(), sizeof(target));
  world_->resolved.Put(target, ReadNextHop(info[1]));
}

void MemoryDirector::SetClock(const Napi::CallbackInfo& info) { now_ = Number(info[0], "jiffies"); }

Napi::Value MemoryDirector::Run(const Napi::CallbackInfo& info) {
  auto given = Bytes(info[0], "frame");
  std::vector<uint8_t> frame(given.begin(), given.end());
  frame.resize(given.size() + kTailRoom);
  world& world = world_->tables;
  world.now = now_;
  world.tail_room = kTailRoom;
  journey j;
  verdict verdict = RunDirector(&world, std::span(frame).first(given.size()), &j);
  count(&world.verdicts->packets[verdict], 1);
  auto result = Napi::Object::New(info.Env());
  result.Set("verdict", static_cast<uint32_t>(verdict));
  result.Set("frame", Copy(info.Env(), world.frame));
  result.Set("ifindex", IsForwarded(verdict) ? LeavesBy(j) : 0);
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
  if (parse(nullptr, &pkt) != NEXT) return info.Env().Undefined();
  std::vector<uint8_t> out(ICMP_FRAME_MAX);
  auto mtu = static_cast<uint16_t>(Number(info[2], "mtu"));
  out.resize(put_icmp_error(&pkt, error, mtu, out.data()));
  return Copy(info.Env(), out);
}

Napi::Value MemoryDirector::IsCaptured(const Napi::CallbackInfo& info) {
  capture wanted;
  memcpy(&wanted, Bytes(info[0], "capture", sizeof(wanted)).data(), sizeof(wanted));
  auto verdict = static_cast<enum verdict>(Number(info[2], "verdict"));
  bool is_captured = ::IsCaptured(wanted, Bytes(info[1], "frame"), verdict);
  return Napi::Boolean::New(info.Env(), is_captured);
}

Napi::Value MemoryDirector::Sweep(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), world_->table.Sweep(now_).ended);
}

Napi::Value MemoryDirector::Recount(const Napi::CallbackInfo& info) {
  const world& world = world_->tables;
  return ShowRecounted(info.Env(), world_->table.Recount({world.counters, kDestinations}));
}

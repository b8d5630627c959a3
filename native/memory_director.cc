#include "memory_director.h"

#include <napi.h>

#include "capture.h"
#include "common.h"
#include "slow_path.h"

namespace {

constexpr uint32_t kBuckets = 146;
constexpr uint32_t kDestinations = 64;
constexpr uint32_t kRingLines = 8192;
constexpr uint32_t kMarkSteps = 2048;
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

/// new MemoryDirector(memory?): memory by the names of the properties.
MemoryDirector::MemoryDirector(const Napi::CallbackInfo& info)
    : Napi::ObjectWrap<MemoryDirector>(info) {
  world arrays;
  Array(info, "settings", &arrays.settings, 1);
  size_t buckets = Array(info, "buckets", &arrays.buckets, kBuckets);
  destinations_ = Array(info, "destinations", &arrays.destinations, kDestinations);
  arrays.settings->buckets = static_cast<uint32_t>(buckets);
  arrays.settings->destinations = static_cast<uint32_t>(destinations_);
  Array(info, "addresses", &arrays.addresses, ADDRESS_WORDS);
  Array(info, "stations", &arrays.stations, STATION_LINES);
  arrays.mark_step_count =
      static_cast<uint32_t>(Array(info, "markSteps", &arrays.mark_steps, kMarkSteps));
  // As in the kernel's test runs: lo.
  arrays.ingress = 1;
  Array(info, "connections", &arrays.connections, buckets * WAYS);
  Array(info, "schedules", &arrays.schedules, MAX_SERVICES);
  arrays.ring_lines = static_cast<uint32_t>(Array(info, "rings", &arrays.rings, kRingLines));
  Array(info, "nextHops", &arrays.next_hops, MAX_NEXT_HOPS);
  Array(info, "counters", &arrays.counters, destinations_);
  Array(info, "verdicts", &arrays.verdicts, 1);
  world_ = std::make_unique<MemoryWorld>(arrays);
}

/// An array in the memory that was given under this name, else so many zeroed elements; a property,
/// alive as long as this. Returns how many there are.
template <typename T>
size_t MemoryDirector::Array(const Napi::CallbackInfo& info, const char* name, T** elements,
                             size_t count) {
  auto given = info[0].IsObject() ? info[0].As<Napi::Object>().Get(name) : info.Env().Undefined();
  auto memory = given.IsArrayBuffer() ? given.As<Napi::ArrayBuffer>()
                                      : Napi::ArrayBuffer::New(info.Env(), sizeof(T) * count);
  info.This().As<Napi::Object>().Set(name, memory);
  buffers_.push_back(Napi::Persistent(memory));
  *elements = static_cast<std::remove_const_t<T>*>(memory.Data());
  return memory.ByteLength() / sizeof(T);
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

/// run(frame, destination?): where the slow path has sent its connection, if it has.
Napi::Value MemoryDirector::Run(const Napi::CallbackInfo& info) {
  auto given = Bytes(info[0], "frame");
  std::vector<uint8_t> frame(given.begin(), given.end());
  frame.resize(given.size() + kTailRoom);
  world& world = world_->tables;
  world.now = now_;
  world.tail_room = kTailRoom;
  world.grown.clear();
  world.decided = info[1].IsNumber() ? Number(info[1], "destination") : NO_DESTINATION;
  journey j;
  verdict verdict = RunDirector(&world, std::span(frame).first(given.size()), &j);
  count(&world.verdicts->packets[verdict], 1);
  auto result = Napi::Object::New(info.Env());
  result.Set("verdict", static_cast<uint32_t>(verdict));
  result.Set("frame", Copy(info.Env(), world.frame));
  result.Set("ifindex", IsForwarded(verdict) ? LeavesBy(j) : 0);
  if (verdict == VERDICT_RAISED_NEW) {
    flow_record record = RecordOf(world, j, QUESTION_SCHEDULE);
    auto* bytes = reinterpret_cast<const uint8_t*>(&record);
    result.Set("record", Copy(info.Env(), {bytes, sizeof(record)}));
  }
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
  return ShowRecounted(info.Env(), world_->table.Recount({world.counters, destinations_}));
}

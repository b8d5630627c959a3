// SlowPath for JavaScript: the queues, the table and the housekeeper over one object's maps.

#include "slow_path.h"

#include <bpf/bpf.h>
#include <sys/mman.h>

#include "common.h"
#include "keeper.h"

namespace {

constexpr auto kHousekeeping = std::chrono::milliseconds(250);

/// The services as a BPF map: a system call each.
class MapServices : public Services {
 public:
  explicit MapServices(int fd) : fd_(fd) {}

  std::optional<uint32_t> Find(const service_key& key) override {
    uint32_t index;
    if (bpf_map_lookup_elem(fd_, &key, &index) < 0) return std::nullopt;
    return index;
  }

 private:
  int fd_;
};

/// One comparison of counts and connections; the slow path, whose memory it reads, stays as long.
class Recounting : public Napi::AsyncWorker {
 public:
  Recounting(const Napi::Object& slow_path, const SlowPathShared* shared)
      : AsyncWorker(slow_path.Env()),
        slow_path_(Napi::Persistent(slow_path)),
        deferred_(Env()),
        shared_(shared) {}
  Napi::Promise promise() const { return deferred_.Promise(); }

 protected:
  void Execute() override { recounted_ = shared_->connections->Recount(shared_->shards); }
  void OnOK() override { deferred_.Resolve(ShowRecounted(Env(), recounted_)); }
  void OnError(const Napi::Error& error) override { deferred_.Reject(error.Value()); }

 private:
  Napi::ObjectReference slow_path_;
  Napi::Promise::Deferred deferred_;
  const SlowPathShared* shared_;
  Recounted recounted_;
};

}  // namespace

Napi::Function SlowPath::Define(Napi::Env env) {
  return DefineClass(
      env, "SlowPath",
      {InstanceMethod("addQueue", &SlowPath::AddQueue),
       InstanceMethod("removeInterface", &SlowPath::RemoveInterface),
       InstanceMethod("putRoute", &SlowPath::PutRoute), InstanceMethod("enter", &SlowPath::Enter),
       InstanceMethod("connectionCount", &SlowPath::ConnectionCount),
       InstanceMethod("census", &SlowPath::Census), InstanceMethod("recount", &SlowPath::Recount),
       InstanceMethod("clock", &SlowPath::ReadClock),
       InstanceMethod("readCaptured", &SlowPath::ReadCaptured),
       InstanceMethod("sweep", &SlowPath::Sweep), InstanceMethod("finish", &SlowPath::Finish),
       InstanceMethod("stop", &SlowPath::Stop)});
}

/// new SlowPath({object, backlog, pending})
SlowPath::SlowPath(const Napi::CallbackInfo& info) : Napi::ObjectWrap<SlowPath>(info) {
  auto object = Member(info[0], "object").As<Napi::Object>();
  object_ = Napi::Persistent(object);
  BpfObject* bpf = BpfObject::Unwrap(object);
  clock_fd_ = bpf->ProgramFd("xlvs_clock");
  sockets_fd_ = bpf->MapFd("sockets");
  shared_.backlog = Number(Member(info[0], "backlog"), "backlog");
  services_ = std::make_unique<MapServices>(bpf->MapFd("services"));

  world& world = shared_.tables;
  auto map = [&]<typename T>(T*& memory, const char* name) {
    uint32_t elements = 0;
    memory = MapMemory<T>(info.Env(), bpf->MapFd(name), &elements);
    return elements;
  };
  map(world.settings, "settings");
  map(world.addresses, "addresses");
  map(world.stations, "stations");
  world.mark_step_count = map(world.mark_steps, "mark_steps");
  map(world.buckets, "buckets");
  map(world.connections, "connections");
  map(world.schedules, "schedules");
  world.ring_lines = map(world.rings, "rings");
  map(world.destinations, "destinations");
  map(world.next_hops, "next_hops");
  // The last element of each sharded map is the slow path's.
  uint32_t elements = map(world.counters, "destination_counters");
  shared_.shards = {world.counters, elements};
  world.counters += elements - world.settings->destinations;
  world.verdicts += map(world.verdicts, "verdicts") - 1;
  world.services = services_.get();
  world.resolved = &shared_.resolved;

  auto pending = Member(info[0], "pending").As<Napi::ArrayBuffer>();
  if (pending.ByteLength() < 2 * sizeof(uint32_t) * world.settings->destinations)
    throw Napi::TypeError::New(info.Env(), "expected two counts a destination for pending");
  pending_ = Napi::Persistent(pending);
  shared_.pending = static_cast<uint32_t*>(pending.Data());

  capture* wanted = nullptr;
  map(wanted, "capture");
  shared_.captured = std::make_unique<CaptureLog>(world.settings, wanted, bpf->MapFd("captured"));
  if (int error = shared_.captured->error())
    throw SystemError(info.Env(), "ring_buffer__new", error);
  if (int error = shared_.clock.Refresh(clock_fd_))
    throw SystemError(info.Env(), "bpf_prog_test_run_opts", error);
  shared_.connections = std::make_unique<ConnectionTable>(world);
  world.settings->hz = shared_.clock.hz();
  Housekeep();
  housekeeper_ = std::thread([this] { KeepHouse(); });
}

SlowPath::~SlowPath() {
  StopAll();
  for (auto [memory, length] : mapped_) munmap(memory, length);
}

template <typename T>
T* SlowPath::MapMemory(Napi::Env env, int fd, uint32_t* elements) {
  bpf_map_info map = {};
  uint32_t size = sizeof(map);
  if (bpf_obj_get_info_by_fd(fd, &map, &size) < 0)
    throw SystemError(env, "bpf_obj_get_info_by_fd", errno);
  size_t length = static_cast<size_t>(map.value_size + 7) / 8 * 8 * map.max_entries;
  void* memory = mmap(nullptr, length, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (memory == MAP_FAILED) throw SystemError(env, "mmap", errno);
  mapped_.emplace_back(memory, length);
  if (elements) *elements = map.max_entries;
  return static_cast<T*>(memory);
}

Napi::Value SlowPath::AddQueue(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  auto options = info[0];
  Xsk::Options socket = {.interface_name = Text(Member(options, "interfaceName"), "interfaceName"),
                         .queue = Number(Member(options, "queue"), "queue"),
                         .generic = Member(options, "generic").ToBoolean()};
  if (auto inherited = Member(options, "inherited"); inherited.IsObject()) {
    socket.inherited_socket = static_cast<int>(Number(Member(inherited, "socket"), "socket"));
    socket.inherited_frames = static_cast<int>(Number(Member(inherited, "frames"), "frames"));
  }
  uint32_t ifindex = Number(Member(options, "ifindex"), "ifindex");
  uint32_t index =
      Number(Member(options, "interfaceSlot"), "interfaceSlot") * MAX_QUEUES + socket.queue;
  if (!info[1].IsArrayBuffer() ||
      info[1].As<Napi::ArrayBuffer>().ByteLength() < MAX_BURST * sizeof(flow_record))
    throw Napi::TypeError::New(env, "expected MAX_BURST flow records for records");

  int error = 0;
  const char* call = "";
  auto xsk = Xsk::Open(socket, &error, &call);
  if (!xsk) throw SystemError(env, call, error);
  int fd = xsk->fd();
  auto result = Napi::Object::New(env);
  result.Set("zeroCopy", xsk->zero_copy());
  result.Set("socket", fd);
  result.Set("frames", xsk->frames_fd());
  if (bpf_map_update_elem(sockets_fd_, &index, &fd, BPF_ANY) < 0)
    throw SystemError(env, "bpf_map_update_elem", errno);

  auto records = info[1].As<Napi::ArrayBuffer>();
  auto entry = std::make_shared<Entry>();
  entry->records = Napi::Persistent(records);
  entry->queue = std::make_unique<Queue>(&shared_, std::move(xsk), ifindex,
                                         static_cast<flow_record*>(records.Data()));
  if (int refused = entry->queue->error()) throw SystemError(env, "socket", refused);
  entry->answer =
      Napi::ThreadSafeFunction::New(env, info[2].As<Napi::Function>(), "xlvs slow path", 0, 1);
  entry->answer.Unref(env);
  Start(entry);
  queues_.push_back(entry);
  return result;
}

/// The queue's thread asks, this process's JavaScript thread answers.
void SlowPath::Start(const std::shared_ptr<Entry>& entry) {
  std::weak_ptr<Entry> weak = entry;
  entry->queue->Start([weak](size_t count) {
    auto living = weak.lock();
    if (!living) return;
    living->answer.NonBlockingCall([weak, count](Napi::Env env, Napi::Function answer) {
      CallBack(answer, {Napi::Number::New(env, static_cast<double>(count))});
      if (auto asked = weak.lock()) asked->queue->Answered();
    });
  });
}

void SlowPath::RemoveInterface(const Napi::CallbackInfo& info) {
  uint32_t ifindex = Number(info[0], "ifindex");
  for (auto& entry : queues_)
    if (entry->queue->ifindex() == ifindex) Close(*entry);
  std::erase_if(queues_, [](auto& entry) { return entry->closed; });
}

void SlowPath::Close(Entry& entry) {
  if (entry.closed) return;
  entry.closed = true;
  entry.queue->Stop();
  entry.answer.Abort();
}

void SlowPath::PutRoute(const Napi::CallbackInfo& info) {
  address target;
  memcpy(&target, Bytes(info[0], "target", sizeof(target)).data(), sizeof(target));
  shared_.resolved.Put(target, ReadNextHop(info[1]));
  for (auto& entry : queues_) entry->queue->Retry();
}

next_hop ReadNextHop(const Napi::Value& value) {
  next_hop hop = {};
  hop.key = uint64_t{Number(Member(value, "generation"), "generation")} << 32 |
            Number(Member(value, "ifindex"), "ifindex");
  hop.mtu = Number(Member(value, "mtu"), "mtu");
  memcpy(hop.dmac, Bytes(Member(value, "dmac"), "dmac", 6).data(), 6);
  memcpy(hop.smac, Bytes(Member(value, "smac"), "smac", 6).data(), 6);
  memcpy(&hop.saddr, Bytes(Member(value, "source"), "source", sizeof(address)).data(),
         sizeof(address));
  return hop;
}

ConnectionSpec ReadConnectionSpec(const Napi::Value& value) {
  ConnectionSpec spec = {};
  memcpy(&spec.request, Bytes(Member(value, "request"), "request", sizeof(flow)).data(),
         sizeof(flow));
  spec.destination = Number(Member(value, "destination"), "destination");
  spec.state = Number(Member(value, "state"), "state");
  spec.seen_jiffies = Number(Member(value, "seenJiffies"), "seenJiffies");
  spec.timeout_jiffies = Number(Member(value, "timeoutJiffies"), "timeoutJiffies");
  spec.is_template = Member(value, "isTemplate").ToBoolean();
  return spec;
}

/// enter(connection): whether there was room, and nobody was there.
Napi::Value SlowPath::Enter(const Napi::CallbackInfo& info) {
  return Napi::Boolean::New(info.Env(),
                            shared_.connections->Enter(ReadConnectionSpec(info[0])).has_value());
}

Napi::Value SlowPath::ConnectionCount(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), shared_.connections->size());
}

/// census(): what the housekeeper has met in the last second.
Napi::Value SlowPath::Census(const Napi::CallbackInfo& info) {
  uint32_t slots = 0, half_open = 0;
  for (const Stretch& stretch : stretches_) {
    slots += stretch.slots;
    half_open += stretch.half_open;
  }
  auto census = Napi::Object::New(info.Env());
  census.Set("slots", slots);
  census.Set("halfOpen", half_open);
  return census;
}

/// recount(): resolves once a thread beside this one has compared.
Napi::Value SlowPath::Recount(const Napi::CallbackInfo& info) {
  auto* recounting = new Recounting(info.This().As<Napi::Object>(), &shared_);
  recounting->Queue();
  return recounting->promise();
}

Napi::Object ShowRecounted(Napi::Env env, const Recounted& recounted) {
  auto show = [env](Counts counts) {
    auto shown = Napi::Object::New(env);
    shown.Set("active", static_cast<uint32_t>(counts.connections));
    shown.Set("inactive", static_cast<uint32_t>(counts.connections >> 32));
    shown.Set("persistent", counts.persistent);
    return shown;
  };
  auto miscounts = Napi::Array::New(env);
  for (const auto& [destination, counted, held] : recounted.miscounts) {
    auto miscount = Napi::Object::New(env);
    miscount.Set("destination", destination);
    miscount.Set("counted", show(counted));
    miscount.Set("held", show(held));
    miscounts.Set(miscounts.Length(), miscount);
  }
  auto result = Napi::Object::New(env);
  result.Set("miscounts", miscounts);
  result.Set("unsettled", recounted.unsettled);
  result.Set("templates", recounted.templates);
  result.Set("cpuMs", recounted.cpu_ms);
  return result;
}

Napi::Value SlowPath::ReadClock(const Napi::CallbackInfo& info) {
  auto clock = Napi::Object::New(info.Env());
  clock.Set("jiffies", shared_.clock.Now());
  clock.Set("hz", shared_.clock.hz());
  return clock;
}

/// readCaptured(most): packets of the capture that is on, as struct captured and frames.
Napi::Value SlowPath::ReadCaptured(const Napi::CallbackInfo& info) {
  auto batch = shared_.captured->Read(Number(info[0], "most"));
  auto bytes = Napi::Uint8Array::New(info.Env(), batch.size());
  memcpy(bytes.Data(), batch.data(), batch.size());
  return bytes;
}

Napi::Value SlowPath::Sweep(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), shared_.connections->Sweep(Housekeep()).ended);
}

/// Keeps the clock, and says that the daemon lives; returns now.
uint32_t SlowPath::Housekeep() {
  shared_.clock.Refresh(clock_fd_);
  uint32_t now = shared_.clock.Now();
  settings* settings = shared_.tables.settings;
  // XDP has gone on to generations of its own, and back to this one it must not come.
  if (is_daemon_silent(settings, now, 1)) ADD(&settings->route_generation, 1);
  STORE(&settings->heartbeat_jiffies, now);
  return now;
}

void SlowPath::KeepHouse() {
  Keeper keeper(&shared_.tables.settings->keeper);
  std::unique_lock lock(mutex_);
  for (uint32_t turn = 0; !stopping_; turn++) {
    stop_.wait_for(lock, kHousekeeping);
    if (stopping_) break;
    Stretch& stretch = stretches_[turn % kSweepTurns];
    Swept swept = shared_.connections->Sweep(Housekeep(), turn % kSweepTurns, kSweepTurns);
    stretch.slots = swept.slots;
    stretch.half_open = swept.half_open;
  }
}

Napi::Value SlowPath::Finish(const Napi::CallbackInfo& info) {
  bool finished = true;
  for (auto& entry : queues_) finished &= entry->queue->Finish();
  return Napi::Boolean::New(info.Env(), finished);
}

void SlowPath::Stop(const Napi::CallbackInfo&) { StopAll(); }

void SlowPath::StopAll() {
  for (auto& entry : queues_) Close(*entry);
  queues_.clear();
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  stop_.notify_all();
  if (housekeeper_.joinable()) housekeeper_.join();
}

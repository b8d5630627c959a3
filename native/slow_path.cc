// SlowPath for JavaScript: the queues, the table and the housekeeper over one object's maps.

#include "slow_path.h"

#include <bpf/bpf.h>
#include <sys/mman.h>

#include "common.h"

namespace {

constexpr auto kHousekeeping = std::chrono::milliseconds(250);

/// The flow and service tables as BPF maps: a system call each.
class MapTables : public Tables {
 public:
  MapTables(int flows_fd, int services_fd) : flows_fd_(flows_fd), services_fd_(services_fd) {}

  std::optional<flow_entry> FindFlow(const flow& key) override {
    flow_entry entry;
    if (bpf_map_lookup_elem(flows_fd_, &key, &entry) < 0) return std::nullopt;
    return entry;
  }
  bool AddFlow(const flow& key, const flow_entry& entry, bool replace) override {
    return bpf_map_update_elem(flows_fd_, &key, &entry, replace ? BPF_ANY : BPF_NOEXIST) == 0;
  }
  void RemoveFlow(const flow& key) override { bpf_map_delete_elem(flows_fd_, &key); }
  std::optional<uint32_t> FindService(const service_key& key) override {
    uint32_t index;
    if (bpf_map_lookup_elem(services_fd_, &key, &index) < 0) return std::nullopt;
    return index;
  }

 private:
  int flows_fd_;
  int services_fd_;
};

}  // namespace

Napi::Function SlowPath::Define(Napi::Env env) {
  return DefineClass(
      env, "SlowPath",
      {InstanceMethod("addQueue", &SlowPath::AddQueue),
       InstanceMethod("removeInterface", &SlowPath::RemoveInterface),
       InstanceMethod("putRoute", &SlowPath::PutRoute),
       InstanceMethod("connectionCount", &SlowPath::ConnectionCount),
       InstanceMethod("clock", &SlowPath::ReadClock), InstanceMethod("sweep", &SlowPath::Sweep),
       InstanceMethod("stop", &SlowPath::Stop)});
}

/// new SlowPath({object, backlog})
SlowPath::SlowPath(const Napi::CallbackInfo& info) : Napi::ObjectWrap<SlowPath>(info) {
  auto object = Member(info[0], "object").As<Napi::Object>();
  object_ = Napi::Persistent(object);
  BpfObject* bpf = BpfObject::Unwrap(object);
  clock_fd_ = bpf->ProgramFd("xlvs_clock");
  sockets_fd_ = bpf->MapFd("sockets");
  shared_.backlog = Number(Member(info[0], "backlog"), "backlog");
  tables_ = std::make_unique<MapTables>(bpf->MapFd("flows"), bpf->MapFd("services"));

  world& world = shared_.tables;
  world.settings = MapMemory<settings>(info.Env(), bpf->MapFd("settings"), nullptr);
  world.connections = MapMemory<connection>(info.Env(), bpf->MapFd("connections"), &world.slots);
  world.destinations = MapMemory<destination>(info.Env(), bpf->MapFd("destinations"), nullptr);
  // The last element of each sharded map is the slow path's.
  uint32_t elements = 0;
  auto* counters = MapMemory<::counters>(info.Env(), bpf->MapFd("destination_counters"), &elements);
  world.counters = counters + (elements - MAX_DESTINATIONS);
  auto* verdicts = MapMemory<verdict_counters>(info.Env(), bpf->MapFd("verdicts"), &elements);
  world.verdicts = verdicts + (elements - 1);
  world.tables = tables_.get();
  world.next_hops = &shared_.next_hops;

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
  bool zero_copy = xsk->zero_copy();
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
  auto result = Napi::Object::New(env);
  result.Set("zeroCopy", zero_copy);
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
  shared_.next_hops.Put(target, ReadNextHop(info[1]));
  for (auto& entry : queues_) entry->queue->Retry();
}

route ReadNextHop(const Napi::Value& value) {
  route hop = {};
  hop.generation = Number(Member(value, "generation"), "generation");
  hop.ifindex = Number(Member(value, "ifindex"), "ifindex");
  hop.mtu = static_cast<uint16_t>(Number(Member(value, "mtu"), "mtu"));
  memcpy(hop.dmac, Bytes(Member(value, "dmac"), "dmac", 6).data(), 6);
  memcpy(hop.smac, Bytes(Member(value, "smac"), "smac", 6).data(), 6);
  return hop;
}

Napi::Value SlowPath::ConnectionCount(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), shared_.connections->size());
}

Napi::Value SlowPath::ReadClock(const Napi::CallbackInfo& info) {
  auto clock = Napi::Object::New(info.Env());
  clock.Set("jiffies", shared_.clock.Now());
  clock.Set("hz", shared_.clock.hz());
  return clock;
}

Napi::Value SlowPath::Sweep(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), Housekeep());
}

/// Keeps the clock, says that the daemon lives, and expires connections.
uint32_t SlowPath::Housekeep() {
  shared_.clock.Refresh(clock_fd_);
  uint32_t now = shared_.clock.Now();
  __atomic_store_n(&shared_.tables.settings->heartbeat_jiffies, now, __ATOMIC_RELEASE);
  return shared_.connections->Sweep(now);
}

void SlowPath::KeepHouse() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    stop_.wait_for(lock, kHousekeeping);
    if (!stopping_) Housekeep();
  }
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

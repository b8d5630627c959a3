// SlowPath as JavaScript sees it; see ts/native/addon.ts.
#pragma once

#include <napi.h>

#include "bpf.h"
#include "queue.h"

class SlowPath : public Napi::ObjectWrap<SlowPath> {
 public:
  static Napi::Function Define(Napi::Env env);
  explicit SlowPath(const Napi::CallbackInfo& info);
  ~SlowPath() override;

 private:
  struct Entry {
    std::unique_ptr<Queue> queue;
    Napi::ThreadSafeFunction answer;
    /// Keeps the records' memory as long as the queue writes to it.
    Napi::Reference<Napi::ArrayBuffer> records;
    bool closed = false;
  };
  /// The table is swept once in so many turns, a stretch each: once a second.
  static constexpr uint32_t kSweepTurns = 4;
  /// What was met there last.
  struct Stretch {
    std::atomic<uint32_t> slots = 0;
    std::atomic<uint32_t> half_open = 0;
  };

  Napi::Value AddQueue(const Napi::CallbackInfo& info);
  void RemoveInterface(const Napi::CallbackInfo& info);
  void PutRoute(const Napi::CallbackInfo& info);
  Napi::Value Enter(const Napi::CallbackInfo& info);
  Napi::Value ConnectionCount(const Napi::CallbackInfo& info);
  Napi::Value Census(const Napi::CallbackInfo& info);
  Napi::Value Recount(const Napi::CallbackInfo& info);
  Napi::Value ReadClock(const Napi::CallbackInfo& info);
  Napi::Value ReadCaptured(const Napi::CallbackInfo& info);
  Napi::Value Sweep(const Napi::CallbackInfo& info);
  Napi::Value Finish(const Napi::CallbackInfo& info);
  void Stop(const Napi::CallbackInfo& info);

  template <typename T>
  T* MapMemory(Napi::Env env, int fd, uint32_t* elements);
  static void Start(const std::shared_ptr<Entry>& entry);
  static void Close(Entry& entry);
  void StopAll();
  uint32_t Housekeep();
  void KeepHouse();

  /// The maps' descriptors are the object's.
  Napi::ObjectReference object_;
  Napi::Reference<Napi::ArrayBuffer> pending_;
  int clock_fd_ = -1;
  int sockets_fd_ = -1;
  std::vector<std::pair<void*, size_t>> mapped_;
  std::unique_ptr<Services> services_;
  SlowPathShared shared_;
  std::vector<std::shared_ptr<Entry>> queues_;
  std::array<Stretch, kSweepTurns> stretches_;
  std::thread housekeeper_;
  std::mutex mutex_;
  std::condition_variable stop_;
  bool stopping_ = false;
};

/// A ConnectionSpec object of ts/native/addon.ts.
ConnectionSpec ReadConnectionSpec(const Napi::Value& value);

/// A Recounted object of ts/native/addon.ts.
Napi::Object ShowRecounted(Napi::Env env, const Recounted& recounted);

/// A NextHop object of ts/native/addon.ts.
next_hop ReadNextHop(const Napi::Value& value);

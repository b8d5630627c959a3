// The slow path of one receive queue: a thread, its AF_XDP socket, and its turn with TypeScript.
//
//   receive a burst -> run the packet code -> what it cannot decide becomes flow records
//   -> one call into TypeScript -> park, or refuse, or run the packet code again, which opens the
//   connection where TypeScript has sent it -> transmit the burst
//
// Frames that wait for a next hop are parked (copied); they are tried again whenever a next hop
// was resolved, and dropped after three seconds, as the kernel's own neighbour queue does.
#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <thread>

#include "capture.h"
#include "clock.h"
#include "icmp.h"
#include "table.h"
#include "transmitter.h"
#include "xsk.h"

/// What all queues share.
struct SlowPathShared {
  world tables;
  Clock clock;
  NextHops resolved;
  std::unique_ptr<ConnectionTable> connections;
  /// Every shard of the destinations' counters.
  std::span<const counters> shards;
  /// Decided connections that are not in the table yet: a destination's inactive, then active.
  uint32_t* pending = nullptr;
  std::unique_ptr<CaptureLog> captured;
  size_t backlog = 0;
  std::atomic<uint32_t> threads = 0;
};

class Queue {
 public:
  /// Asks TypeScript about the first `count` records; must call Answered when it has answered.
  using Ask = std::function<void(size_t count)>;

  Queue(SlowPathShared* shared, std::unique_ptr<Xsk> xsk, uint32_t ifindex, flow_record* records);
  ~Queue();

  void Start(Ask ask);
  /// Ends after the burst at hand; true once it has ended.
  bool Finish();
  void Stop();
  void Answered();
  /// Next hops changed: parked frames are tried again.
  void Retry();
  uint32_t ifindex() const { return ifindex_; }
  int error() const { return transmitter_.error(); }

 private:
  struct Frame {
    std::span<uint8_t> bytes;
    /// The same as they came, while a capture is on.
    std::vector<uint8_t> received = {};
    /// Index of its record in this round; -1 for none.
    int record = -1;
    /// Where TypeScript has sent its connection, and counts it as pending.
    uint32_t decided = NO_DESTINATION;
    bool decided_active = false;
    uint32_t deadline = 0;
  };
  struct Parked {
    std::vector<uint8_t> bytes;
    uint32_t deadline;
  };

  void Loop();
  bool Wait();
  void Collect(std::vector<Frame>* frames);
  void Process(std::vector<Frame> frames);
  void Try(Frame* frame);
  void AddRecord(Frame* frame, const journey& j, question question);
  bool MarkDuplicate(flow_record* record, size_t count);
  bool AskTypeScript();
  bool Apply(Frame* frame);
  verdict Run(Frame* frame, journey* j);
  void Park(const Frame& frame);
  void SendError(std::span<uint8_t> frame, icmp_error error, uint16_t mtu);
  bool MaySendError();
  void End(const Frame& frame, verdict verdict, uint32_t egress = 0);
  void Count(verdict verdict);

  SlowPathShared* shared_;
  world world_;
  std::unique_ptr<Xsk> xsk_;
  uint32_t ifindex_;
  flow_record* records_;
  size_t record_count_ = 0;
  /// By record: what was looked for and not found.
  std::array<search, MAX_BURST> keys_;
  Transmitter transmitter_;
  std::deque<Parked> parked_;
  std::deque<std::vector<uint8_t>> errors_;
  uint32_t errors_left_ = 0;
  uint32_t errors_refilled_ = 0;

  Ask ask_;
  int wake_;
  bool socket_dead_ = false;
  std::atomic<bool> finishing_ = false;
  std::atomic<bool> finished_ = false;
  std::atomic<bool> stopping_ = false;
  std::mutex mutex_;
  std::condition_variable answered_changed_;
  bool answered_ = false;
  std::thread thread_;
};

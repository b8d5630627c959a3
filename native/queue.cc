#include "queue.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cassert>

namespace {

constexpr uint32_t kParkSeconds = 3;
/// Errors a second and queue; the kernel's own limit is of this order (icmp_msgs_per_sec).
constexpr uint32_t kErrorsPerSecond = 1000;
/// Tickets, or a destination, then the next hop, then the way: more rounds have no more questions.
constexpr int kRounds = 6;

/// Whether they look for the same entry of the table.
bool HasSameKey(const search& a, const search& b) {
  if (a.client != b.client || a.far != b.far) return false;
  return !a.is_ipv6 || (is_address(&a.client_address, &b.client_address) &&
                        is_address(&a.far_address, &b.far_address));
}

}  // namespace

Queue::Queue(SlowPathShared* shared, std::unique_ptr<Xsk> xsk, uint32_t ifindex,
             flow_record* records)
    : shared_(shared),
      world_(shared->tables),
      xsk_(std::move(xsk)),
      ifindex_(ifindex),
      records_(records),
      wake_(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {
  world_.thread = shared->threads++;
  world_.ingress = ifindex;
}

Queue::~Queue() {
  Stop();
  close(wake_);
}

void Queue::Start(Ask ask) {
  ask_ = std::move(ask);
  thread_ = std::thread([this] { Loop(); });
}

bool Queue::Finish() {
  finishing_ = true;
  Retry();
  return finished_;
}

void Queue::Stop() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  answered_changed_.notify_all();
  Retry();
  if (thread_.joinable()) thread_.join();
}

void Queue::Retry() {
  uint64_t one = 1;
  [[maybe_unused]] ssize_t written = write(wake_, &one, sizeof(one));
}

void Queue::Answered() {
  {
    std::lock_guard lock(mutex_);
    answered_ = true;
  }
  answered_changed_.notify_all();
}

void Queue::Loop() {
  while (!stopping_ && !finishing_) {
    bool retry = Wait();
    std::vector<Frame> frames;
    if (retry) Collect(&frames);
    std::vector<std::span<uint8_t>> received;
    xsk_->Receive(MAX_BURST, &received);
    world_.now = shared_->clock.Now();
    for (auto bytes : received)
      frames.push_back(
          {.bytes = bytes, .deadline = world_.now + kParkSeconds * shared_->clock.hz()});

    // What was parked stays where it is until the burst is over.
    std::deque<Parked> retried;
    if (retry) retried.swap(parked_);
    for (size_t from = 0; from < frames.size(); from += MAX_BURST) {
      size_t to = std::min<size_t>(from + MAX_BURST, frames.size());
      Process({frames.begin() + from, frames.begin() + to});
    }
    for (size_t refused = transmitter_.Flush(); refused > 0; refused--)
      Count(VERDICT_DROPPED_TRANSMIT);
    errors_.clear();
    world_.grown.clear();
    xsk_->Release();
  }
  finished_ = true;
}

/// Waits for frames; true when parked ones are to be tried again.
bool Queue::Wait() {
  pollfd fds[2] = {{wake_, POLLIN, 0}, {socket_dead_ ? -1 : xsk_->fd(), POLLIN, 0}};
  int timeout_ms = parked_.empty() ? -1 : 250;
  int ready = poll(fds, 2, timeout_ms);
  // An interface that is gone leaves its socket behind in error.
  if (fds[1].revents & (POLLERR | POLLHUP | POLLNVAL)) socket_dead_ = true;
  uint64_t value;
  bool woken = (fds[0].revents & POLLIN) && read(wake_, &value, sizeof(value)) > 0;
  return woken || (ready == 0 && !parked_.empty());
}

void Queue::Collect(std::vector<Frame>* frames) {
  for (Parked& parked : parked_)
    frames->push_back({.bytes = parked.bytes, .deadline = parked.deadline});
}

/// At most MAX_BURST frames: each may have a record in every round.
void Queue::Process(std::vector<Frame> frames) {
  for (int round = 0; round < kRounds && !frames.empty(); round++) {
    record_count_ = 0;
    world_.may_ask = round == 0;
    for (Frame& frame : frames) Try(&frame);
    if (record_count_ > 0 && !AskTypeScript()) return;
    std::erase_if(frames, [this](Frame& frame) { return frame.record < 0 || !Apply(&frame); });
  }
  for (const Frame& frame : frames) End(frame, VERDICT_DROPPED_OVERTAKEN);
}

/// Runs the packet code, which opens the frame's connection where TypeScript has sent it.
verdict Queue::Run(Frame* frame, journey* j) {
  world_.decided = frame->decided;
  verdict verdict = RunDirector(&world_, frame->bytes, j);
  frame->bytes = world_.frame;
  // From here on it is counted as a connection, if it has become one.
  if (frame->decided != NO_DESTINATION)
    __atomic_fetch_sub(&shared_->pending[2 * frame->decided + frame->decided_active], 1,
                       __ATOMIC_RELAXED);
  frame->decided = NO_DESTINATION;
  return verdict;
}

/// Runs the packet code; a frame that needs an answer gets a record.
void Queue::Try(Frame* frame) {
  journey j;
  frame->record = -1;
  if (shared_->captured->IsOn()) frame->received.assign(frame->bytes.begin(), frame->bytes.end());
  verdict verdict = Run(frame, &j);
  switch (verdict) {
    case VERDICT_FORWARDED_IN:
    case VERDICT_FORWARDED_OUT:
    case VERDICT_FORWARDED_COOKIE:
      End(*frame, verdict, LeavesBy(j));
      return transmitter_.Add(LeavesBy(j), frame->bytes);
    case VERDICT_RAISED_NEW:
      return AddRecord(frame, j, QUESTION_SCHEDULE);
    case VERDICT_RAISED_ROUTE:
      if (world_.no_way) return End(*frame, VERDICT_DROPPED_NO_ROUTE);
      if (static_cast<int32_t>(world_.now - frame->deadline) > 0)
        return End(*frame, VERDICT_DROPPED_NEIGHBOUR);
      return AddRecord(frame, j, QUESTION_ROUTE);
    case VERDICT_RAISED_TTL:
      SendError(frame->bytes, ICMP_ERROR_TTL, 0);
      return End(*frame, VERDICT_DROPPED_TTL);
    case VERDICT_RAISED_MTU:
      SendError(frame->bytes, ICMP_ERROR_MTU, static_cast<uint16_t>(j.hop->mtu));
      return End(*frame, VERDICT_DROPPED_MTU);
    default:
      End(*frame, verdict >= VERDICT_DROPPED_HEADER_CHECKSUM ? verdict : VERDICT_DROPPED_OVERTAKEN);
  }
}

void Queue::AddRecord(Frame* frame, const journey& j, question question) {
  frame->record = static_cast<int>(record_count_);
  flow_record& record = records_[record_count_];
  record = RecordOf(world_, j, question);
  record.ingress_ifindex = ifindex_;
  // Of a persistent service the template's: one decision is for all of a client's connections.
  keys_[record_count_] = world_.notes.opening.search;
  record.duplicate = MarkDuplicate(&record, record_count_);
  record_count_++;
}

/// Whether an earlier record of the burst asks to schedule the same flow, or client.
bool Queue::MarkDuplicate(flow_record* record, size_t count) {
  if (record->question != QUESTION_SCHEDULE) return false;
  for (size_t i = 0; i < count; i++) {
    if (records_[i].question == QUESTION_SCHEDULE && HasSameKey(keys_[i], keys_[count]))
      return true;
  }
  return false;
}

/// One call into TypeScript; false when this queue is to stop instead.
bool Queue::AskTypeScript() {
  std::unique_lock lock(mutex_);
  if (stopping_) return false;
  answered_ = false;
  lock.unlock();
  ask_(record_count_);
  lock.lock();
  answered_changed_.wait(lock, [this] { return answered_ || stopping_; });
  return !stopping_;
}

/// Carries an answer out; true when the frame is to be tried again.
bool Queue::Apply(Frame* frame) {
  const flow_record& record = records_[frame->record];
  if (record.duplicate) return true;
  switch (record.answer) {
    case ANSWER_DESTINATION:
      assert(record.destination < world_.settings->destinations);
      frame->decided = record.destination;
      frame->decided_active = record.active != 0;
      return true;
    case ANSWER_AGAIN:
      return true;
    case ANSWER_REFUSE:
      SendError(frame->bytes, ICMP_ERROR_UNREACHABLE, 0);
      End(*frame, VERDICT_DROPPED_NO_DESTINATION);
      return false;
    case ANSWER_WAIT:
      Park(*frame);
      return false;
    default:
      End(*frame, VERDICT_DROPPED_OVERTAKEN);
      return false;
  }
}

void Queue::Park(const Frame& frame) {
  if (parked_.size() >= shared_->backlog) return End(frame, VERDICT_DROPPED_BACKLOG);
  parked_.push_back({{frame.bytes.begin(), frame.bytes.end()}, frame.deadline});
}

void Queue::SendError(std::span<uint8_t> frame, icmp_error error, uint16_t mtu) {
  packet pkt = {};
  pkt.data = frame.data();
  pkt.end = frame.data() + frame.size();
  if (parse(&world_, &pkt) != NEXT || !MaySendError()) return;
  auto& bytes = errors_.emplace_back(ICMP_FRAME_MAX);
  bytes.resize(put_icmp_error(&pkt, error, mtu, bytes.data()));
  transmitter_.Add(ifindex_, bytes);
}

bool Queue::MaySendError() {
  if (world_.now - errors_refilled_ >= shared_->clock.hz()) {
    errors_refilled_ = world_.now;
    errors_left_ = kErrorsPerSecond;
  }
  if (errors_left_ == 0) return false;
  errors_left_--;
  return true;
}

/// Where the journey of a frame ends.
void Queue::End(const Frame& frame, verdict verdict, uint32_t egress) {
  Count(verdict);
  if (frame.received.empty()) return;
  CaptureLog::Passage sent;
  if (egress != 0) sent = {frame.bytes, egress};
  shared_->captured->Add(verdict, {frame.received, ifindex_}, sent);
}

void Queue::Count(verdict verdict) { count(&world_.verdicts->packets[verdict], 1); }

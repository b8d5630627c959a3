#include "capture.h"

#include <time.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "capture_filter.h"
#include "world.h"

struct frame {
  std::span<const uint8_t> bytes;
};

static int read_frame(struct frame* frame, __u32 offset, void* to, __u32 size) {
  if (offset > frame->bytes.size() || size > frame->bytes.size() - offset) return -1;
  memcpy(to, frame->bytes.data() + offset, size);
  return 0;
}

namespace {

/// Packets of the slow path kept between two reads.
constexpr size_t kMostRaised = 4096;

int64_t NowNs(clockid_t clock) {
  timespec now;
  clock_gettime(clock, &now);
  return int64_t{now.tv_sec} * 1000000000 + now.tv_nsec;
}

}  // namespace

bool IsCaptured(const capture& wanted, std::span<const uint8_t> bytes, verdict verdict) {
  struct frame frame = {bytes};
  return is_wanted(&wanted, truth_of_frame(&wanted, &frame) | truth_of_verdict(&wanted, verdict),
                   0);
}

CaptureLog::CaptureLog(const settings* settings, capture* wanted, int ring)
    : settings_(settings), wanted_(wanted) {
  auto take = [](void* self, void* record, size_t size) {
    return static_cast<CaptureLog*>(self)->Take({static_cast<uint8_t*>(record), size});
  };
  ring_.reset(ring_buffer__new(ring, take, this, nullptr));
  if (!ring_) error_ = errno;
}

uint32_t CaptureLog::Number() const { return LOAD(&settings_->capture); }

void CaptureLog::Add(verdict verdict, const Passage& received, const Passage& sent) {
  if (!IsCaptured(*wanted_, received.frame, verdict)) return;
  captured head = {.time_ns = static_cast<uint64_t>(NowNs(CLOCK_MONOTONIC)),
                   .capture = Number(),
                   .ingress_ifindex = received.ifindex,
                   .egress_ifindex = sent.ifindex,
                   .received_length = static_cast<uint32_t>(received.frame.size()),
                   .sent_length = static_cast<uint32_t>(sent.frame.size()),
                   .verdict = static_cast<uint32_t>(verdict)};
  std::vector<uint8_t> record;
  auto append = [&record](const void* bytes, size_t size) {
    auto* from = static_cast<const uint8_t*>(bytes);
    record.insert(record.end(), from, from + size);
  };
  append(&head, sizeof(head));
  append(received.frame.data(), kept_of(wanted_, head.received_length));
  append(sent.frame.data(), kept_of(wanted_, head.sent_length));

  std::lock_guard lock(mutex_);
  if (raised_.size() < kMostRaised) return raised_.push_back(std::move(record));
  ADD(&wanted_->lost, 1);
}

std::vector<uint8_t> CaptureLog::Read(size_t most) {
  most_ = most;
  clock_offset_ns_ = NowNs(CLOCK_REALTIME) - NowNs(CLOCK_MONOTONIC);
  ring_buffer__consume(ring_.get());

  std::vector<std::vector<uint8_t>> raised;
  {
    std::lock_guard lock(mutex_);
    raised.swap(raised_);
  }
  for (const auto& record : raised) Take(record);
  return std::exchange(batch_, {});
}

/// Negative once the batch is full. What an earlier capture has left behind is passed over.
int CaptureLog::Take(std::span<const uint8_t> record) {
  captured head;
  memcpy(&head, record.data(), sizeof(head));
  if (head.capture != Number()) return 0;
  head.time_ns += clock_offset_ns_;
  size_t at = batch_.size();
  batch_.insert(batch_.end(), record.begin(), record.end());
  memcpy(batch_.data() + at, &head, sizeof(head));
  return batch_.size() < most_ ? 0 : -ENOSPC;
}

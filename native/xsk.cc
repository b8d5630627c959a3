#include "xsk.h"

#include <fcntl.h>
#include <linux/if_link.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

namespace {

// 8 MiB: what RLIMIT_MEMLOCK allows by default where CAP_IPC_LOCK is missing. A jumbo frame takes
// several of them.
constexpr uint32_t kFrames = 2048;
constexpr uint32_t kFrameBytes = XSK_UMEM__DEFAULT_FRAME_SIZE;
constexpr size_t kMemoryBytes = static_cast<size_t>(kFrames) * kFrameBytes;
// Five seconds at most: a busy machine takes its time.
constexpr int kBusyTries = 1000;
constexpr useconds_t kBusyWaitMicroseconds = 5000;
// Of Linux 6.6, missing in Debian's if_xdp.h: packets of several frames, and that more follow.
constexpr uint16_t kUseSeveralFrames = 1 << 4;
constexpr uint32_t kMoreFrames = 1 << 0;

}  // namespace

std::unique_ptr<Xsk> Xsk::Open(const Options& options, int* error, const char** call) {
  std::unique_ptr<Xsk> xsk(new Xsk());
  bool inherits = options.inherited_socket >= 0;
  xsk->inherited_.Reset(options.inherited_socket);
  xsk->frames_.Reset(options.inherited_frames);
  *call = "mmap";
  *error = xsk->MapFrames();
  if (*error == 0) *error = inherits ? xsk->Inherit(call) : xsk->Create(options, call);
  if (*error) return nullptr;
  return xsk;
}

int Xsk::MapFrames() {
  if (!frames_) {
    frames_.Reset(memfd_create("xlvs frames", MFD_CLOEXEC));
    if (!frames_ || ftruncate(frames_.get(), kMemoryBytes) < 0) return errno;
  }
  struct stat file = {};
  if (fstat(frames_.get(), &file) < 0) return errno;
  // Made by a version with other frames.
  if (file.st_size != static_cast<off_t>(kMemoryBytes)) return EPROTO;
  void* memory = mmap(nullptr, kMemoryBytes, PROT_READ | PROT_WRITE, MAP_SHARED, frames_.get(), 0);
  if (memory == MAP_FAILED) return errno;
  memory_ = memory;
  return 0;
}

int Xsk::Create(const Options& options, const char** call) {
  xsk_umem_config umem = {.fill_size = kFrames,
                          .comp_size = 64,
                          .frame_size = kFrameBytes,
                          .frame_headroom = 0,
                          .flags = 0};
  *call = "xsk_umem__create";
  if (int error = xsk_umem__create(&umem_, memory_, kMemoryBytes, &fill_, &completion_, &umem))
    return -error;
  // libxdp leaves it open over exec: a successor would keep the queue by a descriptor that it
  // knows nothing of.
  *call = "fcntl";
  if (fcntl(xsk_umem__fd(umem_), F_SETFD, FD_CLOEXEC) < 0) return errno;

  xsk_socket_config config = {};
  config.rx_size = kFrames;
  config.libxdp_flags = XSK_LIBXDP_FLAGS__INHIBIT_PROG_LOAD;
  config.xdp_flags = options.generic ? XDP_FLAGS_SKB_MODE : XDP_FLAGS_DRV_MODE;
  *call = "xsk_socket__create";
  int error = 0;
  // A driver whose zero-copy takes one frame only has no larger MTU. An older kernel counts what
  // is longer as dropped by the socket.
  for (int how :
       {XDP_ZEROCOPY | kUseSeveralFrames, XDP_ZEROCOPY, XDP_COPY | kUseSeveralFrames, XDP_COPY}) {
    config.bind_flags = static_cast<uint16_t>(how | XDP_USE_NEED_WAKEUP);
    // The kernel takes a closed socket from its queue in its own time.
    for (int tries = 0; tries < kBusyTries; tries++) {
      error = -xsk_socket__create(&socket_, options.interface_name.c_str(), options.queue, umem_,
                                  &rx_, nullptr, &config);
      if (error != EBUSY) break;
      usleep(kBusyWaitMicroseconds);
    }
    zero_copy_ = how & XDP_ZEROCOPY;
    if (error == 0 || error == EBUSY) break;
  }
  if (error) return error;

  fd_ = xsk_socket__fd(socket_);
  for (uint64_t frame = 0; frame < kFrames; frame++) held_.push_back(frame * kFrameBytes);
  Release();
  return 0;
}

/// Goes on with the rings as another process left them: between two bursts, so that every frame
/// is in one of them.
int Xsk::Inherit(const char** call) {
  fd_ = inherited_.get();
  xdp_mmap_offsets offsets = {};
  socklen_t size = sizeof(offsets);
  *call = "getsockopt XDP_MMAP_OFFSETS";
  if (getsockopt(fd_, SOL_XDP, XDP_MMAP_OFFSETS, &offsets, &size) < 0) return errno;
  xdp_options options = {};
  size = sizeof(options);
  if (getsockopt(fd_, SOL_XDP, XDP_OPTIONS, &options, &size) < 0) return errno;
  zero_copy_ = options.flags & XDP_OPTIONS_ZEROCOPY;

  *call = "mmap";
  if (!MapRing(&rx_, XDP_PGOFF_RX_RING, offsets.rx, sizeof(xdp_desc)) ||
      !MapRing(&fill_, XDP_UMEM_PGOFF_FILL_RING, offsets.fr, sizeof(uint64_t)))
    return errno;
  // As libxdp keeps it: as far ahead as the ring is long.
  fill_.cached_cons += kFrames;
  return 0;
}

template <typename Ring>
bool Xsk::MapRing(Ring* ring, uint64_t page, const xdp_ring_offset& offsets, size_t entry_bytes) {
  size_t length = offsets.desc + kFrames * entry_bytes;
  void* memory = mmap(nullptr, length, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd_,
                      static_cast<off_t>(page));
  if (memory == MAP_FAILED) return false;
  mapped_.emplace_back(memory, length);
  auto* bytes = static_cast<char*>(memory);
  ring->mask = kFrames - 1;
  ring->size = kFrames;
  ring->producer = reinterpret_cast<uint32_t*>(bytes + offsets.producer);
  ring->consumer = reinterpret_cast<uint32_t*>(bytes + offsets.consumer);
  ring->flags = reinterpret_cast<uint32_t*>(bytes + offsets.flags);
  ring->ring = bytes + offsets.desc;
  ring->cached_prod = *ring->producer;
  ring->cached_cons = *ring->consumer;
  return true;
}

Xsk::~Xsk() {
  if (socket_) xsk_socket__delete(socket_);
  if (umem_) xsk_umem__delete(umem_);
  for (auto [ring, length] : mapped_) munmap(ring, length);
  if (memory_) munmap(memory_, kMemoryBytes);
}

void Xsk::Receive(size_t most, std::vector<std::span<uint8_t>>* frames) {
  uint32_t at = 0;
  uint32_t received = xsk_ring_cons__peek(&rx_, static_cast<uint32_t>(most), &at);
  std::vector<std::span<uint8_t>> parts;
  for (uint32_t i = 0; i < received; i++) {
    const xdp_desc* desc = xsk_ring_cons__rx_desc(&rx_, at + i);
    parts.emplace_back(static_cast<uint8_t*>(xsk_umem__get_data(memory_, desc->addr)), desc->len);
    held_.push_back(desc->addr - desc->addr % kFrameBytes);
    if (desc->options & kMoreFrames) continue;
    frames->push_back(parts.size() == 1 ? parts[0] : Join(parts));
    parts.clear();
  }
  // The rest of the last frame is beyond `most`: it is for the next time.
  xsk_ring_cons__cancel(&rx_, static_cast<uint32_t>(parts.size()));
  held_.resize(held_.size() - parts.size());
  xsk_ring_cons__release(&rx_, received - static_cast<uint32_t>(parts.size()));
}

std::span<uint8_t> Xsk::Join(const std::vector<std::span<uint8_t>>& parts) {
  std::vector<uint8_t>& frame = joined_.emplace_back();
  for (auto part : parts) frame.insert(frame.end(), part.begin(), part.end());
  return frame;
}

void Xsk::Release() {
  joined_.clear();
  uint32_t at = 0;
  auto count = static_cast<uint32_t>(held_.size());
  // The ring has as many places as there are frames.
  if (count == 0 || xsk_ring_prod__reserve(&fill_, count, &at) != count) return;
  for (uint64_t frame : held_) *xsk_ring_prod__fill_addr(&fill_, at++) = frame;
  xsk_ring_prod__submit(&fill_, count);
  held_.clear();
  if (xsk_ring_prod__needs_wakeup(&fill_))
    recvfrom(fd(), nullptr, 0, MSG_DONTWAIT, nullptr, nullptr);
}

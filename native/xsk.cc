#include "xsk.h"

#include <linux/if_link.h>
#include <linux/if_xdp.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include <cerrno>

namespace {

// 8 MiB: what RLIMIT_MEMLOCK allows by default where CAP_IPC_LOCK is missing. A frame of 4 KiB
// holds every packet that native XDP without fragments takes.
constexpr uint32_t kFrames = 2048;
constexpr uint32_t kFrameBytes = XSK_UMEM__DEFAULT_FRAME_SIZE;
constexpr size_t kMemoryBytes = static_cast<size_t>(kFrames) * kFrameBytes;

}  // namespace

std::unique_ptr<Xsk> Xsk::Open(const Options& options, int* error, const char** call) {
  std::unique_ptr<Xsk> xsk(new Xsk());
  void* memory =
      mmap(nullptr, kMemoryBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  *call = "mmap";
  *error = errno;
  if (memory == MAP_FAILED) return nullptr;
  xsk->memory_ = memory;

  xsk_umem_config umem = {.fill_size = kFrames,
                          .comp_size = 64,
                          .frame_size = kFrameBytes,
                          .frame_headroom = 0,
                          .flags = 0};
  *call = "xsk_umem__create";
  *error =
      -xsk_umem__create(&xsk->umem_, memory, kMemoryBytes, &xsk->fill_, &xsk->completion_, &umem);
  if (*error) return nullptr;

  xsk_socket_config config = {};
  config.rx_size = kFrames;
  config.libxdp_flags = XSK_LIBXDP_FLAGS__INHIBIT_PROG_LOAD;
  config.xdp_flags = options.generic ? XDP_FLAGS_SKB_MODE : XDP_FLAGS_DRV_MODE;
  *call = "xsk_socket__create";
  for (uint16_t copy : {XDP_ZEROCOPY, XDP_COPY}) {
    config.bind_flags = copy | XDP_USE_NEED_WAKEUP;
    *error = -xsk_socket__create(&xsk->socket_, options.interface_name.c_str(), options.queue,
                                 xsk->umem_, &xsk->rx_, nullptr, &config);
    xsk->zero_copy_ = copy == XDP_ZEROCOPY;
    if (*error == 0) break;
  }
  if (*error) return nullptr;

  for (uint64_t frame = 0; frame < kFrames; frame++) xsk->held_.push_back(frame * kFrameBytes);
  xsk->Release();
  return xsk;
}

Xsk::~Xsk() {
  if (socket_) xsk_socket__delete(socket_);
  if (umem_) xsk_umem__delete(umem_);
  if (memory_) munmap(memory_, kMemoryBytes);
}

void Xsk::Receive(size_t most, std::vector<std::span<uint8_t>>* frames) {
  uint32_t at = 0;
  uint32_t received = xsk_ring_cons__peek(&rx_, static_cast<uint32_t>(most), &at);
  for (uint32_t i = 0; i < received; i++) {
    const xdp_desc* desc = xsk_ring_cons__rx_desc(&rx_, at + i);
    frames->emplace_back(static_cast<uint8_t*>(xsk_umem__get_data(memory_, desc->addr)), desc->len);
    held_.push_back(desc->addr - desc->addr % kFrameBytes);
  }
  xsk_ring_cons__release(&rx_, received);
}

void Xsk::Release() {
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

// AF_XDP: the socket of one receive queue, with frames of its own.
//
//   fill ring:  frames the kernel may write    <- Release
//   rx ring:    frames the kernel has written  -> Receive
//
// Receiving only: frames leave by Transmitter, which reaches every interface.
//
// Frames and rings are shared memory behind two descriptors. Another process that is given them
// goes on where this one stopped, and no frame is lost between the two.
#pragma once

#include <linux/if_xdp.h>
#include <xdp/xsk.h>

#include <deque>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "bpf.h"

class Xsk {
 public:
  struct Options {
    std::string interface_name;
    uint32_t queue = 0;
    bool generic = false;
    /// Descriptors of another process's socket and frames; -1 for a socket of one's own. They
    /// become this object's.
    int inherited_socket = -1;
    int inherited_frames = -1;
  };

  /// Opens the socket, zero-copy where the driver has it. On failure returns nullptr and sets
  /// `error` to an errno and `call` to what failed.
  static std::unique_ptr<Xsk> Open(const Options& options, int* error, const char** call);
  ~Xsk();
  Xsk(const Xsk&) = delete;
  Xsk& operator=(const Xsk&) = delete;

  int fd() const { return fd_; }
  /// The memory of the frames.
  int frames_fd() const { return frames_.get(); }
  bool zero_copy() const { return zero_copy_; }

  /// Appends received frames, at most `most`; they are the caller's until Release. A frame that
  /// the kernel has put into several places is one again.
  void Receive(size_t most, std::vector<std::span<uint8_t>>* frames);

  /// Gives every received frame back to the kernel.
  void Release();

 private:
  Xsk() = default;
  int MapFrames();
  int Create(const Options& options, const char** call);
  int Inherit(const char** call);
  std::span<uint8_t> Join(const std::vector<std::span<uint8_t>>& parts);
  template <typename Ring>
  bool MapRing(Ring* ring, uint64_t page, const xdp_ring_offset& offsets, size_t entry_bytes);

  int fd_ = -1;
  Fd frames_;
  void* memory_ = nullptr;
  /// Of an inherited socket, whose rings libxdp knows nothing of.
  Fd inherited_;
  std::vector<std::pair<void*, size_t>> mapped_;
  xsk_umem* umem_ = nullptr;
  xsk_socket* socket_ = nullptr;
  xsk_ring_prod fill_ = {};
  xsk_ring_cons completion_ = {};
  xsk_ring_cons rx_ = {};
  std::vector<uint64_t> held_;
  /// Frames that came in several parts, until Release; where they are stays the same.
  std::deque<std::vector<uint8_t>> joined_;
  bool zero_copy_ = false;
};

// AF_XDP: the socket of one receive queue, with frames of its own.
//
//   fill ring:  frames the kernel may write    <- Release
//   rx ring:    frames the kernel has written  -> Receive
//
// Receiving only: frames leave by Transmitter, which reaches every interface.
#pragma once

#include <xdp/xsk.h>

#include <memory>
#include <span>
#include <string>
#include <vector>

class Xsk {
 public:
  struct Options {
    std::string interface_name;
    uint32_t queue = 0;
    bool generic = false;
  };

  /// Opens the socket, zero-copy where the driver has it. On failure returns nullptr and sets
  /// `error` to an errno and `call` to what failed.
  static std::unique_ptr<Xsk> Open(const Options& options, int* error, const char** call);
  ~Xsk();
  Xsk(const Xsk&) = delete;
  Xsk& operator=(const Xsk&) = delete;

  int fd() const { return xsk_socket__fd(socket_); }
  bool zero_copy() const { return zero_copy_; }

  /// Appends received frames, at most `most`; they are the caller's until Release.
  void Receive(size_t most, std::vector<std::span<uint8_t>>* frames);

  /// Gives every received frame back to the kernel.
  void Release();

 private:
  Xsk() = default;

  void* memory_ = nullptr;
  xsk_umem* umem_ = nullptr;
  xsk_socket* socket_ = nullptr;
  xsk_ring_prod fill_ = {};
  xsk_ring_cons completion_ = {};
  xsk_ring_cons rx_ = {};
  std::vector<uint64_t> held_;
  bool zero_copy_ = false;
};

// Frames out of any interface, a burst a system call.
//
// A packet socket rather than the AF_XDP socket's own ring: where there is no zero copy both
// make an skb for each frame, and this one reaches interfaces without an AF_XDP socket too.
#pragma once

#include <linux/if_packet.h>
#include <sys/socket.h>

#include <cstdint>
#include <span>
#include <vector>

class Transmitter {
 public:
  Transmitter();
  ~Transmitter();
  Transmitter(const Transmitter&) = delete;
  Transmitter& operator=(const Transmitter&) = delete;

  /// 0, or the errno that opening the socket gave.
  int error() const { return error_; }

  /// Queues a frame, whose bytes must stay until Flush.
  void Add(uint32_t ifindex, std::span<const uint8_t> frame);

  /// Sends what was queued; returns how many frames the kernel refused.
  size_t Flush();

 private:
  struct Outgoing {
    sockaddr_ll to;
    iovec bytes;
  };
  int fd_;
  int error_ = 0;
  std::vector<Outgoing> outgoing_;
  std::vector<mmsghdr> messages_;
};

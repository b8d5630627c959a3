#include "transmitter.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

Transmitter::Transmitter() : fd_(socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0)) {
  if (fd_ < 0) {
    error_ = errno;
    return;
  }
  // Straight to the driver, as XDP's redirect goes.
  int on = 1;
  setsockopt(fd_, SOL_PACKET, PACKET_QDISC_BYPASS, &on, sizeof(on));
}

Transmitter::~Transmitter() {
  if (fd_ >= 0) close(fd_);
}

void Transmitter::Add(uint32_t ifindex, std::span<const uint8_t> frame) {
  Outgoing out = {};
  out.to.sll_family = AF_PACKET;
  out.to.sll_ifindex = static_cast<int>(ifindex);
  memcpy(&out.to.sll_protocol, frame.data() + 12, 2);
  out.bytes = {const_cast<uint8_t*>(frame.data()), frame.size()};
  outgoing_.push_back(out);
}

size_t Transmitter::Flush() {
  messages_.assign(outgoing_.size(), {});
  for (size_t i = 0; i < outgoing_.size(); i++) {
    msghdr& header = messages_[i].msg_hdr;
    header.msg_name = &outgoing_[i].to;
    header.msg_namelen = sizeof(sockaddr_ll);
    header.msg_iov = &outgoing_[i].bytes;
    header.msg_iovlen = 1;
  }
  size_t refused = 0;
  for (size_t sent = 0; sent < messages_.size();) {
    int count = sendmmsg(fd_, &messages_[sent], static_cast<unsigned>(messages_.size() - sent), 0);
    if (count > 0) {
      sent += static_cast<size_t>(count);
    } else if (errno != EINTR) {
      // The first of the rest is refused; the others may leave by another interface.
      refused++;
      sent++;
    }
  }
  outgoing_.clear();
  return refused;
}

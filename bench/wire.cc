// The end of a cable: frames to and from an interface, as they are.
//
//   wire INTERFACE
//
// Every frame on standard input is sent, every frame that arrives is written to standard output:
// each behind its length, two bytes in network order.
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <poll.h>
#include <unistd.h>

#include <cstddef>
#include <vector>

#include "sockets.h"

namespace {

constexpr size_t kLengthBytes = 2;
constexpr size_t kFrameMax = 65536;
constexpr int kBacklogBytes = 8 << 20;

int Open(const char* interface) {
  int fd = Checked(socket(AF_PACKET, SOCK_RAW, htons(ETH_P_ALL)), "socket");
  int on = 1;
  Checked(setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &on, sizeof(on)), "setsockopt");
  Checked(setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &kBacklogBytes, sizeof(kBacklogBytes)),
          "setsockopt");
  sockaddr_ll to = {};
  to.sll_family = AF_PACKET;
  to.sll_protocol = htons(ETH_P_ALL);
  to.sll_ifindex = static_cast<int>(if_nametoindex(interface));
  Checked(bind(fd, reinterpret_cast<const sockaddr*>(&to), sizeof(to)), "bind");
  return fd;
}

/// Sends the whole frames that were read; what is left begins another one.
void SendWhole(int fd, std::vector<uint8_t>* read) {
  size_t at = 0;
  while (read->size() - at >= kLengthBytes) {
    const uint8_t* frame = &(*read)[at];
    size_t length = size_t{frame[0]} << 8 | frame[1];
    if (read->size() - at - kLengthBytes < length) break;
    Checked(static_cast<int>(send(fd, frame + kLengthBytes, length, 0)), "send");
    at += kLengthBytes + length;
  }
  read->erase(read->begin(), read->begin() + static_cast<ptrdiff_t>(at));
}

void WriteAll(const uint8_t* bytes, size_t size) {
  for (size_t at = 0; at < size;)
    at += static_cast<size_t>(Checked(static_cast<int>(write(1, bytes + at, size - at)), "write"));
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fputs("usage: wire INTERFACE\n", stderr);
    return 2;
  }
  int fd = Open(argv[1]);
  std::vector<uint8_t> read_bytes;
  std::vector<uint8_t> frame(kLengthBytes + kFrameMax);
  pollfd fds[2] = {{STDIN_FILENO, POLLIN, 0}, {fd, POLLIN, 0}};
  for (;;) {
    Checked(poll(fds, 2, -1), "poll");
    if (fds[0].revents) {
      uint8_t piece[kFrameMax];
      int size = Checked(static_cast<int>(read(STDIN_FILENO, piece, sizeof(piece))), "read");
      if (size == 0) return 0;
      read_bytes.insert(read_bytes.end(), piece, piece + size);
      SendWhole(fd, &read_bytes);
    }
    if (fds[1].revents) {
      int size = Checked(static_cast<int>(recv(fd, &frame[kLengthBytes], kFrameMax, 0)), "recv");
      frame[0] = static_cast<uint8_t>(size >> 8);
      frame[1] = static_cast<uint8_t>(size);
      WriteAll(frame.data(), kLengthBytes + static_cast<size_t>(size));
    }
  }
}

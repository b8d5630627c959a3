// Sends as much as goes through one TCP connection, or takes it.
//
//   tcp_bulk serve PORT
//   tcp_bulk send ADDRESS PORT SECONDS
//
// The server takes one connection after the other. The client prints one JSON object: bytes (those
// that the other end has acknowledged), seconds.
#include <linux/tcp.h>
#include <unistd.h>

#include <chrono>
#include <string>
#include <vector>

#include "sockets.h"

namespace {

using Clock = std::chrono::steady_clock;

constexpr size_t kBlock = size_t{128} * 1024;

void Serve(const char* port) {
  int listener = Listen(port);
  std::vector<char> block(kBlock);
  for (;;) {
    int accepted = Checked(accept4(listener, nullptr, nullptr, 0), "accept4");
    while (read(accepted, block.data(), block.size()) > 0) continue;
    close(accepted);
  }
}

void Send(const sockaddr_in& to, std::chrono::duration<double> length) {
  int fd = Connect(SOCK_STREAM, to);
  std::vector<char> block(kBlock);
  auto started = Clock::now();
  while (Clock::now() - started < length)
    Checked(static_cast<int>(send(fd, block.data(), block.size(), MSG_NOSIGNAL)), "send");
  tcp_info info = {};
  socklen_t size = sizeof(info);
  Checked(getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size), "getsockopt");
  std::chrono::duration<double> seconds = Clock::now() - started;
  std::printf("{\"bytes\":%llu,\"seconds\":%.4f}\n",
              static_cast<unsigned long long>(info.tcpi_bytes_acked), seconds.count());
}

}  // namespace

int main(int argc, char** argv) {
  std::string verb = argc > 1 ? argv[1] : "";
  if (verb == "serve" && argc == 3) {
    Serve(argv[2]);
  } else if (verb == "send" && argc == 5) {
    Send(Endpoint(argv[2], argv[3]), std::chrono::duration<double>(std::atof(argv[4])));
  } else {
    std::fputs("usage: tcp_bulk serve PORT | send ADDRESS PORT SECONDS\n", stderr);
    return 2;
  }
}

// Opens TCP connections as fast as they go, or serves them.
//
//   tcp_load serve PORT
//   tcp_load connect SECONDS PARALLEL SOURCE[,SOURCE]... ADDRESS PORT [ADDRESS PORT]...
//
// The server accepts and closes at once, so that a connection is SYN, SYN+ACK, ACK, FIN, FIN,
// ACK; as it closes first, it has the TIME_WAIT and the client's port is free again. The client
// keeps PARALLEL connections in flight, from the sources in turn and to the endpoints in turn,
// and counts those of which it has seen the end. It prints one JSON object: connections,
// failures, seconds.
#include <sys/epoll.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <sstream>
#include <string>
#include <vector>

#include "sockets.h"

namespace {

using Clock = std::chrono::steady_clock;

std::vector<sockaddr_in> Sources(const std::string& list) {
  std::vector<sockaddr_in> sources;
  std::istringstream addresses(list);
  for (std::string address; std::getline(addresses, address, ',');)
    sources.push_back(Endpoint(address.c_str(), "0"));
  return sources;
}

void Serve(const char* port) {
  int listener = Listen(port);
  for (;;) {
    // A client that has gone meanwhile is no failure of the server.
    int accepted = accept4(listener, nullptr, nullptr, 0);
    if (accepted >= 0) close(accepted);
  }
}

/// Keeps connections in flight and counts how they end.
class Client {
 public:
  Client(std::vector<sockaddr_in> sources, std::vector<sockaddr_in> endpoints)
      : sources_(std::move(sources)),
        endpoints_(std::move(endpoints)),
        epoll_(Checked(epoll_create1(0), "epoll_create1")) {}

  void Run(std::chrono::duration<double> length, int parallel) {
    constexpr int kEvents = 256;
    epoll_event events[kEvents];
    auto started = Clock::now();
    for (int i = 0; i < parallel; i++) Open();
    while (Clock::now() - started < length) {
      int count = Checked(epoll_wait(epoll_, events, kEvents, 100), "epoll_wait");
      for (int i = 0; i < count; i++) {
        Finish(events[i].data.fd);
        Open();
      }
    }
    std::chrono::duration<double> seconds = Clock::now() - started;
    std::printf("{\"connections\":%u,\"failures\":%u,\"seconds\":%.4f}\n", connections_, failures_,
                seconds.count());
  }

 private:
  void Open() {
    const sockaddr_in& from = sources_[next_ % sources_.size()];
    const sockaddr_in& to = endpoints_[next_ / sources_.size() % endpoints_.size()];
    int fd = Checked(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), "socket");
    // The port is chosen by connect, or a source had ports for one endpoint only.
    int on = 1;
    Checked(setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof(on)), "setsockopt");
    Checked(bind(fd, reinterpret_cast<const sockaddr*>(&from), sizeof(from)), "bind");
    int result = connect(fd, reinterpret_cast<const sockaddr*>(&to), sizeof(to));
    next_++;
    if (result < 0 && errno != EINPROGRESS) Checked(result, "connect");
    // Readable is the end, in order or not: the server sends nothing.
    epoll_event event = {.events = EPOLLIN, .data = {.fd = fd}};
    Checked(epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event), "epoll_ctl");
  }

  void Finish(int fd) {
    char byte;
    if (read(fd, &byte, 1) == 0)
      connections_++;
    else
      failures_++;
    close(fd);
  }

  std::vector<sockaddr_in> sources_;
  std::vector<sockaddr_in> endpoints_;
  int epoll_;
  size_t next_ = 0;
  unsigned connections_ = 0;
  unsigned failures_ = 0;
};

}  // namespace

int main(int argc, char** argv) {
  std::string verb = argc > 1 ? argv[1] : "";
  if (verb == "serve" && argc == 3) {
    Serve(argv[2]);
  } else if (verb == "connect" && argc >= 7 && argc % 2 == 1) {
    std::vector<sockaddr_in> endpoints;
    for (int i = 5; i < argc; i += 2) endpoints.push_back(Endpoint(argv[i], argv[i + 1]));
    Client(Sources(argv[4]), std::move(endpoints))
        .Run(std::chrono::duration<double>(std::atof(argv[2])), std::atoi(argv[3]));
  } else {
    std::fputs("usage: tcp_load serve PORT | connect SECONDS PARALLEL SOURCES ADDRESS PORT...\n",
               stderr);
    return 2;
  }
}

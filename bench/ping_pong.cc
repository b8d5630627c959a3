// Sends small messages and takes the time until each comes back, or sends them back.
//
//   ping_pong serve PORT
//   ping_pong udp|tcp ADDRESS PORT
//
// Over one connection it plays a game for every line that it reads: SECONDS WARM_UP_SECONDS. One
// message is under way at a time; round trips of the warm-up do not count. It prints one JSON
// object a game: sent, lost, and the quantiles p50_us, p90_us and p99_us of the round trips. Lost
// are UDP answers that did not come within 200 ms, and TCP segments that had to be sent again.
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <string>
#include <vector>

#include "sockets.h"

namespace {

using Clock = std::chrono::steady_clock;

constexpr size_t kMessage = 32;

void SetNoDelay(int fd) {
  int on = 1;
  Checked(setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)), "setsockopt");
}

/// Sends a datagram back, from the address that it came to.
void EchoDatagram(int fd) {
  char message[2048];
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(in_pktinfo))];
  sockaddr_in from = {};
  iovec part = {.iov_base = message, .iov_len = sizeof(message)};
  msghdr datagram = {};
  datagram.msg_name = &from;
  datagram.msg_namelen = sizeof(from);
  datagram.msg_iov = &part;
  datagram.msg_iovlen = 1;
  datagram.msg_control = control;
  datagram.msg_controllen = sizeof(control);
  ssize_t got = recvmsg(fd, &datagram, 0);
  cmsghdr* info = CMSG_FIRSTHDR(&datagram);
  if (got < 0 || !info) return;
  // The way out is the routes' choice: with direct routing it is not the way in.
  reinterpret_cast<in_pktinfo*>(CMSG_DATA(info))->ipi_ifindex = 0;
  part.iov_len = static_cast<size_t>(got);
  sendmsg(fd, &datagram, 0);
}

/// Sends back what came; false at the end of the connection.
bool EchoStream(int fd) {
  char message[2048];
  ssize_t got = recv(fd, message, sizeof(message), 0);
  return got > 0 && send(fd, message, static_cast<size_t>(got), MSG_NOSIGNAL) == got;
}

void Serve(const char* port) {
  int datagrams = Checked(socket(AF_INET, SOCK_DGRAM, 0), "socket");
  int on = 1;
  Checked(setsockopt(datagrams, IPPROTO_IP, IP_PKTINFO, &on, sizeof(on)), "setsockopt");
  Bind(datagrams, Endpoint("0.0.0.0", port));
  int listener = Listen(port);
  std::vector<pollfd> polled = {{listener, POLLIN, 0}, {datagrams, POLLIN, 0}};
  for (;;) {
    Checked(poll(polled.data(), polled.size(), -1), "poll");
    if (polled[1].revents) EchoDatagram(datagrams);
    for (size_t i = polled.size() - 1; i > 1; i--) {
      if (!polled[i].revents || EchoStream(polled[i].fd)) continue;
      close(polled[i].fd);
      polled.erase(polled.begin() + static_cast<std::ptrdiff_t>(i));
    }
    if (!polled[0].revents) continue;
    int accepted = Checked(accept4(listener, nullptr, nullptr, 0), "accept4");
    SetNoDelay(accepted);
    polled.push_back({accepted, POLLIN, 0});
  }
}

/// Waits for the answer to the message of this number; earlier ones come too late to count.
bool Answered(int fd, uint64_t number) {
  uint64_t answer[kMessage / sizeof(uint64_t)];
  for (;;) {
    ssize_t got = recv(fd, answer, sizeof(answer), MSG_WAITALL);
    if (got == 0) std::fputs("ping_pong: the other end closed the connection\n", stderr);
    if (got < 0 && errno == EAGAIN) return false;
    if (got <= 0) std::exit(1);
    if (answer[0] == number) return true;
  }
}

unsigned SentAgain(int fd) {
  tcp_info info = {};
  socklen_t size = sizeof(info);
  Checked(getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size), "getsockopt");
  return info.tcpi_total_retrans;
}

using Seconds = std::chrono::duration<double>;

/// One game over a connected socket.
void Play(int fd, bool stream, Seconds length, Seconds warm_up) {
  static uint64_t message[kMessage / sizeof(uint64_t)];
  std::vector<double> times;
  unsigned sent = 0;
  unsigned lost = 0;
  unsigned sent_again = stream ? SentAgain(fd) : 0;
  auto started = Clock::now() + std::chrono::duration_cast<Clock::duration>(warm_up);
  for (auto now = Clock::now(); now - started < length; now = Clock::now()) {
    message[0]++;
    sent++;
    Checked(send(fd, message, sizeof(message), 0), "send");
    if (!Answered(fd, message[0]))
      lost++;
    else if (now >= started)
      times.push_back(std::chrono::duration<double, std::micro>(Clock::now() - now).count());
  }
  if (stream) lost = SentAgain(fd) - sent_again;
  std::sort(times.begin(), times.end());
  auto quantile = [&](double share) {
    return times.empty() ? 0 : times[static_cast<size_t>(share * (times.size() - 1))];
  };
  std::printf("{\"sent\":%u,\"lost\":%u,\"p50_us\":%.3f,\"p90_us\":%.3f,\"p99_us\":%.3f}\n", sent,
              lost, quantile(0.5), quantile(0.9), quantile(0.99));
  std::fflush(stdout);
}

/// A game for every line that is read.
void PlayAll(bool stream, const sockaddr_in& to) {
  int fd = Connect(stream ? SOCK_STREAM : SOCK_DGRAM, to);
  timeval patience = {.tv_sec = 0, .tv_usec = 200'000};
  if (stream)
    SetNoDelay(fd);
  else
    Checked(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)), "setsockopt");
  std::puts("ready");
  std::fflush(stdout);
  double seconds;
  double warm_up;
  while (std::scanf("%lf %lf", &seconds, &warm_up) == 2)
    Play(fd, stream, Seconds(seconds), Seconds(warm_up));
}

}  // namespace

int main(int argc, char** argv) {
  std::string verb = argc > 1 ? argv[1] : "";
  if (verb == "serve" && argc == 3) {
    Serve(argv[2]);
  } else if ((verb == "udp" || verb == "tcp") && argc == 4) {
    PlayAll(verb == "tcp", Endpoint(argv[2], argv[3]));
  } else {
    std::fputs("usage: ping_pong serve PORT | udp|tcp ADDRESS PORT\n", stderr);
    return 2;
  }
}

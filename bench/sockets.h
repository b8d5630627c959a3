// What the benchmarks' programs share: calls that must succeed, and IPv4 endpoints.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

/// The result of a system call; ends the program when it failed.
inline int Checked(int result, const char* call) {
  if (result >= 0) return result;
  std::fprintf(stderr, "%s: %s\n", call, std::strerror(errno));
  std::exit(1);
}

inline sockaddr_in Endpoint(const char* address, const char* port) {
  sockaddr_in endpoint = {};
  endpoint.sin_family = AF_INET;
  endpoint.sin_port = htons(static_cast<uint16_t>(std::atoi(port)));
  if (inet_pton(AF_INET, address, &endpoint.sin_addr) == 1) return endpoint;
  std::fprintf(stderr, "expected an IPv4 address, received %s\n", address);
  std::exit(2);
}

inline void Bind(int fd, const sockaddr_in& to) {
  int on = 1;
  Checked(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)), "setsockopt");
  Checked(bind(fd, reinterpret_cast<const sockaddr*>(&to), sizeof(to)), "bind");
}

/// A TCP socket that listens on every address; says so on standard output.
inline int Listen(const char* port) {
  constexpr int kBacklog = 4096;
  int listener = Checked(socket(AF_INET, SOCK_STREAM, 0), "socket");
  Bind(listener, Endpoint("0.0.0.0", port));
  Checked(listen(listener, kBacklog), "listen");
  std::puts("ready");
  std::fflush(stdout);
  return listener;
}

/// A socket of that type, connected.
inline int Connect(int type, const sockaddr_in& to) {
  int fd = Checked(socket(AF_INET, type, 0), "socket");
  Checked(connect(fd, reinterpret_cast<const sockaddr*>(&to), sizeof(to)), "connect");
  return fd;
}

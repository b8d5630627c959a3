// The bare redirect between two interfaces: bench/bpf/redirect.bpf.c.
//
//   redirect INTERFACE MAC INTERFACE MAC
//
// MAC is that of the host behind the interface. It ends when its input does; the program stays.
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <cstdio>

#include "program.h"

namespace {

void OwnMac(const char* interface, uint8_t* to) {
  ifreq request = {};
  std::snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", interface);
  int fd = socket(AF_INET, SOCK_DGRAM, 0);
  if (fd < 0 || ioctl(fd, SIOCGIFHWADDR, &request) < 0) Refuse("the MAC address of an interface");
  std::memcpy(to, request.ifr_hwaddr.sa_data, 6);
  close(fd);
}

way Way(const char* from, const char* to, const char* host) {
  way way = {.from = static_cast<uint32_t>(InterfaceIndex(from)),
             .to = static_cast<uint32_t>(InterfaceIndex(to)),
             .macs = {}};
  ReadMac(host, way.macs);
  OwnMac(to, way.macs + 6);
  return way;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 5) {
    std::fputs("usage: redirect INTERFACE MAC INTERFACE MAC\n", stderr);
    return 2;
  }
  way ways[] = {Way(argv[1], argv[3], argv[4]), Way(argv[3], argv[1], argv[2])};
  Program program("redirect", ways, sizeof(ways));
  for (const way& way : ways) program.Attach(static_cast<int>(way.from));
  std::puts("ready");
  std::fflush(stdout);
  std::getchar();
}

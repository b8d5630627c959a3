// A BPF object of one XDP program with its read-only data and its counts.
#pragma once

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <netinet/ether.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

#include "bpf/frames.h"

/// Ends the program with what it expected.
[[noreturn]] inline void Refuse(const std::string& expected) {
  std::fprintf(stderr, "expected %s: %s\n", expected.c_str(), std::strerror(errno));
  std::exit(1);
}

inline int InterfaceIndex(const char* name) {
  unsigned index = if_nametoindex(name);
  if (index == 0) Refuse(std::string("an interface, received ") + name);
  return static_cast<int>(index);
}

/// Six bytes of a MAC address in colons.
inline void ReadMac(const char* text, uint8_t* to) {
  if (!ether_aton_r(text, reinterpret_cast<ether_addr*>(to)))
    Refuse(std::string("a MAC address, received ") + text);
}

/// A loaded program. It stays attached to the interfaces until the process that runs it ends it, or
/// the interface goes.
class Program {
 public:
  /// `data`: the object's read-only data, whole.
  Program(const std::string& name, const void* data, size_t size) {
    // The objects lie beside the program.
    char self[4096] = {};
    if (readlink("/proc/self/exe", self, sizeof(self) - 1) < 0) Refuse("/proc/self/exe");
    std::string folder(self, std::strrchr(self, '/'));
    object_ = bpf_object__open_file((folder + "/" + name + ".bpf.o").c_str(), nullptr);
    if (!object_) Refuse("the object of " + name);
    bpf_map* constants = bpf_object__find_map_by_name(object_, ".rodata");
    if (!constants || bpf_map__set_initial_value(constants, data, size))
      Refuse("room for the plan of " + name);
    if (bpf_object__load(object_)) Refuse("a kernel that takes " + name);
    program_ = bpf_object__find_program_by_name(object_, name.c_str());
  }

  ~Program() { bpf_object__close(object_); }

  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;

  int Fd() const { return bpf_program__fd(program_); }

  void Attach(int ifindex) const {
    if (bpf_xdp_attach(ifindex, Fd(), XDP_FLAGS_DRV_MODE, nullptr)) Refuse("native XDP");
  }

  /// What the program has counted: the beginning of its zeroed data.
  frame_counts Counts() const {
    char data[256];
    frame_counts counts;
    bpf_map* map = bpf_object__find_map_by_name(object_, ".bss");
    uint32_t zero = 0;
    if (bpf_map__value_size(map) > sizeof(data) ||
        bpf_map_lookup_elem(bpf_map__fd(map), &zero, data))
      Refuse("counts");
    std::memcpy(&counts, data, sizeof(counts));
    return counts;
  }

 private:
  bpf_object* object_ = nullptr;
  bpf_program* program_ = nullptr;
};

inline void PrintCounts(const frame_counts& counts) {
  std::printf("{\"known\":%llu,\"opening\":%llu}\n", counts.known, counts.opening);
  std::fflush(stdout);
}

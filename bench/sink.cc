// Counts and drops the frames that come to or from a port: bench/bpf/sink.bpf.c.
//
//   sink INTERFACE PORT
//
// It prints what it has counted as a JSON object, once at the start and at every line that it
// reads: known, opening.
#include <arpa/inet.h>

#include <cstdio>

#include "program.h"

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fputs("usage: sink INTERFACE PORT\n", stderr);
    return 2;
  }
  uint16_t port = htons(static_cast<uint16_t>(std::atoi(argv[2])));
  Program program("sink", &port, sizeof(port));
  program.Attach(InterfaceIndex(argv[1]));
  do PrintCounts(program.Counts());
  while (std::getchar() == '\n');
}

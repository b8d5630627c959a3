// Counts and drops the frames that come to a port, or from it: bench/bpf/sink.bpf.c.
//
//   sink INTERFACE to|from PORT
//
// It prints what it has counted as a JSON object, once at the start and at every line that it
// reads: known, opening.
#include <arpa/inet.h>

#include <cstdio>

#include "program.h"

int main(int argc, char** argv) {
  std::string end = argc == 4 ? argv[2] : "";
  if (end != "to" && end != "from") {
    std::fputs("usage: sink INTERFACE to|from PORT\n", stderr);
    return 2;
  }
  sunk sunk = {};
  sunk.port = htons(static_cast<uint16_t>(std::atoi(argv[3])));
  sunk.is_source = end == "from";
  Program program("sink", &sunk, sizeof(sunk));
  program.Attach(InterfaceIndex(argv[1]));
  do PrintCounts(program.Counts());
  while (std::getchar() == '\n');
}

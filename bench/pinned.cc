// Runs XDP programs by BPF_PROG_TEST_RUN on several CPUs at once, a pinned thread for each.
//
//   pinned FRAME_BYTES REPEAT CPU:PROGRAM_ID ...
//
// Prints what each took for one packet, in nanoseconds, as a JSON array.
#include <bpf/bpf.h>
#include <sched.h>

#include <latch>
#include <thread>
#include <vector>

#include "sockets.h"

namespace {

struct Runner {
  int cpu;
  int program;
  uint32_t duration_ns = 0;
};

Runner Parse(const char* argument) {
  unsigned cpu = 0, id = 0;
  if (std::sscanf(argument, "%u:%u", &cpu, &id) != 2) {
    std::fprintf(stderr, "expected CPU:PROGRAM_ID, received %s\n", argument);
    std::exit(2);
  }
  return {static_cast<int>(cpu), Checked(bpf_prog_get_fd_by_id(id), "bpf_prog_get_fd_by_id")};
}

void Run(Runner& runner, const std::vector<char>& frame, int repeat) {
  LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = frame.data(),
              .data_size_in = static_cast<uint32_t>(frame.size()), .repeat = repeat);
  Checked(bpf_prog_test_run_opts(runner.program, &options), "bpf_prog_test_run_opts");
  runner.duration_ns = options.duration;
}

void Pin(int cpu) {
  cpu_set_t cpus;
  CPU_ZERO(&cpus);
  CPU_SET(cpu, &cpus);
  Checked(sched_setaffinity(0, sizeof(cpus), &cpus), "sched_setaffinity");
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 4) {
    std::fprintf(stderr, "usage: pinned FRAME_BYTES REPEAT CPU:PROGRAM_ID ...\n");
    return 2;
  }
  std::vector<char> frame(static_cast<size_t>(std::atoi(argv[1])));
  int repeat = std::atoi(argv[2]);
  std::vector<Runner> runners;
  for (int i = 3; i < argc; i++) runners.push_back(Parse(argv[i]));

  std::latch start(static_cast<ptrdiff_t>(runners.size()));
  std::vector<std::jthread> threads;
  for (Runner& runner : runners)
    threads.emplace_back([&] {
      Pin(runner.cpu);
      start.arrive_and_wait();
      Run(runner, frame, repeat);
    });
  threads.clear();
  for (size_t i = 0; i < runners.size(); i++)
    std::printf("%s%u", i ? "," : "[", runners[i].duration_ns);
  std::printf("]\n");
}

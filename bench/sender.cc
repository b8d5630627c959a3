// Sends frames of many flows out of an interface: bench/bpf/sender.bpf.c in a live-frame run.
//
//   sender KEY=VALUE...
//
//   interface=NAME gateway=MAC to=ADDRESS port=NUMBER    whence and whither
//   protocol=udp|tcp                                     TCP: ACK, or SYN of a new flow
//   seconds=NUMBER [rate=NUMBER] [limit=NUMBER]          frames a second, and in all
//   [burst=NUMBER]                                       so many at once
//   [flow_bits=NUMBER]                                   established flows: 2 to that power
//   [new_every=NUMBER [first_new=NUMBER]]                one frame of so many opens a new flow
//   [open=1]                                             a SYN for every frame: opens the flows
//
// A run takes its time to start and to end, so there is only one, which a timer or SIGTERM
// ends. It prints one JSON object: known, opening.
#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/tcp.h>
#include <linux/udp.h>
#include <sys/time.h>

#include <cmath>
#include <csignal>
#include <map>

#include "program.h"

namespace {

using Options = std::map<std::string, std::string>;

constexpr uint8_t kTtl = 64;
/// Frames that a sender may have been held up by: they come at once, and rings hold 256.
constexpr uint32_t kArrears = 128;
constexpr uint16_t kTcpWords = 5 << 12;
constexpr uint16_t kSyn = 0x02;
constexpr uint16_t kAck = 0x10;

struct Frame {
  ethhdr link;
  iphdr ip;
  union {
    tcphdr tcp;
    udphdr udp;
  };
  uint8_t padding[SENT_FRAME_BYTES - sizeof(ethhdr) - sizeof(iphdr) - sizeof(tcphdr)];
} __attribute__((packed));
static_assert(sizeof(Frame) == SENT_FRAME_BYTES);

/// RFC 1071, not folded.
uint32_t Sum(const void* bytes, size_t size) {
  uint32_t sum = 0;
  for (size_t i = 0; i + 1 < size; i += 2) {
    uint16_t word;
    std::memcpy(&word, static_cast<const char*>(bytes) + i, sizeof(word));
    sum += word;
  }
  return sum;
}

double Number(const Options& options, const char* key, double otherwise = 0) {
  auto found = options.find(key);
  return found == options.end() ? otherwise : std::atof(found->second.c_str());
}

const char* Text(const Options& options, const char* key) {
  auto found = options.find(key);
  if (found == options.end()) Refuse(std::string("a value of ") + key);
  return found->second.c_str();
}

plan Plan(const Options& options) {
  bool tcp = std::string(Text(options, "protocol")) == "tcp";
  size_t transport = tcp ? sizeof(tcphdr) : SENT_FRAME_BYTES - sizeof(ethhdr) - sizeof(iphdr);
  Frame frame = {};
  ReadMac(Text(options, "gateway"), frame.link.h_dest);
  // A bridge takes no frame that comes from nowhere.
  frame.link.h_source[0] = 2;
  frame.link.h_proto = htons(ETH_P_IP);
  frame.ip.version = 4;
  frame.ip.ihl = sizeof(iphdr) / 4;
  frame.ip.tot_len = htons(sizeof(iphdr) + transport);
  frame.ip.ttl = kTtl;
  frame.ip.protocol = tcp ? IPPROTO_TCP : IPPROTO_UDP;
  if (inet_pton(AF_INET, Text(options, "to"), &frame.ip.daddr) != 1) Refuse("an IPv4 address");
  frame.udp.dest = htons(static_cast<uint16_t>(Number(options, "port")));
  if (!tcp) frame.udp.len = htons(transport);

  plan plan = {};
  std::memcpy(plan.frame, &frame, sizeof(frame));
  plan.ip_sum = Sum(&frame.ip, sizeof(frame.ip));
  // With the pseudo header: addresses, protocol, length. The source is added to every frame.
  plan.transport_sum = Sum(&frame.udp, transport) + Sum(&frame.ip.daddr, 4) +
                       htons(frame.ip.protocol) + htons(transport);
  plan.ifindex = static_cast<uint32_t>(InterfaceIndex(Text(options, "interface")));
  plan.flow_bits = static_cast<uint32_t>(Number(options, "flow_bits"));
  plan.new_every = static_cast<uint32_t>(Number(options, "new_every"));
  plan.first_new = static_cast<uint32_t>(Number(options, "first_new"));
  bool open = Number(options, "open") != 0;
  plan.known_flags = tcp ? htons(kTcpWords | (open ? kSyn : kAck)) : 0;
  plan.new_flags = tcp ? htons(kTcpWords | kSyn) : 0;
  double rate = Number(options, "rate");
  plan.burst = static_cast<uint32_t>(Number(options, "burst", 1));
  plan.interval_ns = rate > 0 ? static_cast<uint64_t>(1e9 * plan.burst / rate) : 0;
  plan.arrears_ns = plan.interval_ns * (kArrears / plan.burst);
  plan.limit = static_cast<uint64_t>(Number(options, "limit", 1e18));
  return plan;
}

/// Runs the program on live frames until the time is over.
void Run(const Program& program, double seconds) {
  char frame[SENT_FRAME_BYTES] = {};
  bpf_test_run_opts run = {};
  run.sz = sizeof(run);
  run.data_in = frame;
  run.data_size_in = sizeof(frame);
  run.repeat = INT32_MAX;
  run.flags = BPF_F_TEST_XDP_LIVE_FRAMES;

  struct sigaction end = {};
  end.sa_handler = [](int) {};  // a signal is enough to end the run
  for (int signal : {SIGALRM, SIGTERM}) sigaction(signal, &end, nullptr);
  double whole = std::floor(seconds);
  itimerval timer = {};
  timer.it_value.tv_sec = static_cast<time_t>(whole);
  timer.it_value.tv_usec = static_cast<suseconds_t>((seconds - whole) * 1e6);
  setitimer(ITIMER_REAL, &timer, nullptr);
  if (bpf_prog_test_run_opts(program.Fd(), &run) && errno != EINTR) Refuse("live frames");
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  for (int i = 1; i < argc; i++) {
    std::string word = argv[i];
    size_t equals = word.find('=');
    if (equals == std::string::npos) Refuse("KEY=VALUE, received " + word);
    options[word.substr(0, equals)] = word.substr(equals + 1);
  }
  plan plan = Plan(options);
  Program program("sender", &plan, sizeof(plan));
  Run(program, Number(options, "seconds", 1));
  PrintCounts(program.Counts());
}

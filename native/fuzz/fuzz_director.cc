// Fuzzes the packet code: one input is a small director's life, frames and other events in turn.
//
//   input -> FuzzWorld -> event, event, … where an event is
//              a built frame   headers around a known five-tuple, perhaps damaged (frame.h)
//              a raw frame     the input's own bytes
//              the frame that was raised last, with a destination from the slow path
//              the clock, a sweep, a next hop, tickets, a changed rule
//
// Each frame runs through the packet code once; check.h says what must hold then. Statistics say
// at the end what was reached. .ci/fuzz builds and runs this; build/fuzz/fuzz_director FILE runs a
// finding again. test/vectors/fuzz_corpus are inputs that reach every line, chosen from a long
// run's by build/fuzz/fuzz_director -set_cover_merge=1 -use_counters=0 test/vectors/fuzz_corpus RUN
#include <utility>

#include "check.h"
#include "frame.h"
#include "fuzz_world.h"
#include "statistics.h"

namespace {

constexpr size_t kLongestRawFrame = 512;

Statistics statistics;

/// One director and the packets that reach it.
class Life {
 public:
  explicit Life(Input* input) : input_(input), world_(input) {}

  void Run() {
    while (!input_->empty()) Event();
    statistics.CountSpilled(world_.CheckTables());
  }

 private:
  void Event() {
    uint8_t event = input_->Byte();
    if (event < 0xb0) return RunBuilt();
    if (event < 0xc0) return RunRaw();
    switch (event & 15) {
      case 0 ... 2:
        world_.AdvanceClock(input_);
        break;
      case 3:
        world_.Sweep();
        break;
      case 4 ... 5:
        world_.PutRoute(world_.ChooseTarget(input_), input_);
        break;
      case 6 ... 7:
        world_.PutRoute(wanted_, input_);
        break;
      case 8 ... 11:
        world_.ChangeRing(input_);
        break;
      case 12 ... 13:
        world_.ChangeRules(input_);
        break;
      default:
        if (!raised_.empty()) RunDecided();
    }
    statistics.CountSpilled(world_.CheckTables());
  }

  void RunBuilt() {
    flow flow = world_.ChooseFlow(input_);
    RunPacket(BuildFrame(flow, world_.ChecksumThatVanishes(flow), input_));
  }

  void RunRaw() {
    auto bytes = input_->Bytes(input_->Word() % kLongestRawFrame);
    RunPacket({bytes.begin(), bytes.end()});
  }

  /// The frame that was raised last is sent where the slow path has decided.
  void RunDecided() {
    world_.Tables()->decided = world_.ChooseDestination(service_, input_);
    RunPacket(std::exchange(raised_, {}));
    world_.Tables()->decided = NO_DESTINATION;
  }

  void RunPacket(const std::vector<uint8_t>& before) {
    Frame frame(before);
    auto error = static_cast<icmp_error>(packets_++ % 3);
    if (CheckIcmpError(frame.bytes(), error)) statistics.Count(error);

    if (world_.CompareWays(before)) statistics.CountExpress();
    world* tables = world_.Tables();
    const opening& opening = tables->notes.opening;
    journey j;
    verdict verdict = world_.Run(frame.bytes(), &j);
    CheckJourney({before, tables->frame, *tables, j, verdict});
    statistics.Count(Dissect(before), verdict);
    if (opening.is_new) statistics.CountOpened(tables->decided == NO_DESTINATION);
    if (verdict == VERDICT_RAISED_ROUTE) wanted_ = tables->notes.resolution.target;
    if (verdict != VERDICT_RAISED_NEW) return;
    raised_ = before;
    service_ = opening.service;
  }

  Input* input_;
  FuzzWorld world_;
  uint64_t packets_ = 0;
  /// What the last raised packets ask for: a destination of this service, and a next hop.
  std::vector<uint8_t> raised_;
  uint32_t service_ = 0;
  address wanted_ = {};
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  Input input({data, size});
  Life(&input).Run();
  return 0;
}

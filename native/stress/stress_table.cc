// Threads that send, publish, expire, list and edit at once, over one small connection table.
//
//   stress_table SECONDS [SEED]
//
// A round is some hundred packets of each sender on a table that was emptied before; when all have
// sent theirs, everything is counted and compared. Threads have no order that a seed could repeat:
// the seed chooses what each of them does.
#include <chrono>
#include <cinttypes>
#include <latch>
#include <map>
#include <random>
#include <thread>

#include "actors.h"
#include "expect.h"

namespace {

constexpr uint32_t kSteps = 500;
/// Of those that do not send, between two steps, and of all now and then.
constexpr auto kRest = std::chrono::microseconds(200);
constexpr uint32_t kMostBuckets = 4;

constexpr uint32_t kYields = 8;

/// Gives others a turn at one access in so many, another number in each round.
std::atomic<uint32_t> run_length = 1;

void PlayRound(Cast& cast) {
  std::atomic<uint32_t> sending = kSenders;
  std::latch start(static_cast<ptrdiff_t>(cast.size()));
  std::vector<std::jthread> threads;
  for (uint32_t i = 0; i < cast.size(); i++)
    threads.emplace_back([&, i] {
      start.arrive_and_wait();
      bool sends = i < kSenders;
      for (uint32_t step = 0; sends ? step < kSteps : sending.load() != 0; step++) {
        cast[i]->Step();
        if (!sends) std::this_thread::sleep_for(kRest);
      }
      sending -= sends;
    });
}

}  // namespace

void Pause() {
  thread_local Random chance(std::hash<std::thread::id>()(std::this_thread::get_id()));
  if (chance.Below(run_length.load(std::memory_order_relaxed)) != 0) return;
  // Others get their turn, and now and then the time for whole packets.
  if (chance.Below(kYields) != 0) return std::this_thread::yield();
  std::this_thread::sleep_for(kRest);
}

int main(int argc, char** argv) {
  double seconds = argc > 1 ? strtod(argv[1], nullptr) : 5;
  uint64_t seed = argc > 2 ? strtoull(argv[2], nullptr, 10) : std::random_device()();
  printf("stress: seed %" PRIu64 "\n", seed);
  fflush(stdout);
  Random random(seed);
  auto until = std::chrono::steady_clock::now() + std::chrono::duration<double>(seconds);
  uint64_t rounds = 0;
  std::map<std::string, uint64_t> done;
  do {
    Arena arena(1 + random.Below(kMostBuckets), random.Word());
    Cast cast = NewCast(&arena, random.Word());
    run_length = 8 << random.Below(8);
    PlayRound(cast);
    arena.Check();
    for (auto& actor : cast) {
      actor->Check();
      done[actor->name()] += actor->done();
    }
    rounds++;
  } while (std::chrono::steady_clock::now() < until);
  printf("stress: %" PRIu64 " rounds", rounds);
  for (const auto& [name, count] : done) printf(", %" PRIu64 " %s", count, name.c_str());
  printf("\n");
}

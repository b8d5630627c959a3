#include "actors.h"

#include "client.h"
#include "expect.h"

namespace {

/// Expires what has been silent, while time goes by.
class Sweeper : public Actor {
 public:
  Sweeper(Arena* arena, uint64_t seed) : arena_(arena), table_(arena->NewWorld()), random_(seed) {}

  const char* name() const override { return "swept"; }

  void Step() override {
    arena_->Advance(random_.Below(8));
    done_ += table_.Sweep(arena_->now()).ended;
  }

 private:
  Arena* arena_;
  ConnectionTable table_;
  Random random_;
};

/// Reads every slot, as a listing does.
class Lister : public Actor {
 public:
  explicit Lister(Arena* arena) : world_(arena->NewWorld()), slots_(arena->slots()) {}

  const char* name() const override { return "listed"; }

  void Step() override {
    for (uint32_t slot = 0; slot < slots_; slot++) done_ += ReadRow(slot);
  }

 private:
  bool ReadRow(uint32_t slot) {
    connection* conn = connection_at(&world_, slot);
    uint32_t state = LOAD(&conn->state);
    uint64_t virtual_end = LOAD(&reinterpret_cast<word*>(conn)[WORD_VIRTUAL]);
    uint64_t destination_end = LOAD(&reinterpret_cast<word*>(conn)[WORD_DESTINATION]);
    uint32_t index = LOAD(&conn->destination);
    if ((state & SLOT_PHASE) != SLOT_LIVE || !is_alive(conn, state)) return false;
    Expect(index < kAllDestinations, "a row's destination");
    destination listed = DestinationOf(index);
    Expect(static_cast<__be16>(destination_end >> 32) == listed.dport, "a row's port");
    if (listed.family == FAMILY_IPV6) return true;
    address vaddr = KeyOf(static_cast<Service>(index / kDestinations)).vaddr;
    Expect(memcmp(&listed.daddr, &destination_end, 4) == 0, "a row of one destination");
    Expect(memcmp(&vaddr, &virtual_end, 4) == 0, "a row of one service");
    return true;
  }

  world world_;
  uint32_t slots_;
};

/// Publishes a service's tickets, and takes back those that were not used: as TypeScript does.
class Publisher : public Actor {
 public:
  Publisher(Arena* arena, Service service, uint64_t seed)
      : arena_(arena), service_(service), random_(seed), first_(Head()) {}

  const char* name() const override { return "published"; }

  void Step() override {
    uint32_t from = random_.Below(4) ? Limit() : SetLimit([](uint32_t head) { return head; });
    // Most of the ring is left alone: a thread that has taken a ticket may read it late.
    uint32_t to = Head() + random_.Below(kMostAhead);
    if (static_cast<int32_t>(to - from) <= 0) return;
    drawn_.resize(from - first_);
    for (uint32_t place = from; place != to; place++) {
      drawn_.push_back(service_ * kDestinations + random_.Below(Choices()));
      STORE(&arena_->TicketAt(service_, place), drawn_.back());
    }
    SetLimit([to](uint32_t) { return to; });
    done_ += to - from;
  }

  /// Each ticket was used once: none twice, and none left out.
  void Check() override {
    if (service_ == kEdited) return;
    std::vector<uint64_t> used(kAllDestinations);
    for (uint32_t place = 0; place != Head() - first_; place++) used[drawn_[place]]++;
    for (uint32_t index = service_ * kDestinations; index < (service_ + 1) * kDestinations; index++)
      Expect(arena_->Opened(index) == used[index], "as many connections as tickets");
  }

 private:
  static constexpr uint32_t kMostAhead = 64;

  __u64* Window() { return &arena_->ScheduleOf(service_).window; }
  uint32_t Head() { return static_cast<uint32_t>(LOAD(Window())); }
  uint32_t Limit() { return static_cast<uint32_t>(LOAD(Window()) >> 32); }
  uint32_t Choices() const { return service_ == kEdited ? kEditable : kDestinations; }

  /// Moves the limit to where it is wanted for the head; returns where that is.
  template <typename LimitFor>
  uint32_t SetLimit(LimitFor limit_for) {
    for (;;) {
      uint64_t window = LOAD(Window());
      auto head = static_cast<uint32_t>(window);
      uint32_t limit = limit_for(head);
      if (SWAP_IF(Window(), window, uint64_t{limit} << 32 | head) == window) return limit;
    }
  }

  Arena* arena_;
  Service service_;
  Random random_;
  /// The place it began at, and the tickets from there on.
  uint32_t first_;
  std::vector<uint32_t> drawn_;
};

/// Quiesces and removes destinations, ends their connections, and takes them back; changes the
/// routes.
class Editor : public Actor {
 public:
  Editor(Arena* arena, uint64_t seed) : arena_(arena), world_(arena->NewWorld()), random_(seed) {
    arena_->Destination(kFirst).upper = 1;
    arena_->Destination(kFirst + 1).upper = 3;
  }

  const char* name() const override { return "edited"; }

  void Step() override {
    if (random_.Below(kOtherChanges) == 0) arena_->ChangeRoutes();
    uint32_t index = kFirst + random_.Below(kEditable);
    destination& edited = arena_->Destination(index);
    STORE(random_.Below(2) ? &edited.weight : &edited.available, 0);
    uint32_t admitted = total_of(LOAD(counts_of(&edited)));
    arena_->AwaitPackets();
    uint32_t total = total_of(LOAD(counts_of(&edited)));
    Expect(total <= admitted, "nothing new to a closed destination");
    Expect(!edited.upper || total <= edited.upper, "no more than the upper threshold");
    arena_->EndAllOf(&world_, index);
    STORE(&edited.weight, 1);
    STORE(&edited.available, 1);
    done_++;
  }

 private:
  static constexpr uint32_t kFirst = kEdited * kDestinations;
  /// Of so many changes one is of the routes too.
  static constexpr uint32_t kOtherChanges = 16;

  Arena* arena_;
  world world_;
  Random random_;
};

/// Replaces a service's table by one in which a destination has no slot: as TypeScript does.
class Mover : public Actor {
 public:
  Mover(Arena* arena, uint64_t seed) : arena_(arena), world_(arena->NewWorld()), random_(seed) {
    Publish(kEditable);
  }

  const char* name() const override { return "moved"; }

  void Step() override {
    uint32_t loser = random_.Below(kEditable), index = kFirst + loser;
    Publish(loser);
    uint32_t admitted = total_of(LOAD(counts_of(&arena_->Destination(index))));
    // Nobody reads the table before any more, so its lines are the next one's.
    arena_->AwaitPackets();
    uint32_t total = total_of(LOAD(counts_of(&arena_->Destination(index))));
    Expect(total <= admitted, "nothing new to a destination without slots");
    arena_->EndAllOf(&world_, index);
    done_++;
  }

 private:
  static constexpr uint32_t kFirst = kMoved * kDestinations;
  /// Slots of a byte each, in two numbers.
  static constexpr uint32_t kSlots = 8;

  void Publish(uint32_t loser) {
    schedule& schedule = arena_->ScheduleOf(kMoved);
    uint32_t next = (schedule.generation + 1) & 1;
    uint32_t slots_line = schedule.ring_line + 2 * next, members_line = slots_line + 1;
    auto number = [&](uint32_t line, uint32_t place) -> __u32& {
      return arena_->TicketAt(kMoved, (line - schedule.ring_line) * TICKETS_PER_LINE + place);
    };
    for (uint32_t i = 0; i < kEditable; i++) STORE(&number(members_line, i), kFirst + i);
    for (uint32_t i = 0; i < kSlots / 4; i++) STORE(&number(slots_line, i), FourSlots(loser));
    table& table = schedule.tables[next];
    STORE(&table.slots, kSlots);
    STORE(&table.members, kEditable);
    STORE(&table.kind, random_.Below(2) ? TABLE_SIPHASH : TABLE_PORT);
    STORE(&table.slots_line, slots_line);
    STORE(&table.members_line, members_line);
    ADD(&schedule.generation, 1);
  }

  uint32_t FourSlots(uint32_t loser) {
    uint32_t slots = 0;
    for (uint32_t i = 0; i < 4; i++)
      slots = slots << 8 | (loser + 1 + random_.Below(kEditable - 1)) % kEditable;
    return slots;
  }

  Arena* arena_;
  world world_;
  Random random_;
};

}  // namespace

Cast NewCast(Arena* arena, uint64_t seed) {
  Random random(seed);
  Cast cast;
  for (uint32_t i = 0; i < kSenders; i++)
    cast.push_back(std::make_unique<Client>(arena, i, random.Word()));
  for (Service service : {kCounted, kSwept, kEdited})
    cast.push_back(std::make_unique<Publisher>(arena, service, random.Word()));
  cast.push_back(std::make_unique<Sweeper>(arena, random.Word()));
  cast.push_back(std::make_unique<Lister>(arena));
  cast.push_back(std::make_unique<Editor>(arena, random.Word()));
  cast.push_back(std::make_unique<Mover>(arena, random.Word()));
  return cast;
}

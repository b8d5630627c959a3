#include "client.h"

#include "expect.h"

namespace {

constexpr uint8_t kFlags[] = {TCP_SYN, TCP_SYN, TCP_ACK, TCP_FIN | TCP_ACK, TCP_RST};
/// One client in so many has a flow that one thread has to itself.
constexpr uint32_t kOwned = 2;
/// Chosen by the slow path, one in so many.
constexpr uint32_t kDecided = 8;

bool IsOwned(uint32_t flow) {
  return ServiceOf(flow) == kCounted && flow / kServices % kOwned == kOwned - 1;
}

uint32_t OwnerOf(uint32_t flow) { return flow / kServices / kOwned % kSenders; }

uint32_t LifeOf(uint32_t state) { return state / SLOT_LIFE; }

}  // namespace

Client::Client(Arena* arena, uint32_t number, uint64_t seed)
    : arena_(arena),
      world_(arena->NewWorld()),
      number_(number),
      random_(seed),
      memories_(kFlows),
      held_(memories_.size()) {}

void Client::Step() {
  uint32_t flow = random_.Below(kFlows);
  if (!IsOwned(flow)) return UseShared(flow);
  if (OwnerOf(flow) == number_) UseOwn(flow);
}

void Client::UseShared(uint32_t flow) {
  bool is_edited = IsEdited(ServiceOf(flow));
  uint32_t choices = is_edited ? 3 : std::size(kFlags);
  verdict verdict = Send(flow, kFlags[random_.Below(choices)]);
  if (verdict == VERDICT_FORWARDED_IN && !is_edited && random_.Below(2)) End();
  if (memories_[flow].last.life != 0 && random_.Below(2)) SendReply(flow);
}

void Client::UseOwn(uint32_t flow) {
  if (!held_[flow]) {
    verdict verdict = Send(flow, TCP_SYN);
    held_[flow] = verdict == VERDICT_FORWARDED_IN;
    return;
  }
  Sighting opened = memories_[flow].last;
  verdict verdict = random_.Below(2) ? SendReply(flow) : Send(flow, TCP_ACK);
  if (verdict == VERDICT_RAISED_ROUTE) return;
  Expect(verdict == VERDICT_FORWARDED_IN || verdict == VERDICT_FORWARDED_OUT,
         "a connection that is found until it is ended");
  Expect(memories_[flow].last.Is(opened), "the same connection until it is ended");
  if (random_.Below(4) != 0) return;
  Expect(End(), "an end of a connection that nobody else ends");
  held_[flow] = false;
  verdict = Send(flow, TCP_ACK);
  Expect(verdict == VERDICT_PASSED_NOT_SYN, "no connection after its end");
}

verdict Client::Run(Frame& frame) {
  done_++;
  arena_->Tick(number_);
  verdict verdict = RunDirector(&world_, frame.bytes(), &journey_);
  arena_->Tick(number_);
  return verdict;
}

verdict Client::Send(uint32_t flow, uint8_t tcp_flags) {
  struct flow request = RequestOf(flow);
  Frame frame(request, tcp_flags);
  world_.now = arena_->now();
  world_.decided = NO_DESTINATION;
  if (ServiceOf(flow) == kEdited && random_.Below(kDecided) == 0)
    world_.decided = kEdited * kDestinations + kLimited + random_.Below(kEditable - kLimited);
  verdict verdict = Run(frame);
  if (verdict != VERDICT_FORWARDED_IN) {
    Expect(verdict == VERDICT_RAISED_NEW || verdict == VERDICT_RAISED_ROUTE ||
               verdict == VERDICT_DROPPED_TABLE_FULL || verdict == VERDICT_PASSED_NOT_SYN ||
               verdict == VERDICT_DROPPED_DESTINATION_REMOVED,
           "a verdict on a client's packet");
    return verdict;
  }
  struct flow sent = frame.Read();
  uint32_t destination = DestinationAt(sent.daddr, sent.family);
  Expect(destination / kDestinations == ServiceOf(flow), "a destination of the flow's service");
  Expect(frame.Target() == MacOf(sent.daddr), "the next hop to the destination");
  Expect(memcmp(&sent.saddr, &request.saddr, 16) == 0 && sent.sport == request.sport,
         "the client's own address and port");
  Expect(sent.dport == DestinationOf(destination).dport, "the destination's port");
  Remember({journey_.slot, LifeOf(journey_.state), flow, destination});
  return verdict;
}

verdict Client::SendReply(uint32_t flow) {
  uint32_t destination = memories_[flow].last.destination;
  Frame frame(ReplyOf(flow, destination), TCP_ACK);
  world_.now = arena_->now();
  verdict verdict = Run(frame);
  if (verdict != VERDICT_FORWARDED_OUT) {
    Expect(verdict == VERDICT_PASSED_NOT_OURS || verdict == VERDICT_RAISED_NEW ||
               verdict == VERDICT_RAISED_ROUTE || verdict == VERDICT_PASSED_NOT_SYN,
           "a verdict on a destination's packet");
    return verdict;
  }
  struct flow sent = frame.Read();
  struct flow request = RequestOf(flow);
  Expect(memcmp(&sent.saddr, &request.daddr, 16) == 0 && sent.sport == request.dport,
         "a reply from the service");
  Expect(memcmp(&sent.daddr, &request.saddr, 16) == 0 && sent.dport == request.sport,
         "a reply to the client");
  Expect(frame.Target() == MacOf(sent.daddr), "the next hop to the client");
  Remember({journey_.slot, LifeOf(journey_.state), flow, destination});
  return verdict;
}

/// A connection that is met, then another, and then the first again was there with the other.
void Client::Remember(const Sighting& sighting) {
  auto [last, before] = memories_[sighting.flow];
  arena_->Witness(sighting);
  if (sighting.Is(last)) return;
  Expect(!sighting.Is(before), "one connection of a flow at a time");
  memories_[sighting.flow] = {sighting, last};
}

/// Ends the connection that the last packet went by, unless that is another by now.
bool Client::End() {
  uint32_t state = LOAD(&journey_.conn->state);
  if (!is_alive(journey_.conn, journey_.state)) return false;
  return end_connection(&world_, world_.settings, journey_.slot, state);
}

// The way back from the cores to a Door that may sleep, under every interleaving and every value a
// load may return: cores push into their outboxes and ring; the Door polls, collects, announces,
// looks once more and waits for an event. No completion is slept through, and the one alarm that
// makes the event is never armed again before its event was taken, also when the Door goes on for
// another reason and parks anew while a ring is still on its way. Outbox, doorbell and alarm gate
// are the real ones, the Door's loop is what door.cc does; the event stands for gRPC's completion
// queue. Then each memory order of the gate weakened, and each wrong use, must be caught.

#include <gtest/gtest.h>

#include <array>
#include <vector>

#include "core/doorbell.h"
#include "core/outbox.h"
#include "expectations.h"
#include "mutants/openalarmgate.h"
#include "rpc/alarm_gate.h"

namespace weft::model {
namespace {

constexpr size_t kCoresMax = 2;

struct Plan {
  std::vector<size_t> pushes;  // Of each core.
  size_t elapsed_waits = 0;    // So many of the Door's waits end without an event.
  bool has_hint = true;        // A core looks after each end, beside ringing at the end of a turn.
  bool leaves_after_announcing = false;
  // The wrong uses.
  bool looks_again = true;
  bool rings_for_sure = true;
  bool rings_before_pushing = false;
  bool leaves_after_looking = false;

  Options options() const { return {.threads = 1 + pushes.size()}; }
};

struct Entry {
  Cell<size_t> serial{0};
};

template <class Gate>
class DoorScenario : public Scenario {
 public:
  explicit DoorScenario(const Plan& plan) : plan_(plan) {
    for (const size_t count : plan.pushes) expected_ += count;
    doorbell_.argument = this;
    doorbell_.ring = [](void* self) { static_cast<DoorScenario*>(self)->Ring(); };
  }

  void Run(size_t thread) override {
    if (thread == 0) {
      while (Round() < expected_) Park();
    } else {
      for (size_t i = 0; i < plan_.pushes[thread - 1]; ++i) End(thread - 1, i);
      if (plan_.rings_for_sure && !plan_.rings_before_pushing) doorbell_.RingIfParked();
    }
  }

  void Finish() override { Require(received_ == expected_, "a completion was left"); }

 private:
  // ---- A core: Tell, FreeSlot and the end of its turn.

  void End(size_t core, size_t serial) {
    if (plan_.rings_before_pushing) doorbell_.RingIfParked();
    Require(outboxes_[core].HasRoom(1), "full was said of an outbox with room");
    Entry entry;
    entry.serial = serial;
    outboxes_[core].Push(entry);
    if (plan_.rings_before_pushing) return;
    if (plan_.has_hint && doorbell_.parking.LooksParked()) doorbell_.RingIfParked();
  }

  void Ring() {
    if (!gate_.Enter()) return;
    Require(!is_armed_.get(), "the alarm was armed before its event was taken");
    is_armed_ = true;
    // What the queue hands over, it orders.
    event_.fetch_add(1, std::memory_order_release);
    event_.Wake();
  }

  // ---- The Door: Round and Park.

  size_t Round() {
    TakeEvent();
    for (size_t core = 0; core < plan_.pushes.size(); ++core) Collect(core);
    return received_;
  }

  void Park() {
    doorbell_.parking.Announce();
    has_parked_ = true;
    if (plan_.leaves_after_announcing) PayLeave();
    const bool finds_none = !plan_.looks_again || !HasCompletions();
    PayLeave();
    if (finds_none) {
      if (waits_++ >= plan_.elapsed_waits) event_.Sleep(0);
      TakeEvent();
    }
    doorbell_.parking.Withdraw();
  }

  // Its handling is a part of taking it.
  void TakeEvent() {
    if (!has_parked_) return;  // Nobody rings before.
    if (event_.exchange(0, std::memory_order_acquire) == 0) return;
    is_armed_ = false;
    owes_leave_ = true;
    if (!plan_.leaves_after_announcing && !plan_.leaves_after_looking) PayLeave();
  }

  void PayLeave() {
    if (owes_leave_) gate_.Leave();
    owes_leave_ = false;
  }

  bool HasCompletions() {
    for (size_t core = 0; core < plan_.pushes.size(); ++core) {
      if (!outboxes_[core].empty()) return true;
    }
    return false;
  }

  void Collect(size_t core) {
    std::array<Entry, 2> entries;
    const size_t count = outboxes_[core].Drain(entries);
    for (size_t i = 0; i < count; ++i) {
      Require(entries[i].serial.get() == collected_[core]++, "an entry doubled or out of order");
    }
    received_ += count;
  }

  const Plan& plan_;
  std::array<Outbox<Entry, Atomic>, kCoresMax> outboxes_{Outbox<Entry, Atomic>(2),
                                                         Outbox<Entry, Atomic>(2)};
  BasicDoorbell<Atomic> doorbell_;
  Gate gate_;
  Atomic<uint32_t> event_{0};
  Cell<bool> is_armed_{false};
  std::array<size_t, kCoresMax> collected_{};
  size_t received_ = 0;
  size_t expected_ = 0;
  size_t waits_ = 0;
  bool has_parked_ = false;
  bool owes_leave_ = false;
};

template <class Gate = AlarmGate<Atomic>>
Make Of(const Plan& plan) {
  return [&plan] { return std::make_unique<DoorScenario<Gate>>(plan); };
}

constexpr const char* kLost = "sleeps for ever";

TEST(DoorModel, OneCoreOfTwo) {
  for (const size_t elapsed : {0U, 1U}) {
    const Plan plan{.pushes = {2}, .elapsed_waits = elapsed, .has_hint = elapsed == 0};
    ExpectSound(plan.options(), Of<>(plan));
  }
}

TEST(DoorModel, TwoCoresOfOne) {
  for (const size_t elapsed : {0U, 1U}) {
    const Plan plan{.pushes = {1, 1}, .elapsed_waits = elapsed, .has_hint = false};
    ExpectSound(plan.options(), Of<>(plan));
  }
}

TEST(DoorModel, CatchesADroppedLook) {
  const Plan plan{.pushes = {1}, .looks_again = false};
  ExpectCaught(plan.options(), kLost, Of<>(plan));
}

// The look at each end costs a shared load and may miss the announcement; the ring at the end of
// the turn may not.
TEST(DoorModel, CatchesACoreThatOnlyLooks) {
  const Plan plan{.pushes = {1}, .rings_for_sure = false};
  ExpectCaught(plan.options(), kLost, Of<>(plan));
}

TEST(DoorModel, CatchesARingBeforeThePush) {
  const Plan plan{.pushes = {1}, .rings_before_pushing = true};
  ExpectCaught(plan.options(), kLost, Of<>(plan));
}

// Stands for load buffering, which the model leaves out: a leave that is seen late.
Plan LateLeave() {
  return {.pushes = {1, 1}, .elapsed_waits = 1, .has_hint = false, .leaves_after_announcing = true};
}

TEST(DoorModel, MayLeaveTheGateAfterItAnnounced) {
  const Plan plan = LateLeave();
  ExpectSound(plan.options(), Of<>(plan));
}

TEST(DoorModel, CatchesADoorThatLeavesTheGateAfterItsLook) {
  const Plan plan{
      .pushes = {1, 1}, .elapsed_waits = 1, .has_hint = false, .leaves_after_looking = true};
  ExpectCaught(plan.options(), kLost, Of<>(plan));
}

TEST(DoorModel, CatchesAGateThatLetsEverybodyIn) {
  const Plan plan{.pushes = {1, 1}, .elapsed_waits = 1, .has_hint = false};
  ExpectCaught(plan.options(), "data race", Of<OpenAlarmGate<Atomic>>(plan));
}

enum class Order : uint8_t { kEnter, kLeave };

template <Order kWeakened>
struct WeakenedOrders {
  static constexpr auto kEnter = Unless(kWeakened == Order::kEnter, AlarmGateOrders::kEnter);
  static constexpr auto kLeave = Unless(kWeakened == Order::kLeave, AlarmGateOrders::kLeave);
};

template <Order kWeakened>
void ExpectOrderNeeded() {
  const Plan plan{.pushes = {1, 1}, .elapsed_waits = 1, .has_hint = false};
  ExpectCaught(plan.options(), "data race", Of<AlarmGate<Atomic, WeakenedOrders<kWeakened>>>(plan));
}

struct EnterWithoutRelease : AlarmGateOrders {
  static constexpr auto kEnter = std::memory_order_acquire;
};
struct LeaveWithoutAcquire : AlarmGateOrders {
  static constexpr auto kLeave = std::memory_order_release;
};

template <class Orders>
void ExpectOrderNeededByALateLeave() {
  const Plan plan = LateLeave();
  ExpectCaught(plan.options(), kLost, Of<AlarmGate<Atomic, Orders>>(plan));
}

TEST(DoorModel, NeedsEnterToRelease) { ExpectOrderNeededByALateLeave<EnterWithoutRelease>(); }
TEST(DoorModel, NeedsLeaveToAcquire) { ExpectOrderNeededByALateLeave<LeaveWithoutAcquire>(); }
TEST(DoorModel, NeedsEnterToAcquire) { ExpectOrderNeeded<Order::kEnter>(); }
TEST(DoorModel, NeedsLeaveToRelease) { ExpectOrderNeeded<Order::kLeave>(); }

}  // namespace
}  // namespace weft::model

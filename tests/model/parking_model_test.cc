// Parking with an inbox as the source of work, under every interleaving and every value a load may
// return: the sleeper never sleeps for ever while work was published, a look after Announce or
// Withdraw sees the work of every take before it, and one sleep gets at most one wake; also when
// sleeps in the ring, which an event ends, come in turn with sleeps on the word. Then each
// memory order made relaxed, and each wrong use or wrong form of the protocol, must be caught.

#include "sys/parking.h"

#include <gtest/gtest.h>

#include <vector>

#include "core/inbox.h"
#include "expectations.h"
#include "mutants/keepingparking.h"
#include "mutants/storingparking.h"
#include "mutants/wakingparking.h"

namespace weft::model {
namespace {

constexpr size_t kCapacity = 4;

struct Plan {
  std::vector<size_t> pushes;  // Of each waker, one message at a time.
  // The wrong uses.
  bool rechecks = true;
  bool takes_before_publishing = false;
  bool takes_only_if_looks_parked = false;
  bool takes_the_event_after_announcing = false;
  bool ends_the_wrong_sleep = false;
  // Every other sleep is one in the ring, from the first on.
  bool sleeps_in_ring = false;
  // Whether a look must see all that was told. True of one waker only: of two, the message of one
  // may stand in the inbox behind one that is claimed and not yet published.
  bool sees_what_was_told = false;

  Options options() const { return {.threads = 1 + pushes.size()}; }
};

template <class Park>
class ParkingScenario : public Scenario {
 public:
  explicit ParkingScenario(const Plan& plan) : plan_(plan) {
    for (const size_t count : plan.pushes) expected_ += count;
  }

  void Run(size_t thread) override {
    if (thread == 0) {
      TakeAndSleep();
    } else {
      for (size_t i = 0; i < plan_.pushes[thread - 1]; ++i) Wake();
    }
  }

  void Finish() override { Require(received_ == expected_, "work was left"); }

 private:
  void TakeAndSleep() {
    TakeAll(0);
    while (received_ < expected_) {
      const bool in_ring = plan_.sleeps_in_ring && announced_ % 2 == 0;
      parking_.Announce(in_ring ? Park::kParkedInRing : Park::kParked);
      ++announced_;
      if (plan_.takes_the_event_after_announcing) event_.exchange(0, std::memory_order_relaxed);
      const size_t told = told_;
      if (!plan_.rechecks || inbox_.empty()) {
        Require(!plan_.sees_what_was_told || !plan_.rechecks || received_ >= told,
                "the look after Announce missed work");
        Sleep(in_ring);
      }
      parking_.Withdraw();
      TakeAll(told_);
    }
  }

  // In the ring: as the read of an eventfd, which orders nothing.
  void Sleep(bool in_ring) {
    if (!in_ring) {
      parking_.word().Sleep(Park::kParked);
      return;
    }
    event_.Sleep(0);
    event_.exchange(0, std::memory_order_relaxed);
  }

  void TakeAll(size_t told) {
    while (const Cell<size_t>* const message = inbox_.Front()) {
      Require(message->get() == 7, "a message was torn");
      inbox_.Pop();
      ++received_;
    }
    Require(!plan_.sees_what_was_told || received_ >= told, "the look after Withdraw missed work");
  }

  void Wake() {
    const Cell<size_t> message = 7;
    if (plan_.sleeps_in_ring) {
      Publish(message);
      EndSleep(parking_.Take());
      return;
    }
    if (!plan_.takes_before_publishing) Publish(message);
    const bool take = !plan_.takes_only_if_looks_parked || parking_.LooksParked();
    const bool parked = take && parking_.TakeParked();
    ++told_;
    if (parked) Require(++wakes_ <= announced_, "more wakes than sleeps");
    if (plan_.takes_before_publishing) Publish(message);
    if (parked) parking_.word().Wake();
  }

  void EndSleep(uint32_t how) {
    if (how == Park::kAwake) return;
    Require(++wakes_ <= announced_, "more wakes than sleeps");
    if (how == Park::kParkedInRing && !plan_.ends_the_wrong_sleep) {
      event_.fetch_add(1, std::memory_order_relaxed);
      event_.Wake();
    } else {
      parking_.word().Wake();
    }
  }

  void Publish(const Cell<size_t>& message) {
    Require(inbox_.Push({&message, 1}) == 1, "full was said of an inbox with room");
  }

  const Plan& plan_;
  Inbox<Cell<size_t>, Atomic> inbox_{kCapacity};
  Park parking_;
  Atomic<uint32_t> event_{0};
  // Changed directly after an operation on the word, so each is as the order of those has it.
  size_t announced_ = 0;
  size_t told_ = 0;
  size_t wakes_ = 0;
  size_t expected_ = 0;
  size_t received_ = 0;
};

template <class Park>
Make Of(const Plan& plan) {
  return [&plan] { return std::make_unique<ParkingScenario<Park>>(plan); };
}

using sys::KeepingParking;
using sys::Parking;
using sys::ParkingOrders;
using sys::StoringParking;
using sys::WakingParking;

constexpr const char* kLost = "sleeps for ever";

TEST(ParkingModel, OneWakerOfOne) {
  const Plan plan{.pushes = {1}, .sees_what_was_told = true};
  ExpectSound(plan.options(), Of<Parking<Atomic>>(plan));
}

TEST(ParkingModel, OneWakerOfThree) {
  const Plan plan{.pushes = {3}, .sees_what_was_told = true};
  ExpectSound(plan.options(), Of<Parking<Atomic>>(plan));
}

TEST(ParkingModel, TwoWakersOfOne) {
  const Plan plan{.pushes = {1, 1}};
  ExpectSound(plan.options(), Of<Parking<Atomic>>(plan));
}

TEST(ParkingModel, SleepsInTheRingAndOutsideInTurn) {
  for (const std::vector<size_t>& pushes : {std::vector<size_t>{3}, {1, 1}}) {
    const Plan plan{.pushes = pushes, .sleeps_in_ring = true};
    ExpectSound(plan.options(), Of<Parking<Atomic>>(plan));
  }
}

TEST(ParkingModel, CatchesAnEventTakenBetweenAnnouncingAndSleeping) {
  const Plan plan{.pushes = {1}, .takes_the_event_after_announcing = true, .sleeps_in_ring = true};
  ExpectCaught(plan.options(), kLost, Of<Parking<Atomic>>(plan));
}

TEST(ParkingModel, CatchesAWakerThatEndsTheWrongSleep) {
  const Plan plan{.pushes = {1}, .ends_the_wrong_sleep = true, .sleeps_in_ring = true};
  ExpectCaught(plan.options(), kLost, Of<Parking<Atomic>>(plan));
}

enum class Order : uint8_t { kAnnounce, kWithdraw, kTake };

template <Order kWeakened>
struct WeakenedOrders {
  static constexpr auto kAnnounce = Unless(kWeakened == Order::kAnnounce, ParkingOrders::kAnnounce);
  static constexpr auto kWithdraw = Unless(kWeakened == Order::kWithdraw, ParkingOrders::kWithdraw);
  static constexpr auto kTake = Unless(kWeakened == Order::kTake, ParkingOrders::kTake);
};

TEST(ParkingModel, NeedsAnnounceToAcquire) {
  const Plan plan{.pushes = {1}};
  ExpectCaught(plan.options(), kLost, Of<Parking<Atomic, WeakenedOrders<Order::kAnnounce>>>(plan));
}

TEST(ParkingModel, NeedsTakeToRelease) {
  const Plan plan{.pushes = {1}};
  ExpectCaught(plan.options(), kLost, Of<Parking<Atomic, WeakenedOrders<Order::kTake>>>(plan));
}

// For the look that follows, not against sleeping for ever: the next Announce would see the work.
TEST(ParkingModel, NeedsWithdrawToAcquireForTheNextLook) {
  using Weakened = Parking<Atomic, WeakenedOrders<Order::kWithdraw>>;
  const Plan told{.pushes = {1}, .sees_what_was_told = true};
  ExpectCaught(told.options(), "after Withdraw missed work", Of<Weakened>(told));
  const Plan plan{.pushes = {2}};
  ExpectSound(plan.options(), Of<Weakened>(plan));
}

TEST(ParkingModel, CatchesADroppedRecheck) {
  const Plan plan{.pushes = {1}, .rechecks = false};
  ExpectCaught(plan.options(), kLost, Of<Parking<Atomic>>(plan));
}

TEST(ParkingModel, CatchesATakeBeforePublishing) {
  const Plan plan{.pushes = {1}, .takes_before_publishing = true};
  ExpectCaught(plan.options(), kLost, Of<Parking<Atomic>>(plan));
}

// A look alone may miss the announcement, for its load may pass the publishing store.
TEST(ParkingModel, CatchesATakeOnlyIfItLooksParked) {
  const Plan plan{.pushes = {1}, .takes_only_if_looks_parked = true};
  ExpectCaught(plan.options(), kLost, Of<Parking<Atomic>>(plan));
}

// A store ends the release sequences of the takes before it, even one that releases.
TEST(ParkingModel, CatchesAWithdrawThatStores) {
  const Plan plan{.pushes = {2}};
  ExpectCaught(plan.options(), kLost, Of<StoringParking<Atomic>>(plan));
}

TEST(ParkingModel, CatchesATakeThatLeavesTheWordParked) {
  const Plan plan{.pushes = {1, 1}};
  ExpectCaught(plan.options(), kLost, Of<KeepingParking<Atomic>>(plan));
}

TEST(ParkingModel, CatchesASecondWakeForOneSleep) {
  const Plan plan{.pushes = {1, 1}};
  ExpectCaught(plan.options(), "more wakes than sleeps", Of<WakingParking<Atomic>>(plan));
}

}  // namespace
}  // namespace weft::model

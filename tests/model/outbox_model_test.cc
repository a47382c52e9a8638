// The outbox under every interleaving and every value a load may return, one core and one Door:
// no entry is lost, doubled or out of order, no slot is written again before it was copied. Then
// each memory order made relaxed, and a push that publishes first, must be caught.

#include "core/outbox.h"

#include <gtest/gtest.h>

#include "expectations.h"
#include "mutants/hastyoutbox.h"

namespace weft::model {
namespace {

struct Entry {
  Cell<size_t> serial{0};
};

template <class Queue>
class OutboxScenario : public Scenario {
 public:
  static constexpr size_t kCapacity = 2;
  static constexpr size_t kTries = 4;
  static constexpr size_t kDrains = 3;

  void Run(size_t thread) override {
    if (thread == 0) {
      Produce();
    } else {
      for (size_t i = 0; i < kDrains; ++i) Drain();
    }
  }

  void Finish() override {
    const bool more = !outbox_.empty();
    const size_t before = received_;
    Drain();
    Require((received_ > before) == more, "empty was wrong");
    Require(received_ == pushed_, "an entry was lost");
  }

 private:
  void Produce() {
    for (size_t i = 0; i < kTries; ++i) {
      if (!outbox_.HasRoom(1)) {
        CheckFull();
        continue;
      }
      Entry entry;
      entry.serial = pushed_;
      outbox_.Push(entry);
      ++pushed_;
    }
  }

  void CheckFull() {
    size_t drained = 0;
    for (size_t i = 0; i < drains_; ++i) {
      if (IsPast(ends_[i])) drained = drained_until_[i];
    }
    Require(pushed_ - drained >= kCapacity, "full was said of an outbox with room");
  }

  void Drain() {
    std::array<Entry, kCapacity> out;
    const size_t count = outbox_.Drain(out);
    Require(count <= kCapacity, "more entries than capacity");
    for (size_t i = 0; i < count; ++i) {
      Require(out[i].serial.get() == received_++, "an entry doubled or out of order");
    }
    // The last operation is the one that gives the slots back, if there were any.
    ends_[drains_] = LastOperation();
    drained_until_[drains_++] = received_;
  }

  Queue outbox_{kCapacity};
  size_t pushed_ = 0;
  size_t received_ = 0;
  size_t drains_ = 0;
  std::array<Moment, kDrains + 1> ends_{};           // The last operation of each Drain,
  std::array<size_t, kDrains + 1> drained_until_{};  // and received_ after it.
};

template <class Queue>
std::unique_ptr<Scenario> New() {
  return std::make_unique<OutboxScenario<Queue>>();
}

TEST(OutboxModel, CoreAndDoorAtCapacityTwo) { ExpectSound({}, New<Outbox<Entry, Atomic>>); }

enum class Order : uint8_t { kPublish, kConsume, kRecycle, kClaim };

template <Order kWeakened>
struct WeakenedOrders {
  static constexpr auto kPublish = Unless(kWeakened == Order::kPublish, OutboxOrders::kPublish);
  static constexpr auto kConsume = Unless(kWeakened == Order::kConsume, OutboxOrders::kConsume);
  static constexpr auto kRecycle = Unless(kWeakened == Order::kRecycle, OutboxOrders::kRecycle);
  static constexpr auto kClaim = Unless(kWeakened == Order::kClaim, OutboxOrders::kClaim);
};

template <Order kWeakened>
void ExpectOrderNeeded() {
  ExpectCaught({}, "data race", New<Outbox<Entry, Atomic, WeakenedOrders<kWeakened>>>);
}

TEST(OutboxModel, NeedsPublishToRelease) { ExpectOrderNeeded<Order::kPublish>(); }
TEST(OutboxModel, NeedsConsumeToAcquire) { ExpectOrderNeeded<Order::kConsume>(); }
TEST(OutboxModel, NeedsRecycleToRelease) { ExpectOrderNeeded<Order::kRecycle>(); }
TEST(OutboxModel, NeedsClaimToAcquire) { ExpectOrderNeeded<Order::kClaim>(); }

TEST(OutboxModel, CatchesPublishBeforeWriting) {
  ExpectCaught({}, "data race", New<HastyOutbox<Entry, Atomic>>);
}

}  // namespace
}  // namespace weft::model

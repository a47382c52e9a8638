// The inbox under every interleaving and every value a load may return, for two producers and one
// consumer: no message is lost, doubled, torn or out of its producer's order; "full" is answered
// only when it is true; no slot is used again before it was read. Then each memory order made
// relaxed, and each wrong way to use the inbox or to write it, must be caught.

#include "core/inbox.h"

#include <gtest/gtest.h>

#include <vector>

#include "expectations.h"
#include "mutants/greedyinbox.h"
#include "mutants/hastyinbox.h"

namespace weft::model {
namespace {

constexpr size_t kProducersMax = 2;
constexpr size_t kBatchMax = 4;

// Two cells, so that half a message would be seen.
struct Letter {
  Cell<size_t> producer{kProducersMax};
  Cell<size_t> serial{0};
};

struct Plan {
  size_t capacity = 2;
  std::vector<std::vector<size_t>> pushes;  // For each producer the sizes of its batches.
  size_t looks = 0;  // Of the consumer, beside the producers; 0: there is none until the end.
  bool pops_before_reading = false;

  Options options(size_t spurious_failures = 0) const {
    return {.threads = pushes.size() + (looks > 0 ? 1 : 0), .spurious_failures = spurious_failures};
  }
};

template <class Queue>
class InboxScenario : public Scenario {
 public:
  explicit InboxScenario(const Plan& plan) : plan_(plan), inbox_(plan.capacity) {
    pops_.reserve(2 * kProducersMax * kBatchMax);
  }

  void Run(size_t thread) override {
    if (thread < plan_.pushes.size()) {
      Produce(thread);
    } else {
      for (size_t i = 0; i < plan_.looks; ++i) TakeOne();
    }
  }

  void Finish() override {
    size_t left = 0;
    while (TakeOne()) Require(++left <= plan_.capacity, "more messages than capacity");
    for (size_t i = 0; i < kProducersMax; ++i) {
      Require(received_[i] == accepted_[i], "a message was lost");
    }
  }

 private:
  void Produce(size_t producer) {
    for (const size_t size : plan_.pushes[producer]) {
      std::array<Letter, kBatchMax> letters;
      for (size_t i = 0; i < size; ++i) {
        letters[i].producer = producer;
        letters[i].serial = accepted_[producer] + i;
      }
      const size_t count = inbox_.Push(std::span<const Letter>(letters.data(), size));
      Require(count <= size, "more were pushed than given");
      if (count == 0) CheckFull();
      accepted_[producer] += count;
    }
  }

  // tail_ is the atomic made after the slots'. Its last load is the last step of a push that finds
  // no room, so what it holds now was already so then.
  void CheckFull() {
    uint64_t popped = 0;
    for (const Moment& pop : pops_) popped += IsPast(pop) ? 1 : 0;
    Require(Newest(plan_.capacity) - popped >= plan_.capacity,
            "full was said of an inbox with room");
  }

  bool TakeOne() {
    const Letter* const letter = inbox_.Front();
    if (letter == nullptr) return false;
    if (plan_.pops_before_reading) Pop();
    const size_t producer = letter->producer.get();
    Require(producer < kProducersMax, "a message that nobody sent");
    Require(letter->serial.get() == received_[producer], "a message doubled or out of order");
    ++received_[producer];
    if (!plan_.pops_before_reading) Pop();
    return true;
  }

  void Pop() {
    inbox_.Pop();
    pops_.push_back(LastOperation());
  }

  const Plan& plan_;
  Queue inbox_;
  std::array<size_t, kProducersMax> accepted_{};
  std::array<size_t, kProducersMax> received_{};
  std::vector<Moment> pops_;
};

template <class Queue>
Make Of(const Plan& plan) {
  return [&plan] { return std::make_unique<InboxScenario<Queue>>(plan); };
}

using SoundInbox = Inbox<Letter, Atomic>;

TEST(InboxModel, TwoProducersOfTwoAtCapacityTwo) {
  const Plan plan{.capacity = 2, .pushes = {{1, 1}, {1, 1}}, .looks = 2};
  ExpectSound(plan.options(), Of<SoundInbox>(plan));
}

TEST(InboxModel, TwoProducersGoRoundAtCapacityTwo) {
  const Plan plan{.capacity = 2, .pushes = {{1, 1}, {1}}, .looks = 3};
  ExpectSound(plan.options(), Of<SoundInbox>(plan));
}

TEST(InboxModel, OneProducerGoesRoundAtCapacityTwo) {
  const Plan plan{.capacity = 2, .pushes = {{1, 1, 1, 1}}, .looks = 4};
  ExpectSound(plan.options(1), Of<SoundInbox>(plan));
}

TEST(InboxModel, BatchAndSinglesAtCapacityTwo) {
  const Plan plan{.capacity = 2, .pushes = {{2}, {1, 1}}, .looks = 2};
  ExpectSound(plan.options(), Of<SoundInbox>(plan));
}

TEST(InboxModel, TwoBatchesAtCapacityTwo) {
  const Plan plan{.capacity = 2, .pushes = {{2}, {2}}, .looks = 2};
  ExpectSound(plan.options(1), Of<SoundInbox>(plan));
}

TEST(InboxModel, BatchAndSinglesAtCapacityFour) {
  const Plan plan{.capacity = 4, .pushes = {{3}, {1, 1}}, .looks = 2};
  ExpectSound(plan.options(), Of<SoundInbox>(plan));
}

TEST(InboxModel, BatchesGoRoundAtCapacityFour) {
  const Plan plan{.capacity = 4, .pushes = {{3, 3}, {1}}, .looks = 2};
  ExpectSound(plan.options(), Of<SoundInbox>(plan));
}

TEST(InboxModel, FillsExactlyWithoutAConsumer) {
  const Plan plan{.capacity = 4, .pushes = {{2, 2}, {1, 2}}};
  ExpectSound(plan.options(), Of<SoundInbox>(plan));
}

enum class Order : uint8_t { kPublish, kConsume, kRecycle, kClaim, kShare, kLearn };

template <Order kWeakened>
struct WeakenedOrders {
  static constexpr auto kPublish = Unless(kWeakened == Order::kPublish, InboxOrders::kPublish);
  static constexpr auto kConsume = Unless(kWeakened == Order::kConsume, InboxOrders::kConsume);
  static constexpr auto kRecycle = Unless(kWeakened == Order::kRecycle, InboxOrders::kRecycle);
  static constexpr auto kClaim = Unless(kWeakened == Order::kClaim, InboxOrders::kClaim);
  static constexpr auto kShare = Unless(kWeakened == Order::kShare, InboxOrders::kShare);
  static constexpr auto kLearn = Unless(kWeakened == Order::kLearn, InboxOrders::kLearn);
};

template <Order kWeakened>
void ExpectOrderNeeded() {
  const Plan plan{.capacity = 2, .pushes = {{1, 1, 1}}, .looks = 2};
  ExpectCaught(plan.options(), "data race",
               Of<Inbox<Letter, Atomic, WeakenedOrders<kWeakened>>>(plan));
}

TEST(InboxModel, NeedsPublishToRelease) { ExpectOrderNeeded<Order::kPublish>(); }
TEST(InboxModel, NeedsConsumeToAcquire) { ExpectOrderNeeded<Order::kConsume>(); }
TEST(InboxModel, NeedsRecycleToRelease) { ExpectOrderNeeded<Order::kRecycle>(); }
TEST(InboxModel, NeedsClaimToAcquire) { ExpectOrderNeeded<Order::kClaim>(); }

// One producer reads what the other has learnt of the consumer.
template <Order kWeakened>
void ExpectOrderNeededBetweenProducers() {
  const Plan plan{.capacity = 2, .pushes = {{1, 1}, {1, 1}}, .looks = 2};
  ExpectCaught(plan.options(), "data race",
               Of<Inbox<Letter, Atomic, WeakenedOrders<kWeakened>>>(plan));
}

TEST(InboxModel, NeedsShareToRelease) { ExpectOrderNeededBetweenProducers<Order::kShare>(); }
TEST(InboxModel, NeedsLearnToAcquire) { ExpectOrderNeededBetweenProducers<Order::kLearn>(); }

TEST(InboxModel, CatchesPopBeforeReading) {
  const Plan plan{.capacity = 2, .pushes = {{1, 1, 1}}, .looks = 2, .pops_before_reading = true};
  ExpectCaught(plan.options(), "data race", Of<SoundInbox>(plan));
}

TEST(InboxModel, CatchesABatchThatTakesMoreThanThereIsRoomFor) {
  const Plan plan{.capacity = 2, .pushes = {{1, 2}}, .looks = 1};
  ExpectCaught(plan.options(), "a message was lost", Of<GreedyInbox<Letter, Atomic>>(plan));
}

TEST(InboxModel, CatchesPublishBeforeWriting) {
  const Plan plan{.capacity = 2, .pushes = {{1}}, .looks = 1};
  ExpectCaught(plan.options(), "data race", Of<HastyInbox<Letter, Atomic>>(plan));
}

}  // namespace
}  // namespace weft::model

// The way back from threads that finish operations to the owner of their list, who may sleep, under
// every interleaving and every value a load may return: each operation comes back once, whole and
// behind what its thread finished before it, none is slept through, also when one that came back is
// finished once more while another thread is still linking to it. List and parking word are the
// real ones; the owner's loop is what core.cc and ring_threads.cc do. Then each memory order made
// relaxed, and each wrong use or wrong form, must be caught.

#include "sys/finished_list.h"

#include <gtest/gtest.h>

#include <array>
#include <vector>

#include "expectations.h"
#include "mutants/forgettingfinishedlist.h"
#include "mutants/hastyfinishedlist.h"
#include "mutants/stalefinishedlist.h"
#include "sys/parking.h"

namespace weft::model {
namespace {

constexpr size_t kOperationsMax = 3;
constexpr int kAsked = 1;
constexpr int kDone = 2;

struct Plan {
  std::vector<size_t> pushes;  // Of each thread.
  size_t looks = 0;            // Of an owner who does not sleep; 0: it sleeps until it has all.
  bool again = false;  // The first thread finishes its first once more, if that came back by then.
  size_t spurious_failures = 0;
  // The wrong uses.
  bool looks_again = true;
  bool wakes_before_pushing = false;
  bool wakes_only_if_it_looks_parked = false;

  Options options() const {
    return {.threads = 1 + pushes.size(), .spurious_failures = spurious_failures};
  }
};

struct Operation {
  class Link {
   public:
    Link& operator=(Operation* operation) {
      to_ = operation;
      return *this;
    }
    // NOLINTNEXTLINE(google-explicit-constructor): stands for a pointer.
    operator Operation*() const { return to_.get(); }

   private:
    Cell<Operation*> to_{nullptr};
  };

  Link next;
  Cell<int> result{kAsked};
  size_t thread = 0;
  size_t serial = 0;
};

template <class List, class Park>
class FinishedScenario : public Scenario {
 public:
  explicit FinishedScenario(const Plan& plan) : plan_(plan) {
    for (size_t thread = 0; thread < plan.pushes.size(); ++thread) {
      expected_ += plan.pushes[thread];
      for (size_t i = 0; i < plan.pushes[thread]; ++i) {
        operations_[thread][i].thread = thread;
        operations_[thread][i].serial = i;
      }
    }
  }

  void Run(size_t thread) override {
    if (thread == 0) {
      Own();
      return;
    }
    for (size_t i = 0; i < plan_.pushes[thread - 1]; ++i) End(&operations_[thread - 1][i]);
    // Started anew: handed over as by the pool's mutex.
    if (!plan_.again || thread != 1 || started_.load(std::memory_order_acquire) == 0) return;
    ++expected_;
    End(&operations_[0][0]);
  }

  void Finish() override {
    Take();
    Require(received_ == expected_, "an operation was lost");
  }

 private:
  // ---- A thread: IoPool::Run and PoolSeat::Complete.

  void End(Operation* operation) {
    Require(operation->result.get() == kAsked, "an operation was begun twice");
    operation->result = kDone;
    if (plan_.wakes_before_pushing) Wake();
    list_.Push(operation);
    if (!plan_.wakes_before_pushing) Wake();
  }

  void Wake() {
    if (plan_.looks > 0) return;
    if (plan_.wakes_only_if_it_looks_parked && !parking_.LooksParked()) return;
    if (parking_.TakeParked()) parking_.word().Wake();
  }

  // ---- The owner.

  void Own() {
    for (size_t i = 0; i < plan_.looks; ++i) Take();
    if (plan_.looks > 0) return;
    for (Take(); received_ < expected_; Take()) Sleep();
  }

  void Sleep() {
    parking_.Announce();
    if (!plan_.looks_again || list_.empty()) parking_.word().Sleep(Park::kParked);
    parking_.Withdraw();
  }

  void Take() {
    Operation* operation = list_.TakeAll();
    while (operation != nullptr) {
      Operation* const next = operation->next;
      Require(operation->result.get() == kDone, "an operation came back that was not done");
      operation->result = kAsked;
      ++received_;
      const size_t thread = operation->thread;
      if (operation->serial == taken_[thread]) {
        ++taken_[thread];
        if (plan_.again && thread == 0) started_.store(1, std::memory_order_release);
      } else {
        Require(plan_.again && operation == &operations_[0][0], "doubled or out of order");
      }
      operation = next;
    }
  }

  const Plan& plan_;
  List list_;
  Park parking_;
  Atomic<uint32_t> started_{0};
  std::array<std::array<Operation, kOperationsMax>, 2> operations_;
  std::array<size_t, 2> taken_{};
  size_t received_ = 0;
  size_t expected_ = 0;
};

template <class List = sys::FinishedList<Operation, Atomic>, class Park = sys::Parking<Atomic>>
Make Of(const Plan& plan) {
  return [&plan] { return std::make_unique<FinishedScenario<List, Park>>(plan); };
}

constexpr const char* kLost = "sleeps for ever";

TEST(FinishedModel, BringsBackWhatTwoThreadsFinish) {
  const Plan plan{.pushes = {2, 1}, .looks = 2, .spurious_failures = 1};
  ExpectSound(plan.options(), Of<>(plan));
}

TEST(FinishedModel, BringsBackWhatIsFinishedOnceMore) {
  const Plan plan{.pushes = {1, 1}, .looks = 2, .again = true, .spurious_failures = 1};
  ExpectSound(plan.options(), Of<>(plan));
}

TEST(FinishedModel, WakesAnOwnerOfOneThread) {
  const Plan plan{.pushes = {2}};
  ExpectSound(plan.options(), Of<>(plan));
}

TEST(FinishedModel, WakesAnOwnerOfTwoThreads) {
  const Plan plan{.pushes = {1, 1}};
  ExpectSound(plan.options(), Of<>(plan));
}

TEST(FinishedModel, CatchesADroppedLook) {
  const Plan plan{.pushes = {1}, .looks_again = false};
  ExpectCaught(plan.options(), kLost, Of<>(plan));
}

TEST(FinishedModel, CatchesAWakeBeforeThePush) {
  const Plan plan{.pushes = {1}, .wakes_before_pushing = true};
  ExpectCaught(plan.options(), kLost, Of<>(plan));
}

TEST(FinishedModel, CatchesAWakeOnlyIfItLooksParked) {
  const Plan plan{.pushes = {1}, .wakes_only_if_it_looks_parked = true};
  ExpectCaught(plan.options(), kLost, Of<>(plan));
}

TEST(FinishedModel, CatchesAThreadThatLinksAfterItPushed) {
  const Plan plan{.pushes = {1}};
  ExpectCaught(plan.options(), "data race", Of<sys::HastyFinishedList<Operation, Atomic>>(plan));
}

TEST(FinishedModel, CatchesAThreadThatKeepsItsFirstLink) {
  const Plan plan{.pushes = {1, 1}, .looks = 1};
  ExpectCaught(plan.options(), "an operation", Of<sys::StaleFinishedList<Operation, Atomic>>(plan));
}

TEST(FinishedModel, CatchesAnOwnerThatLooksAndThenClears) {
  const Plan plan{.pushes = {1}, .looks = 1};
  ExpectCaught(plan.options(), "an operation was lost",
               Of<sys::ForgettingFinishedList<Operation, Atomic>>(plan));
}

enum class Order : uint8_t { kPush, kTake };

template <Order kWeakened>
struct WeakenedOrders {
  static constexpr auto kPush = Unless(kWeakened == Order::kPush, sys::FinishedListOrders::kPush);
  static constexpr auto kTake = Unless(kWeakened == Order::kTake, sys::FinishedListOrders::kTake);
};

template <Order kWeakened>
void ExpectOrderNeeded() {
  const Plan plan{.pushes = {1}};
  ExpectCaught(plan.options(), "data race",
               Of<sys::FinishedList<Operation, Atomic, WeakenedOrders<kWeakened>>>(plan));
}

TEST(FinishedModel, NeedsPushToRelease) { ExpectOrderNeeded<Order::kPush>(); }
TEST(FinishedModel, NeedsTakeToAcquire) { ExpectOrderNeeded<Order::kTake>(); }

// The look after Announce is relaxed, and sees what was pushed by these two alone.
struct AnnounceWithoutAcquire : sys::ParkingOrders {
  static constexpr auto kAnnounce = std::memory_order_relaxed;
};
struct TakeWithoutRelease : sys::ParkingOrders {
  static constexpr auto kTake = std::memory_order_relaxed;
};

template <class Orders>
void ExpectParkingOrderNeeded() {
  const Plan plan{.pushes = {1}};
  using List = sys::FinishedList<Operation, Atomic>;
  ExpectCaught(plan.options(), kLost, Of<List, sys::Parking<Atomic, Orders>>(plan));
}

TEST(FinishedModel, NeedsAnnounceToAcquire) { ExpectParkingOrderNeeded<AnnounceWithoutAcquire>(); }
TEST(FinishedModel, NeedsTheWakeToRelease) { ExpectParkingOrderNeeded<TakeWithoutRelease>(); }

}  // namespace
}  // namespace weft::model

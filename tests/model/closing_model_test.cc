// The Door's alarm while it is made and closed and others ring it, under every interleaving and
// every value a load may return: nobody arms it before there is a queue for its event or after that
// is shut down, never is it armed again before its event was taken, and none of its events is left.
// The gate is the real one; ringing, opening and closing do what completion_source.cc does, but
// ring without being asked. Then each memory order of it weakened, and each wrong use and wrong
// form, must be caught.

#include <gtest/gtest.h>

#include <vector>

#include "expectations.h"
#include "mutants/hastyalarmgate.h"
#include "mutants/lookingalarmgate.h"
#include "rpc/alarm_gate.h"

namespace weft::model {
namespace {

struct Plan {
  std::vector<size_t> rings;  // Of each ringer.
  size_t rounds = 0;          // Of the Door, between opening and closing.
  // The wrong uses.
  bool waits_until_quiet = true;
  bool departs_before_arming = false;
  bool arms_uninvited = false;

  Options options() const { return {.threads = 1 + rings.size()}; }
};

enum class Queue : uint8_t { kNone, kOpen, kShut };

template <class Gate>
class ClosingScenario : public Scenario {
 public:
  explicit ClosingScenario(const Plan& plan) : plan_(plan) {}

  void Run(size_t thread) override {
    if (thread == 0) {
      Attach();
      for (size_t i = 0; i < plan_.rounds; ++i) TakeEvent();
      gate_.Close();
      ShutDownIfQuiet();
    } else {
      for (size_t i = 0; i < plan_.rings[thread - 1]; ++i) Ring();
    }
  }

  // The real one looks until it is quiet; here one look more, when everybody is through.
  void Finish() override {
    ShutDownIfQuiet();
    Require(queue_.get() == Queue::kShut, "never quiet");
    Require(!is_armed_.get(), "an event was left");
  }

 private:
  void Ring() {
    const bool is_open = gate_.Arrive() || plan_.arms_uninvited;
    if (plan_.departs_before_arming) gate_.Depart();
    if (is_open && gate_.Enter()) Arm();
    if (!plan_.departs_before_arming) gate_.Depart();
  }

  void Arm() {
    Require(queue_.get() == Queue::kOpen, "the alarm was armed without a queue");
    Require(!is_armed_.get(), "the alarm was armed before its event was taken");
    is_armed_ = true;
    // What the queue hands over, it orders.
    event_.fetch_add(1, std::memory_order_release);
  }

  void Attach() {
    queue_ = Queue::kOpen;
    gate_.Open();
  }

  void ShutDownIfQuiet() {
    if (queue_.get() == Queue::kShut) return;
    if (plan_.waits_until_quiet && !gate_.IsQuiet()) return;
    queue_ = Queue::kShut;
    TakeEvent();
  }

  void TakeEvent() {
    if (event_.exchange(0, std::memory_order_acquire) == 0) return;
    is_armed_ = false;
    gate_.Leave();
  }

  const Plan& plan_;
  Gate gate_;
  Atomic<uint32_t> event_{0};
  Cell<Queue> queue_{Queue::kNone};
  Cell<bool> is_armed_{false};
};

template <class Gate = AlarmGate<Atomic>>
Make Of(const Plan& plan) {
  return [&plan] { return std::make_unique<ClosingScenario<Gate>>(plan); };
}

const Plan kOneRinger{.rings = {3}, .rounds = 2};
const Plan kTwoRingers{.rings = {2, 1}, .rounds = 1};

TEST(ClosingModel, OneRingerOfThree) { ExpectSound(kOneRinger.options(), Of<>(kOneRinger)); }
TEST(ClosingModel, TwoRingersOfTwoAndOne) { ExpectSound(kTwoRingers.options(), Of<>(kTwoRingers)); }

constexpr const char* kRace = "data race";

TEST(ClosingModel, CatchesADoorThatDoesNotWaitUntilItIsQuiet) {
  const Plan plan{.rings = {1}, .waits_until_quiet = false};
  ExpectCaught(plan.options(), kRace, Of<>(plan));
}

TEST(ClosingModel, CatchesARingerThatDepartsBeforeItArms) {
  const Plan plan{.rings = {1}, .departs_before_arming = true};
  ExpectCaught(plan.options(), kRace, Of<>(plan));
}

TEST(ClosingModel, CatchesARingerThatArmsAClosedGatesAlarm) {
  const Plan plan{.rings = {1}, .arms_uninvited = true};
  ExpectCaught(plan.options(), kRace, Of<>(plan));
}

TEST(ClosingModel, CatchesARingerThatLooksBeforeItArrives) {
  const Plan plan{.rings = {1}};
  ExpectCaught(plan.options(), kRace, Of<LookingAlarmGate<Atomic>>(plan));
}

TEST(ClosingModel, CatchesAGateThatIsQuietWhenItIsClosed) {
  const Plan plan{.rings = {1}};
  ExpectCaught(plan.options(), kRace, Of<HastyAlarmGate<Atomic>>(plan));
}

struct OpenWithoutRelease : AlarmGateOrders {
  static constexpr auto kOpen = std::memory_order_relaxed;
};
struct ArriveWithoutAcquire : AlarmGateOrders {
  static constexpr auto kArrive = std::memory_order_relaxed;
};
struct DepartWithoutRelease : AlarmGateOrders {
  static constexpr auto kDepart = std::memory_order_relaxed;
};
struct QuietWithoutAcquire : AlarmGateOrders {
  static constexpr auto kQuiet = std::memory_order_relaxed;
};

template <class Orders>
void ExpectOrderNeeded() {
  const Plan plan{.rings = {1}};
  ExpectCaught(plan.options(), kRace, Of<AlarmGate<Atomic, Orders>>(plan));
}

TEST(ClosingModel, NeedsOpenToRelease) { ExpectOrderNeeded<OpenWithoutRelease>(); }
TEST(ClosingModel, NeedsArriveToAcquire) { ExpectOrderNeeded<ArriveWithoutAcquire>(); }
TEST(ClosingModel, NeedsDepartToRelease) { ExpectOrderNeeded<DepartWithoutRelease>(); }
TEST(ClosingModel, NeedsQuietToAcquire) { ExpectOrderNeeded<QuietWithoutAcquire>(); }

}  // namespace
}  // namespace weft::model

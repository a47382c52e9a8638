// Proves what a core keeps of its promises while it does not time its tasks, and so reads the clock
// at some boundaries only: exact while tasks are long, and late by no more than ClockPace::kMost
// tasks when long ones follow short ones.
#include <cstdint>
#include <cstdlib>
#include <random>
#include <string>
#include <vector>

#include "core/core_fixture.h"
#include "core/turn_limits.h"

namespace weft {
namespace {

// WEFT_TEST_SEED repeats a failure.
uint64_t Seed() {
  const char* const given = std::getenv("WEFT_TEST_SEED");
  return given != nullptr ? std::strtoull(given, nullptr, 10) : std::random_device{}();
}

// Boundaries that pass until it is read.
uint32_t BoundariesUntilDue(ClockPace* pace) {
  uint32_t count = 1;
  while (!pace->IsDue()) ++count;
  return count;
}

TEST(ClockPace, GrowsWithShortStretchesToItsMost) {
  ClockPace pace;
  std::vector<uint32_t> lengths;
  for (int reading = 0; reading < 7; ++reading) {
    lengths.push_back(BoundariesUntilDue(&pace));
    pace.Set(99, 100);
  }
  EXPECT_EQ(lengths, (std::vector<uint32_t>{1, 2, 4, 8, 16, 16, 16}));
}

TEST(ClockPace, ReadsAtEachBoundaryAfterALongStretch) {
  ClockPace pace;
  for (int reading = 0; reading < 5; ++reading) {
    BoundariesUntilDue(&pace);
    pace.Set(0, 100);
  }
  EXPECT_EQ(BoundariesUntilDue(&pace), ClockPace::kMost);
  for (int reading = 0; reading < 3; ++reading) {
    pace.Set(100, 100);
    EXPECT_EQ(BoundariesUntilDue(&pace), 1U);
  }
}

class UntimedCoreTest : public CoreTest {
 protected:
  void BuildUntimed(const std::function<void(CoreOptions&)>& adjust = [](CoreOptions&) {}) {
    Build([&](CoreOptions& options) {
      options.timing_metrics = false;
      options.max_queue_depth = 512;
      options.inbox_capacity = 1024;
      options.outbox_capacity = 1024;
      options.handler_count = 512;
      adjust(options);
    });
    brief_ = Plain([](TaskContext&) { return TaskOutcome::kSucceeded; });
    high_ = Plain([this](TaskContext&) {
      order_ += 'H';
      return TaskOutcome::kSucceeded;
    });
    long_ = Plain([this](TaskContext&) {
      order_ += 'n';
      now_ += 30'000;
      if (order_.size() == urgent_after_) Submit(high_, Priority::kHigh);
      return TaskOutcome::kSucceeded;
    });
  }
  // From here on the clock may stand for as many tasks as it ever does.
  void SlowDown() {
    for (uint32_t task = 0; task < 2 * ClockPace::kMost - 1; ++task) Submit(brief_);
    core_->Turn();
    EXPECT_EQ(Drain().size(), 2 * ClockPace::kMost - 1);
  }
  void SubmitLong(int count) {
    for (int task = 0; task < count; ++task) Submit(long_);
  }
  void TurnToEnd() {
    while (core_->Turn()) Drain();
  }

  std::string order_;
  size_t urgent_after_ = 0;  // Of the tasks that are long; none: never.
  const TaskEntry* brief_ = nullptr;
  const TaskEntry* high_ = nullptr;
  const TaskEntry* long_ = nullptr;
};

TEST_F(UntimedCoreTest, ABudgetInTimeEndsTheTurnAfterTheLongTaskThatReachesIt) {
  BuildUntimed([](CoreOptions& options) { options.budget.microseconds = 100; });
  SubmitLong(8);
  core_->Turn();
  EXPECT_EQ(Drain().size(), 4U) << "the fourth reaches 120 us";
  core_->Turn();
  EXPECT_EQ(Drain().size(), 4U);
}

TEST_F(UntimedCoreTest, ABudgetInTimeMayBePassedOnceWhenLongTasksFollowShortOnes) {
  BuildUntimed([](CoreOptions& options) { options.budget.microseconds = 100; });
  SlowDown();
  SubmitLong(ClockPace::kMost + 8);
  core_->Turn();
  EXPECT_EQ(Drain().size(), ClockPace::kMost);
  core_->Turn();
  EXPECT_EQ(Drain().size(), 4U);
}

TEST_F(UntimedCoreTest, UrgentWorkStartsAtTheNextBoundaryAmongLongTasks) {
  BuildUntimed();
  SubmitLong(1);
  TurnToEnd();
  urgent_after_ = 2;
  SubmitLong(4);
  TurnToEnd();
  EXPECT_EQ(order_, "nnHnnn");
}

TEST_F(UntimedCoreTest, UrgentWorkWaitsForTheClockOnceWhenLongTasksFollowShortOnes) {
  BuildUntimed();
  SlowDown();
  urgent_after_ = 1;
  SubmitLong(ClockPace::kMost + 2);
  TurnToEnd();
  EXPECT_EQ(order_, std::string(ClockPace::kMost, 'n') + "Hnn");
}

TEST_F(UntimedCoreTest, ATimerFiresAtTheNextBoundaryAmongLongTasks) {
  BuildUntimed();
  const TaskEntry* sleeper = Suspending([this](TaskContext& context) {
    now_ += 30'000;
    context.SleepFor(25'000);
    order_ += 'W';
    return TaskOutcome::kSucceeded;
  });
  Submit(sleeper, Priority::kHigh);
  SubmitLong(3);
  TurnToEnd();
  EXPECT_EQ(order_.substr(0, 2), "nW") << order_;
}

TEST_F(UntimedCoreTest, AYieldTellsOfTheDeadlineThatHasPassed) {
  BuildUntimed();
  SlowDown();
  std::vector<WakeReason> told;
  const TaskEntry* yielder = Suspending([&](TaskContext& context) {
    told.push_back(context.Yield());
    now_ += 500;
    told.push_back(context.Yield());
    return TaskOutcome::kSucceeded;
  });
  Submit(yielder, Priority::kNormal, /*timeout=*/500);
  TurnToEnd();
  EXPECT_EQ(told, (std::vector<WakeReason>{WakeReason::kElapsed, WakeReason::kDeadline}));
}

// The promise of ReadyQueue, but that what has aged is seen up to ClockPace::kMost tasks later.
class UntimedAgePromise : public UntimedCoreTest {
 protected:
  static constexpr sys::Ticks kAgeLimit = 1'000'000;

  struct Waiting {
    sys::Ticks since = 0;
    sys::Ticks takes = 0;
    uint64_t ahead = 0;          // m: itself and the low tasks ready before it; 0: it is high.
    uint64_t aged_dispatch = 0;  // The first after its age had reached the limit; 0: not yet.
  };

  // Many high tasks beside a few low ones, all in one turn, of which some take long.
  void RunRound(std::mt19937_64* random) {
    BuildUntimed([](CoreOptions& options) {
      options.age_limit_ms = 1;
      options.budget.polls = 1024;
    });
    tasks_.assign(400, {});
    uint64_t low = 0;
    const uint64_t long_one_in = 2 + (*random)() % 40;
    for (size_t index = 0; index < tasks_.size(); ++index) {
      Waiting& task = tasks_[index];
      now_ += static_cast<sys::Ticks>(1 + (*random)() % 100);
      task.since = now_;
      if ((*random)() % 25 == 0) task.ahead = ++low;
      if ((*random)() % long_one_in == 0) {
        task.takes = static_cast<sys::Ticks>((*random)() % kAgeLimit);
      }
      const TaskEntry* entry = Plain([this, index](TaskContext&) {
        Start(index);
        return TaskOutcome::kSucceeded;
      });
      Submit(entry, task.ahead > 0 ? Priority::kLow : Priority::kHigh);
    }
    core_->Turn();
    EXPECT_EQ(dispatch_, tasks_.size());
  }

  void Start(size_t index) {
    ++dispatch_;
    for (Waiting& task : tasks_) {
      if (task.aged_dispatch == 0 && now_ - task.since >= kAgeLimit) task.aged_dispatch = dispatch_;
    }
    const Waiting& task = tasks_[index];
    if (task.ahead > 0 && task.aged_dispatch > 0) {
      const uint64_t waited = dispatch_ - task.aged_dispatch + 1;
      EXPECT_LE(waited, ClockPace::kMost + ReadyQueue::kAgedShare * task.ahead) << "task " << index;
    }
    now_ += task.takes;
  }

  std::vector<Waiting> tasks_;
  uint64_t dispatch_ = 0;
};

TEST_F(UntimedAgePromise, IsKeptUnderRandomLoads) {
  const uint64_t seed = Seed();
  SCOPED_TRACE(testing::Message() << "WEFT_TEST_SEED=" << seed);
  std::mt19937_64 random(seed);
  for (int round = 0; round < 100 && !HasFailure(); ++round) {
    entries_.clear();
    bodies_.clear();
    next_slot_ = 0;
    dispatch_ = 0;
    RunRound(&random);
  }
}

// As long as tasks are long nothing is added.
TEST_F(UntimedAgePromise, IsExactAmongLongTasks) {
  BuildUntimed([](CoreOptions& options) {
    options.age_limit_ms = 1;
    options.budget.polls = 1024;
  });
  for (int task = 0; task < 60; ++task) Submit(long_, Priority::kHigh);
  Submit(Plain([this](TaskContext&) {
           order_ += 'L';
           return TaskOutcome::kSucceeded;
         }),
         Priority::kLow);
  TurnToEnd();
  // 34 tasks of 30 us take longer than the limit.
  EXPECT_EQ(order_.find('L'), 34U) << order_;
}

}  // namespace
}  // namespace weft

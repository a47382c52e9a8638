// Proves that the result of a task that ran far longer than usual says how much of that its thread
// had no CPU, that others say nothing, and that nobody asks the system for the CPU clock task by
// task. Time, and the time without a CPU, are moved by hand.
#include "core/off_core.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <optional>
#include <thread>
#include <vector>

#include "core/core_fixture.h"
#include "core/time_share.h"
#include "core/usual_time.h"

namespace weft {
namespace {

constexpr int64_t kMs = 1'000'000;

TEST(TimeShare, RoundsUpByLessThanA65000th) {
  for (const int64_t whole : {int64_t{60'000}, 5 * kMs, int64_t{86'400'000'000'000}}) {
    for (const int64_t part : {int64_t{0}, int64_t{1}, whole / 3, whole - 1, whole}) {
      const std::optional<int64_t> told = TimeShare::Of(part, whole).PartOf(whole);
      ASSERT_TRUE(told.has_value());
      EXPECT_GE(*told, part);
      EXPECT_LE(*told, part + whole / 65'000 + 1);
      EXPECT_LE(*told, whole);
    }
  }
  EXPECT_EQ(TimeShare::Of(0, 100).PartOf(100), 0);
  EXPECT_EQ(TimeShare().PartOf(100), std::nullopt);
}

// How runs are recorded, and what is said of each.
struct Runs {
  bool IsLong(uint64_t ran_ns) {
    execution.RecordNs(ran_ns);
    return usual.Marks(ran_ns) && usual.IsFarExceeded(execution, ran_ns);
  }

  Histogram execution;
  UsualTime usual;
};

TEST(UsualTime, KnowsNothingBeforeItHasSeenEnough) {
  Runs runs;
  for (uint64_t i = 0; i + 1 < UsualTime::kFewest; ++i) runs.IsLong(1'000);
  EXPECT_TRUE(runs.IsLong(10 * kMs)) << "the thirty-second";
  Runs few;
  few.IsLong(1'000);
  EXPECT_TRUE(few.usual.Marks(10 * kMs));
  EXPECT_FALSE(few.IsLong(10 * kMs));
}

TEST(UsualTime, IsFarExceededBeyondFourTimesWhatNineOfTenTake) {
  Runs runs;
  for (int i = 0; i < 1'000; ++i) EXPECT_FALSE(runs.IsLong(1 * kMs)) << "what all take is usual";
  EXPECT_FALSE(runs.IsLong(39 * kMs / 10));
  EXPECT_TRUE(runs.IsLong(5 * kMs));
}

TEST(UsualTime, IsNeverFarExceededByLessThanItsLeast) {
  Runs runs;
  for (int i = 0; i < 100; ++i) runs.IsLong(1'000);
  EXPECT_FALSE(runs.IsLong(UsualTime::kLeastNs));
  EXPECT_TRUE(runs.IsLong(UsualTime::kLeastNs + 1));
}

TEST(UsualTime, LearnsAnewWhenTasksGrow) {
  Runs runs;
  for (int i = 0; i < 100; ++i) runs.IsLong(1'000);
  EXPECT_TRUE(runs.IsLong(2 * kMs));
  for (int i = 0; i < 1'000; ++i) runs.IsLong(2 * kMs);
  EXPECT_FALSE(runs.IsLong(2 * kMs)) << "most take so long by now";
}

TEST(UsualTime, ForgetsWhatWasUsualWhenTasksShrinkAndItLearns) {
  Runs runs;
  for (int i = 0; i < 40; ++i) runs.IsLong(10 * kMs);
  for (int i = 0; i < 1'000; ++i) runs.IsLong(1'000);
  EXPECT_FALSE(runs.IsLong(20 * kMs)) << "not even marked: it was usual once";
  runs.usual.Learn(runs.execution);
  EXPECT_TRUE(runs.IsLong(20 * kMs));
}

TEST(OffCoreMeter, LosesWhatPassesLessTheCpuTime) {
  OffCoreMeter meter(4'000);
  const sys::ClockAnchor anchor;
  meter.Read(anchor, 1'000, 70);
  EXPECT_EQ(meter.lost_ns(), 0) << "nothing before the first reading";
  meter.Read(anchor, 5'000, 1'070);
  EXPECT_EQ(meter.lost_ns(), 3'000);
  meter.Read(anchor, 6'000, 2'100);
  EXPECT_EQ(meter.lost_ns(), 3'000) << "two clocks never agree quite";
  EXPECT_FALSE(meter.IsTooOld(10'000));
  EXPECT_TRUE(meter.IsTooOld(10'001));
  meter.EndSleep(20'000);
  EXPECT_FALSE(meter.IsTooOld(24'000));
  meter.Read(anchor, 21'000, 2'600);
  EXPECT_EQ(meter.lost_ns(), 3'500) << "and nothing while it slept";
}

TEST(OffCoreMeter, IsNeverTooOldUntilItIsUsed) {
  OffCoreMeter meter(4'000);
  EXPECT_FALSE(meter.IsTooOld(1'000'000));
  meter.EndSleep(1'000);
  EXPECT_FALSE(meter.IsTooOld(1'000'000));
}

class OffCoreTest : public CoreTest {
 protected:
  void BuildAndLearn() {
    Build([](CoreOptions& options) { options.idle = IdlePolicy::kSleep; });
    core_->TakeThread();
    handler_ = Plain([this](TaskContext&) {
      now_ += ran_;
      cpu_.off_core_ns += off_core_;
      return TaskOutcome::kSucceeded;
    });
    for (int i = 0; i < 64; ++i) Run(2'000, 0);
  }
  Completion Run(int64_t ran, int64_t off_core) {
    ran_ = ran;
    off_core_ = off_core;
    next_slot_ = 0;
    Submit(handler_);
    return TurnForOne();
  }
  static std::optional<int64_t> OffCoreOf(const Completion& ended) {
    return ended.off_core.PartOf(ended.completed - ended.started);
  }

  const TaskEntry* handler_ = nullptr;
  int64_t ran_ = 0;
  int64_t off_core_ = 0;
};

TEST_F(OffCoreTest, ALongRunTellsHowMuchOfItHadNoCpu) {
  BuildAndLearn();
  const Completion machine = Run(10 * kMs, 9 * kMs);
  ASSERT_TRUE(OffCoreOf(machine).has_value());
  EXPECT_NEAR(static_cast<double>(*OffCoreOf(machine)), 9 * kMs, 200);
  EXPECT_EQ(OffCoreOf(Run(10 * kMs, 0)), 0) << "all of it was the handler's own";
  EXPECT_EQ(core_->stats().long_runs.value(), 2U);
  EXPECT_EQ(core_->stats().long_off_core_ns.value(), 9U * kMs);
}

TEST_F(OffCoreTest, OthersTellNothing) {
  BuildAndLearn();
  EXPECT_EQ(OffCoreOf(Run(2'000, 1'000)), std::nullopt) << "it is usual";
  EXPECT_EQ(OffCoreOf(Run(49'000, 40'000)), std::nullopt) << "too short for anybody to mind";
  EXPECT_TRUE(OffCoreOf(Run(51'000, 40'000)).has_value());
  EXPECT_EQ(core_->stats().long_runs.value(), 1U);
}

TEST_F(OffCoreTest, WhatTheCoreLostLongBeforeIsNotTheTasks) {
  BuildAndLearn();
  // As of a task whose run was usual, then a quiet millisecond.
  Run(40'000, 39'000);
  for (int i = 0; i < 600; ++i) Run(2'000, 0);
  EXPECT_EQ(OffCoreOf(Run(10 * kMs, 0)), 0);
  // And what it lost just before is counted in, but never beyond the run itself.
  Run(40'000, 39'000);
  EXPECT_NEAR(static_cast<double>(*OffCoreOf(Run(10 * kMs, 0))), 39'000, 200);
  Run(2'000, 500 * kMs);
  EXPECT_EQ(OffCoreOf(Run(10 * kMs, 0)), 10 * kMs);
}

TEST_F(OffCoreTest, ASleepOfTheCoreIsNoLoss) {
  BuildAndLearn();
  cpu_.sleep_ns = 100 * kMs;
  core_->Idle();
  ASSERT_GE(core_->stats().sleeps.value(), 1U);
  EXPECT_EQ(OffCoreOf(Run(10 * kMs, 0)), 0);
}

class OffCoreYieldTest : public OffCoreTest {
 protected:
  // A task that works, lets ten others go first that have no CPU for two fifths as long each, too
  // short to be asked about, and ends.
  void BuildAndLearnToYield() {
    BuildAndLearn();
    yields_ = Suspending([this](TaskContext& context) {
      now_ += ran_;
      context.Yield();
      return TaskOutcome::kSucceeded;
    });
    other_ = Plain([this](TaskContext&) {
      now_ += ran_ * 2 / 5;
      cpu_.off_core_ns += ran_ * 2 / 5;
      return TaskOutcome::kSucceeded;
    });
    for (int i = 0; i < 64; ++i) RunBeside(1'000);
  }
  Completion RunBeside(int64_t ran) {
    ran_ = ran;
    next_slot_ = 0;
    const uint32_t slot = Submit(yields_);
    for (int i = 0; i < 10; ++i) Submit(other_);
    core_->Turn();
    for (const Completion& ended : Drain()) {
      if (ended.slot == slot) return ended;
    }
    ADD_FAILURE() << "it has not ended";
    return {};
  }

  const TaskEntry* yields_ = nullptr;
  const TaskEntry* other_ = nullptr;
};

TEST_F(OffCoreYieldTest, NeverMoreIsToldThanATaskWasNotSuspended) {
  BuildAndLearnToYield();
  // A fresh reading, so that this one is not amidst.
  OffCoreOf(Run(10 * kMs, 0));
  const Completion ended = RunBeside(100'000);
  EXPECT_EQ(ended.suspended, 400'000);
  ASSERT_TRUE(OffCoreOf(ended).has_value());
  EXPECT_NEAR(static_cast<double>(*OffCoreOf(ended)), 100'000, 20) << "of 400 us that were lost";
}

// A task that runs in three parts and sleeps between them, as its core does.
class OffCoreNapTest : public OffCoreTest {
 protected:
  void BuildAndLearnToNap() {
    BuildAndLearn();
    naps_ = Suspending([this](TaskContext& context) {
      for (int part = 0; part < 3; ++part) {
        now_ += ran_;
        cpu_.off_core_ns += off_core_;
        if (part < 2) context.SleepFor(slept_);
      }
      return TaskOutcome::kSucceeded;
    });
    for (int i = 0; i < 64; ++i) RunNap(1'000, 0, 1'000);
  }
  Completion RunNap(int64_t ran, int64_t off_core, int64_t slept) {
    ran_ = ran;
    off_core_ = off_core;
    slept_ = slept;
    next_slot_ = 0;
    Submit(naps_);
    cpu_.sleep_ns = std::max(slept / 4, kMs);
    for (;;) {
      core_->Turn();
      const std::vector<Completion> ended = Drain();
      if (!ended.empty()) return ended.front();
      core_->Idle();
    }
  }

  const TaskEntry* naps_ = nullptr;
  int64_t slept_ = 0;
};

TEST_F(OffCoreNapTest, WhatWasLostBeforeAndAfterASuspensionIsToldAndTheSleepIsNot) {
  BuildAndLearnToNap();
  const Completion ended = RunNap(10 * kMs, 3 * kMs, 100 * kMs);
  EXPECT_GE(ended.suspended, 200 * kMs);
  ASSERT_TRUE(OffCoreOf(ended).has_value());
  EXPECT_NEAR(static_cast<double>(*OffCoreOf(ended)), 9 * kMs, 3'000);
}

TEST_F(OffCoreNapTest, OneThatOnlySleptForLongHasLostNothing) {
  BuildAndLearnToNap();
  EXPECT_EQ(OffCoreOf(RunNap(1'000, 0, 100 * kMs)), 0);
  EXPECT_EQ(core_->stats().long_runs.value(), 1U);
}

TEST_F(OffCoreNapTest, WhatTheCoreLostBeforeItStartedIsNotTold) {
  BuildAndLearnToNap();
  Run(10 * kMs, 9 * kMs);
  EXPECT_EQ(OffCoreOf(RunNap(10 * kMs, 0, 100 * kMs)), 0);
}

TEST_F(OffCoreTest, OfTwoLongRunsInATurnEachIsToldItsOwnLoss) {
  BuildAndLearn();
  const TaskEntry* const late = Plain([this](TaskContext&) {
    now_ += ran_;
    return TaskOutcome::kSucceeded;
  });
  for (int i = 0; i < 64; ++i) {
    next_slot_ = 0;
    ran_ = 1'000;
    off_core_ = 0;
    Submit(late);
    TurnForOne();
  }
  next_slot_ = 0;
  ran_ = 10 * kMs;
  off_core_ = 9 * kMs;
  Submit(handler_);
  Submit(late);
  core_->Turn();
  const std::vector<Completion> ended = Drain();
  ASSERT_EQ(ended.size(), 2U);
  EXPECT_NEAR(static_cast<double>(OffCoreOf(ended[0]).value_or(-1)), 9 * kMs, 200);
  EXPECT_EQ(OffCoreOf(ended[1]), 0);
}

TEST_F(OffCoreTest, WhatTheCoreLostLongBeforeInALongTurnIsNotTheTasks) {
  BuildAndLearn();
  next_slot_ = 0;
  ran_ = 40'000;
  Submit(Plain([this](TaskContext&) {
    cpu_.off_core_ns += 39'000;
    now_ += 40'000;
    return TaskOutcome::kSucceeded;
  }));
  for (int i = 0; i < 40; ++i) Submit(handler_);
  Submit(Plain([this](TaskContext&) {
    ran_ = 10 * kMs;
    return TaskOutcome::kSucceeded;
  }));
  Submit(handler_);
  off_core_ = 0;
  core_->Turn();
  const std::vector<Completion> ended = Drain();
  ASSERT_EQ(ended.size(), 43U) << "in one turn";
  EXPECT_EQ(OffCoreOf(ended.back()), 0);
}

TEST_F(OffCoreTest, WhatIsUsualIsLearntAnewNowAndThen) {
  BuildAndLearn();
  for (int i = 0; i < 100; ++i) Run(10 * kMs, 0);
  EXPECT_EQ(OffCoreOf(Run(20 * kMs, 0)), std::nullopt);
  for (int i = 0; i < 4'096; ++i) Run(2'000, 0);
  EXPECT_EQ(OffCoreOf(Run(20 * kMs, 0)), 0);
}

// The pool's threads are real, so core and handler take turns at the time.
class OffCorePoolTest : public CoreTest {
 protected:
  enum class Turn { kCores, kHandlers };

  void BuildAndLearn() {
    Build([](CoreOptions& options) { options.blocking.threads_max = 1; });
    core_->TakeThread();
    const TaskEntry* const handler = Suspending([this](TaskContext&) {
      while (turn_.load(std::memory_order_acquire) != Turn::kHandlers) std::this_thread::yield();
      now_ += ran_;
      cpu_.off_core_ns += off_core_;
      turn_.store(Turn::kCores, std::memory_order_release);
      return TaskOutcome::kSucceeded;
    });
    entry_ = Core<ManualEnv>::EntryForThread(*handler);
    for (int i = 0; i < 64; ++i) Run(2'000, 0);
  }
  Completion Run(int64_t ran, int64_t off_core) {
    ran_ = ran;
    off_core_ = off_core;
    next_slot_ = 0;
    Submit(&entry_);
    core_->Turn();
    // The test's time limit ends a wait in vain.
    turn_.store(Turn::kHandlers, std::memory_order_release);
    while (turn_.load(std::memory_order_acquire) != Turn::kCores) std::this_thread::yield();
    for (;;) {
      core_->Turn();
      const std::vector<Completion> ended = Drain();
      if (!ended.empty()) return ended.front();
      std::this_thread::yield();
    }
  }
  static std::optional<int64_t> OffCoreOf(const Completion& ended) {
    return ended.off_core.PartOf(ended.completed - ended.started);
  }

  TaskEntry entry_;
  int64_t ran_ = 0;
  int64_t off_core_ = 0;
  std::atomic<Turn> turn_{Turn::kCores};
};

TEST_F(OffCorePoolTest, ALongRunTellsForHowLongItsThreadHadNoCpuOrSlept) {
  BuildAndLearn();
  EXPECT_EQ(OffCoreOf(Run(2'000, 1'000)), std::nullopt) << "it is usual";
  EXPECT_NEAR(static_cast<double>(OffCoreOf(Run(10 * kMs, 9 * kMs)).value_or(-1)), 9 * kMs, 200);
  EXPECT_EQ(OffCoreOf(Run(10 * kMs, 0)), 0) << "all of it was the handler's own";
}

TEST_F(OffCoreTest, WithoutTimingNothingIsTold) {
  Build([](CoreOptions& options) { options.timing_metrics = false; });
  core_->TakeThread();
  handler_ = Plain([this](TaskContext&) {
    now_ += ran_;
    return TaskOutcome::kSucceeded;
  });
  for (int i = 0; i < 64; ++i) Run(2'000, 0);
  EXPECT_EQ(Run(100 * kMs, 0).off_core.PartOf(100), std::nullopt);
  EXPECT_EQ(core_->stats().long_runs.value(), 0U);
}

}  // namespace
}  // namespace weft

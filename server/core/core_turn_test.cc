// Proves where a turn ends and what follows it, with manual time: a full outbox, a spent budget,
// the most that it takes in, urgent work that comes meanwhile, tasks without a stack, and a core
// that rests only when nothing can run.
#include <gtest/gtest.h>

#include <string>

#include "core/core_fixture.h"

namespace weft {
namespace {

TEST_F(CoreTest, StartsNoMoreWhileTheDoorHasNotDrained) {
  Build([](CoreOptions& options) { options.outbox_capacity = 4; });
  const TaskEntry* entry = Plain([](TaskContext&) { return TaskOutcome::kSucceeded; });
  // One message at a time, as the outbox also bounds what is taken in.
  for (int i = 0; i < 10; ++i) Submit(entry);
  core_->Turn();
  EXPECT_EQ(core_->started(Priority::kNormal), 4U);
  EXPECT_EQ(core_->stats().outbox_waits.value(), 1U) << "once a turn";
  EXPECT_EQ(Drain().size(), 4U);
  core_->Turn();
  EXPECT_EQ(Drain().size(), 4U);
  core_->Turn();
  EXPECT_EQ(Drain().size(), 2U);
  ExpectConserved();
}

TEST_F(CoreTest, NeverRestsOnReadyTasksThoughTheDoorDrainsAtTheLastMoment) {
  Build([](CoreOptions& options) {
    options.outbox_capacity = 4;
    options.idle = IdlePolicy::kSleep;
  });
  const TaskEntry* entry = Plain([](TaskContext&) { return TaskOutcome::kSucceeded; });
  for (int i = 0; i < 6; ++i) Submit(entry);
  EXPECT_TRUE(core_->Turn());
  EXPECT_FALSE(core_->Turn()) << "the outbox is full";
  // The Door rings nobody for it.
  EXPECT_EQ(Drain().size(), 4U);
  core_->Idle();
  EXPECT_EQ(core_->stats().sleeps.value(), 0U);
  EXPECT_TRUE(core_->Turn());
  EXPECT_EQ(Drain().size(), 2U);
  core_->Idle();
  EXPECT_EQ(core_->stats().sleeps.value(), 1U);
}

TEST_F(CoreTest, ATurnRunsNoMoreThanItsBudget) {
  Build([](CoreOptions& options) { options.budget.polls = 3; });
  const TaskEntry* entry = Suspending([](TaskContext&) { return TaskOutcome::kSucceeded; });
  for (int i = 0; i < 7; ++i) Submit(entry);
  core_->Turn();
  EXPECT_EQ(Drain().size(), 3U);
  core_->Turn();
  EXPECT_EQ(Drain().size(), 3U);
}

// Neither its budget nor kLookAgainNs has passed.
TEST_F(CoreTest, ATaskThatYieldsAloneLetsInWhatHasCome) {
  Build();
  int slices = 0;
  int slices_before = 0;
  const TaskEntry* other = Plain([&](TaskContext&) {
    slices_before = slices;
    return TaskOutcome::kSucceeded;
  });
  const TaskEntry* long_one = Suspending([&](TaskContext& context) {
    for (; slices < 10; ++slices) {
      if (slices == 3) Submit(other);
      context.Yield();
    }
    return TaskOutcome::kSucceeded;
  });
  Submit(long_one);
  core_->Turn();
  EXPECT_EQ(slices, 3) << "with nobody there it goes on, then the turn is over";
  EXPECT_TRUE(Drain().empty());
  core_->Turn();
  EXPECT_EQ(slices_before, 4) << "behind what was ready before it";
  EXPECT_EQ(slices, 10);
  EXPECT_EQ(Drain().size(), 2U);
  ExpectConserved();
}

TEST_F(CoreTest, ATaskThatYieldsAmongOthersGoesOnInTheSameTurn) {
  Build();
  const TaskEntry* other = Plain([](TaskContext&) { return TaskOutcome::kSucceeded; });
  const TaskEntry* yields = Suspending([&](TaskContext& context) {
    Submit(other);
    context.Yield();
    return TaskOutcome::kSucceeded;
  });
  for (int i = 0; i < 3; ++i) Submit(yields);
  core_->Turn();
  EXPECT_EQ(Drain().size(), 3U) << "others were ready, so none of them ended the turn";
}

TEST_F(CoreTest, ATurnTakesNoMoreMessagesThanItsBound) {
  constexpr uint32_t kCount = TurnIntake::kMostMessages + 100;
  Build([](CoreOptions& options) {
    options.max_queue_depth = kCount;
    options.inbox_capacity = 8192;
  });
  const TaskEntry* entry = Plain([](TaskContext&) { return TaskOutcome::kSucceeded; });
  for (uint32_t i = 0; i < kCount; ++i) Submit(entry);
  core_->Turn();
  EXPECT_EQ(core_->stats().submitted.value(), TurnIntake::kMostMessages);
  EXPECT_EQ(Drain().size(), 64u) << "tasks have their turn, too";
  core_->Turn();
  EXPECT_EQ(core_->stats().submitted.value(), kCount);
}

TEST_F(CoreTest, ATurnFiresNoMoreTimersThanItsBound) {
  constexpr uint32_t kCount = TurnIntake::kMostTimers + 100;
  Build([](CoreOptions& options) {
    options.max_queue_depth = kCount;
    options.inbox_capacity = 2048;
    options.outbox_capacity = 2048;
    options.budget.polls = 1;
  });
  const TaskEntry* entry = Plain([](TaskContext&) { return TaskOutcome::kSucceeded; });
  entry->paused.Set(true);
  for (uint32_t i = 0; i < kCount; ++i) Submit(entry, Priority::kNormal, 1'000'000);
  core_->Turn();
  now_ += 10'000'000;
  core_->Turn();
  // One more is found to be late when its turn to run comes.
  EXPECT_EQ(core_->ended_unstarted(Priority::kNormal), TurnIntake::kMostTimers + 1);
  EXPECT_FALSE(core_->next_timer() > now_);
  core_->Turn();
  EXPECT_EQ(core_->ended_unstarted(Priority::kNormal), kCount);
}

TEST_F(CoreTest, ABudgetInTimeEndsTheTurnAfterTheTaskThatReachesIt) {
  Build([](CoreOptions& options) { options.budget.microseconds = 10; });
  const TaskEntry* slow = Plain([&](TaskContext&) {
    now_ += 4'000;
    return TaskOutcome::kSucceeded;
  });
  for (int i = 0; i < 8; ++i) Submit(slow);
  core_->Turn();
  EXPECT_EQ(Drain().size(), 3U) << "the third reaches 12 us";
  core_->Turn();
  EXPECT_EQ(Drain().size(), 3U);
  core_->Turn();
  EXPECT_EQ(Drain().size(), 2U);
}

TEST_F(CoreTest, ABudgetInTimeCountsNoTasksAndOneTaskAlwaysRuns) {
  Build([](CoreOptions& options) {
    options.budget = {.polls = 1, .microseconds = 1};
    options.max_queue_depth = 200;
    options.inbox_capacity = 256;
    options.outbox_capacity = 256;
  });
  const TaskEntry* quick = Plain([](TaskContext&) { return TaskOutcome::kSucceeded; });
  const TaskEntry* slow = Plain([&](TaskContext&) {
    now_ += 1'000'000;
    return TaskOutcome::kSucceeded;
  });
  for (int i = 0; i < 100; ++i) Submit(quick);
  core_->Turn();
  EXPECT_EQ(Drain().size(), 100U) << "time stood still";
  for (int i = 0; i < 2; ++i) Submit(slow);
  EXPECT_TRUE(core_->Turn());
  EXPECT_EQ(Drain().size(), 1U);
}

TEST_F(CoreTest, ANewBudgetHoldsFromTheNextTurnOn) {
  Build([](CoreOptions& options) { options.budget.polls = 3; });
  const TaskEntry* entry = Plain([&](TaskContext&) {
    core_->SetBudget({.polls = 5});
    return TaskOutcome::kSucceeded;
  });
  for (int i = 0; i < 10; ++i) Submit(entry);
  core_->Turn();
  EXPECT_EQ(Drain().size(), 3U);
  EXPECT_EQ(core_->budget(), TurnBudget{.polls = 5});
  core_->Turn();
  EXPECT_EQ(Drain().size(), 5U);
}

TEST_F(CoreTest, UrgentWorkThatComesDuringALongTurnStartsAtTheNextBoundary) {
  Build();
  std::string order;
  const TaskEntry* high = Plain([&](TaskContext&) {
    order += 'H';
    return TaskOutcome::kSucceeded;
  });
  const TaskEntry* slow = Plain([&](TaskContext&) {
    order += 'n';
    now_ += 15'000;
    if (order.size() == 2) Submit(high, Priority::kHigh);
    return TaskOutcome::kSucceeded;
  });
  for (int i = 0; i < 5; ++i) Submit(slow);
  while (core_->Turn()) Drain();
  EXPECT_EQ(order, "nnHnnn");
}

TEST_F(CoreTest, ATimerThatFallsDueDuringALongTurnFiresAtTheNextBoundary) {
  Build();
  std::string order;
  const TaskEntry* sleeper = Suspending([&](TaskContext& context) {
    context.SleepFor(25'000);
    order += 'W';
    return TaskOutcome::kSucceeded;
  });
  const TaskEntry* slow = Plain([&](TaskContext&) {
    order += 'n';
    now_ += 15'000;
    return TaskOutcome::kSucceeded;
  });
  Submit(sleeper, Priority::kHigh);
  for (int i = 0; i < 5; ++i) Submit(slow);
  while (core_->Turn()) Drain();
  EXPECT_EQ(order, "nnWnnn");
}

TEST_F(CoreTest, TasksWithoutAStackNeverKeepOthersFromRunning) {
  Build([](CoreOptions& options) {
    options.stacks = 1;
    options.budget.polls = 4;
  });
  const TaskEntry* sleeper = Suspending([](TaskContext& context) {
    context.SleepFor(1'000'000'000);
    return TaskOutcome::kSucceeded;
  });
  int ran = 0;
  const TaskEntry* plain = Plain([&](TaskContext&) {
    ++ran;
    return TaskOutcome::kSucceeded;
  });
  for (int i = 0; i < 20; ++i) Submit(sleeper);
  Submit(plain);
  // Whole turns are spent on setting tasks aside; none of them may look like an idle one.
  while (core_->Turn()) Drain();
  EXPECT_EQ(ran, 1);
}

TEST_F(CoreTest, UrgentWorkOvertakesWhatIsQueuedAtTheNextBoundary) {
  Build();
  std::string order;
  const TaskEntry* high = Plain([&](TaskContext&) {
    order += 'H';
    return TaskOutcome::kSucceeded;
  });
  const TaskEntry* yielder = Suspending([&](TaskContext& context) {
    order += 'a';
    context.Yield();
    order += 'b';
    return TaskOutcome::kSucceeded;
  });
  Submit(yielder, Priority::kLow);
  Submit(high, Priority::kHigh);
  core_->Turn();
  EXPECT_EQ(order, "Hab");
}

TEST_F(CoreTest, RingsOnlyADoorThatSleeps) {
  Build();
  int rings = 0;
  doorbell_.argument = &rings;
  doorbell_.ring = [](void* argument) { ++*static_cast<int*>(argument); };
  const TaskEntry* entry = Plain([](TaskContext&) { return TaskOutcome::kSucceeded; });
  Submit(entry);
  core_->Turn();
  EXPECT_EQ(rings, 0);
  doorbell_.parking.Announce();
  Submit(entry);
  Submit(entry);
  core_->Turn();
  EXPECT_EQ(rings, 1);
}

// What the Door follows the load by: the time in turns that did something, whatever is timed.
TEST_F(CoreTest, CountsTheTimeInWhichItWasBusyAndNoOther) {
  for (const bool timing_metrics : {true, false}) {
    Build([timing_metrics](CoreOptions& options) { options.timing_metrics = timing_metrics; });
    const TaskEntry* const entry = Plain([this](TaskContext&) {
      now_ += 700;
      return TaskOutcome::kSucceeded;
    });
    now_ += 5'000;
    EXPECT_FALSE(core_->Turn());
    now_ += 5'000;
    Submit(entry);
    Submit(entry);
    EXPECT_TRUE(core_->Turn());
    EXPECT_EQ(core_->stats().busy_ns.value(), 0u) << "the turn is over when the next begins";
    now_ += 40;
    EXPECT_FALSE(core_->Turn());
    EXPECT_EQ(core_->stats().busy_ns.value(), 1'440u);
    now_ += 1'000'000;
    EXPECT_FALSE(core_->Turn());
    EXPECT_EQ(core_->stats().busy_ns.value(), 1'440u);
    Drain();
  }
}

TEST_F(CoreTest, TellsOfEachTurnWhenTheNextBeginsUnlessItIsLessThanTwentyMicroseconds) {
  Build();
  uint64_t told_before = 0;
  const TaskEntry* const is_long = Plain([&](TaskContext&) {
    told_before = core_->stats().busy_ns.value();
    now_ += 20'000;
    return TaskOutcome::kSucceeded;
  });
  for (uint64_t turns = 0; turns < 3; ++turns) {
    Submit(is_long);
    EXPECT_TRUE(core_->Turn());
    EXPECT_EQ(told_before, turns * 20'000) << "with a turn of as much under way";
    Drain();
  }
  Build();
  const TaskEntry* const entry = Plain([this](TaskContext&) {
    now_ += 700;
    return TaskOutcome::kSucceeded;
  });
  for (uint64_t turns = 1; turns <= 200; ++turns) {
    Submit(entry);
    EXPECT_TRUE(core_->Turn());
    Drain();
    const uint64_t told = core_->stats().busy_ns.value();
    EXPECT_LT(told, 700 * turns);
    EXPECT_GT(told + 20'000, 700 * (turns - 1));
  }
}

TEST_F(CoreTest, SleepsAtOnceWhileItRestsWhateverItsPolicy) {
  for (const IdlePolicy idle : {IdlePolicy::kSpin, IdlePolicy::kAdaptive}) {
    Build([idle](CoreOptions& options) { options.idle = idle; });
    const Message rest{.kind = MessageKind::kRest};
    ASSERT_EQ(core_->Post({&rest, 1}), 1u);
    EXPECT_TRUE(core_->Turn());
    EXPECT_FALSE(core_->Turn());
    core_->Idle();
    EXPECT_EQ(core_->stats().sleeps.value(), 1u);
    // What comes all the same is run as ever.
    Submit(Plain([](TaskContext&) { return TaskOutcome::kSucceeded; }));
    EXPECT_EQ(TurnForOne().state, TaskState::kSucceeded);
  }
}

}  // namespace
}  // namespace weft

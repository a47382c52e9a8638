// Proves what a paused handler means to a core, with manual time: its tasks stay queued and nothing
// else does, every way to end a queued task still ends them, and a release gives them back in
// order.
#include <gtest/gtest.h>

#include <string>

#include "core/core_fixture.h"

namespace weft {
namespace {

class CorePauseTest : public CoreTest {
 protected:
  // A handler whose tasks append the letter.
  const TaskEntry* Writer(char letter) {
    return Plain([this, letter](TaskContext&) {
      order_ += letter;
      return TaskOutcome::kSucceeded;
    });
  }
  void Resume(const TaskEntry* entry) {
    entry->paused.Set(false);
    Message message;
    message.kind = MessageKind::kRelease;
    message.entry = entry;
    EXPECT_EQ(core_->Post({&message, 1}), 1U);
  }
  void TurnUntilIdle() {
    while (core_->Turn()) continue;
  }

  std::string order_;
};

TEST_F(CorePauseTest, HoldsWhatIsQueuedAndLetsOthersRun) {
  Build();
  const TaskEntry* a = Writer('a');
  const TaskEntry* b = Writer('b');
  Submit(a);
  Submit(b);
  Submit(a);
  a->paused.Set(true);
  TurnUntilIdle();
  EXPECT_EQ(order_, "b");
  EXPECT_EQ(core_->stats().held.value(), 2);
  EXPECT_EQ(core_->stats().live.value(), 2);
  EXPECT_EQ(core_->SlotState(0), TaskState::kQueued);
  EXPECT_FALSE(core_->Turn()) << "what is held is no work";
  ExpectConserved();
}

TEST_F(CorePauseTest, ARestingCoreSleepsOnHeldTasksAndIsWokenByTheRelease) {
  Build([](CoreOptions& options) { options.idle = IdlePolicy::kSleep; });
  const TaskEntry* a = Writer('a');
  a->paused.Set(true);
  Submit(a);
  TurnUntilIdle();
  core_->Idle();
  EXPECT_EQ(core_->stats().sleeps.value(), 1U);
  Resume(a);
  EXPECT_TRUE(core_->Turn());
  EXPECT_EQ(order_, "a");
  EXPECT_EQ(core_->stats().held.value(), 0);
  ExpectConserved();
}

TEST_F(CorePauseTest, AReleaseKeepsLevelsAndAge) {
  Build();
  const TaskEntry* a = Writer('a');
  const TaskEntry* h = Writer('h');
  const TaskEntry* b = Writer('b');
  a->paused.Set(true);
  h->paused.Set(true);
  b->paused.Set(true);
  Submit(a, Priority::kLow);
  now_ += 1;
  Submit(b);
  now_ += 1;
  Submit(a);
  now_ += 1;
  Submit(h, Priority::kHigh);
  TurnUntilIdle();
  EXPECT_EQ(core_->stats().held.value(), 4);
  now_ += 1;
  // What was released later, and what came later, goes behind what is older.
  Submit(b);
  Resume(a);
  Resume(b);
  Resume(h);
  TurnUntilIdle();
  EXPECT_EQ(order_, "hbaba");
}

TEST_F(CorePauseTest, AReleaseOfOneHandlerLeavesAnotherHeld) {
  Build();
  const TaskEntry* a = Writer('a');
  const TaskEntry* b = Writer('b');
  a->paused.Set(true);
  b->paused.Set(true);
  Submit(a);
  Submit(b);
  TurnUntilIdle();
  Resume(b);
  TurnUntilIdle();
  EXPECT_EQ(order_, "b");
  EXPECT_EQ(core_->stats().held.value(), 1);
}

TEST_F(CorePauseTest, APauseRightAfterAReleaseHoldsAgain) {
  Build();
  const TaskEntry* a = Writer('a');
  a->paused.Set(true);
  Submit(a);
  TurnUntilIdle();
  Resume(a);
  a->paused.Set(true);
  TurnUntilIdle();
  EXPECT_EQ(order_, "");
  EXPECT_EQ(core_->stats().held.value(), 1);
  Resume(a);
  TurnUntilIdle();
  EXPECT_EQ(order_, "a");
  EXPECT_EQ(Drain().size(), 1U);
}

TEST_F(CorePauseTest, ACancelEndsAHeldTask) {
  Build();
  const TaskEntry* a = Writer('a');
  a->paused.Set(true);
  const uint32_t slot = Submit(a);
  TurnUntilIdle();
  Cancel(slot, CancelReason::kShutdown);
  TurnUntilIdle();
  const auto ends = Drain();
  ASSERT_EQ(ends.size(), 2U);
  EXPECT_EQ(ends[0].state, TaskState::kCancelled);
  EXPECT_EQ(ends[0].error_code, TaskErrorCode::kShuttingDown);
  EXPECT_FALSE(ends[0].was_started());
  EXPECT_EQ(ends[1].cancel_outcome, CancelOutcome::kCancelledQueued);
  EXPECT_EQ(core_->stats().held.value(), 0);
  // Nothing is left that a release could find.
  Resume(a);
  TurnUntilIdle();
  EXPECT_EQ(order_, "");
  ExpectConserved();
}

TEST_F(CorePauseTest, ATimeoutEndsAHeldTask) {
  Build();
  const TaskEntry* a = Writer('a');
  a->paused.Set(true);
  Submit(a, Priority::kNormal, 5'000'000);
  TurnUntilIdle();
  now_ += 10'000'000;
  const Completion end = TurnForOne();
  EXPECT_EQ(end.state, TaskState::kExpired);
  EXPECT_EQ(core_->stats().held.value(), 0);
  ExpectConserved();
}

TEST_F(CorePauseTest, WhatHasStartedGoesOn) {
  Build();
  const TaskEntry* sleeper = Suspending([this](TaskContext& context) {
    context.SleepFor(1'000'000);
    order_ += 's';
    return TaskOutcome::kSucceeded;
  });
  Submit(sleeper);
  core_->Turn();
  sleeper->paused.Set(true);
  Submit(sleeper);
  now_ += 10'000'000;
  TurnUntilIdle();
  EXPECT_EQ(order_, "s");
  EXPECT_EQ(core_->stats().held.value(), 1);
}

TEST_F(CorePauseTest, AThousandHeldTasksComeBackEachOnce) {
  Build([](CoreOptions& options) {
    options.max_queue_depth = 1024;
    options.inbox_capacity = 4096;
    options.outbox_capacity = 4096;
  });
  const TaskEntry* a = Writer('a');
  const TaskEntry* b = Writer('b');
  a->paused.Set(true);
  for (int i = 0; i < 1000; ++i) {
    now_ += 1;
    Submit(i % 2 == 0 ? a : b, static_cast<Priority>(i % 3));
  }
  TurnUntilIdle();
  EXPECT_EQ(order_, std::string(500, 'b'));
  EXPECT_EQ(core_->stats().held.value(), 500);
  Resume(a);
  TurnUntilIdle();
  EXPECT_EQ(order_, std::string(500, 'b') + std::string(500, 'a'));
  EXPECT_EQ(core_->stats().live.value(), 0);
  EXPECT_EQ(core_->stats().violations.value(), 0U);
}

}  // namespace
}  // namespace weft

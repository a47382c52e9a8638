// Proves what a core does with tasks, with manual time: order, stacks, suspension, cancel,
// deadlines, failures and counts. Where turns end and what follows them is core_turn_test.cc's.
#include "core/core.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <map>
#include <stdexcept>
#include <string>
#include <vector>

#include "core/core_fixture.h"

namespace weft {
namespace {

TEST_F(CoreTest, RunsATaskAndTellsItsExactTimes) {
  Build();
  const TaskEntry* entry = Plain([this](TaskContext& context) {
    now_ += 700;
    context.output() = "out:" + std::string(context.payload());
    return TaskOutcome::kSucceeded;
  });
  const sys::Ticks submitted = now_;
  const uint32_t slot = Submit(entry, Priority::kHigh, 0, "in");
  now_ += 50;
  const Completion done = TurnForOne();
  EXPECT_EQ(done.slot, slot);
  EXPECT_EQ(done.id, TaskId::Make(0, 1000 + slot));
  EXPECT_EQ(done.state, TaskState::kSucceeded);
  EXPECT_TRUE(done.was_started());
  EXPECT_EQ(done.started, submitted + 50);
  EXPECT_EQ(done.completed, submitted + 750);
  EXPECT_EQ(done.suspended, 0);
  EXPECT_EQ(done.output(), "out:in");
  ExpectConserved();
}

TEST_F(CoreTest, TheEndOfATaskIsTheStartOfTheNext) {
  Build();
  const TaskEntry* entry = Plain([this](TaskContext&) {
    now_ += 10;
    return TaskOutcome::kSucceeded;
  });
  Submit(entry);
  Submit(entry);
  core_->Turn();
  const auto done = Drain();
  ASSERT_EQ(done.size(), 2U);
  EXPECT_EQ(done[0].completed, done[1].started);
}

TEST_F(CoreTest, RunsHigherLevelsFirstAndEachLevelInOrder) {
  Build();
  std::string order;
  auto log = [&](char c) {
    return Plain([&order, c](TaskContext&) {
      order += c;
      return TaskOutcome::kSucceeded;
    });
  };
  Submit(log('5'), Priority::kLow);
  Submit(log('3'), Priority::kNormal);
  Submit(log('1'), Priority::kHigh);
  Submit(log('2'), Priority::kHigh);
  Submit(log('4'), Priority::kNormal);
  core_->Turn();
  EXPECT_EQ(order, "12345");
}

TEST_F(CoreTest, SleepsAndSaysHowLongItWasSuspended) {
  Build();
  const TaskEntry* entry = Suspending([this](TaskContext& context) {
    now_ += 100;
    EXPECT_EQ(context.SleepFor(50'000), WakeReason::kElapsed);
    now_ += 100;
    return TaskOutcome::kSucceeded;
  });
  const uint32_t slot = Submit(entry);
  core_->Turn();
  EXPECT_TRUE(Drain().empty());
  EXPECT_EQ(core_->SlotState(slot), TaskState::kSuspended);
  EXPECT_LE(core_->next_timer(), now_ + 50'000 + 4096);
  now_ += 49'000;
  core_->Turn();
  EXPECT_TRUE(Drain().empty()) << "it woke early";
  now_ += 10'000;
  const Completion done = TurnForOne();
  EXPECT_EQ(done.state, TaskState::kSucceeded);
  EXPECT_EQ(done.suspended, 59'000);
  EXPECT_EQ(done.completed - done.started, 59'200);
  ExpectConserved();
}

TEST_F(CoreTest, EventTimeIsThatOfTheStartOrOfTheLastResumption) {
  Build();
  const TaskEntry* entry = Suspending([this](TaskContext& context) {
    const int64_t started = context.NowNs();
    EXPECT_EQ(context.EventTimeNs(), started);
    now_ += 100;
    EXPECT_EQ(context.EventTimeNs(), started);
    EXPECT_EQ(context.NowNs(), started + 100);
    context.Yield();
    const int64_t resumed = context.EventTimeNs();
    EXPECT_EQ(resumed, started + 100 + 7'000) << "when the one that ran meanwhile gave way";
    context.SleepFor(50'000);
    EXPECT_EQ(context.EventTimeNs(), resumed + 60'000);
    return TaskOutcome::kSucceeded;
  });
  Submit(entry);
  Submit(Plain([this](TaskContext&) {
    now_ += 7'000;
    return TaskOutcome::kSucceeded;
  }));
  core_->Turn();
  now_ += 60'000;
  core_->Turn();
  EXPECT_EQ(Drain().size(), 2U);
}

TEST_F(CoreTest, OneStackRunsManyTasksThatNeverSuspend) {
  Build();
  const TaskEntry* entry = Suspending([](TaskContext&) { return TaskOutcome::kSucceeded; });
  for (int i = 0; i < 40; ++i) Submit(entry);
  core_->Turn();
  EXPECT_EQ(Drain().size(), 40U);
  EXPECT_EQ(core_->stats().stacks_in_use.value(), 0);
}

TEST_F(CoreTest, WithoutASpareStackATaskStaysQueuedAndIsCounted) {
  Build([](CoreOptions& options) { options.stacks = 2; });
  const TaskEntry* sleeper = Suspending([](TaskContext& context) {
    context.SleepFor(1'000'000);
    return TaskOutcome::kSucceeded;
  });
  int plain_runs = 0;
  const TaskEntry* plain = Plain([&](TaskContext&) {
    ++plain_runs;
    return TaskOutcome::kSucceeded;
  });
  for (int i = 0; i < 2; ++i) Submit(sleeper);
  const uint32_t third = Submit(sleeper);
  Submit(plain);
  core_->Turn();
  EXPECT_EQ(core_->SlotState(third), TaskState::kQueued);
  EXPECT_EQ(core_->stats().stack_waits.value(), 1U);
  EXPECT_EQ(core_->started(Priority::kNormal), 3U);
  EXPECT_EQ(plain_runs, 1) << "a task that needs no stack is not held up";
  ExpectConserved();
  now_ += 2'000'000;
  core_->Turn();
  EXPECT_EQ(core_->SlotState(third), TaskState::kSuspended);
  now_ += 2'000'000;
  core_->Turn();
  EXPECT_EQ(Drain().size(), 4U);
  ExpectConserved();
}

TEST_F(CoreTest, ACancelledQueuedTaskNeverStarts) {
  Build();
  bool ran = false;
  const TaskEntry* entry = Plain([&](TaskContext&) {
    ran = true;
    return TaskOutcome::kSucceeded;
  });
  now_ += 5'000;
  Cancel(Submit(entry));
  const sys::Ticks submitted = now_;
  now_ += 40;
  core_->Turn();
  const auto all = Drain();
  ASSERT_EQ(all.size(), 2U);
  EXPECT_EQ(all[0].completed, submitted + 40) << "not the clock of the turn before";
  EXPECT_EQ(all[0].kind, CompletionKind::kEnded);
  EXPECT_EQ(all[0].state, TaskState::kCancelled);
  EXPECT_EQ(all[0].error_code, TaskErrorCode::kCancelledByClient);
  EXPECT_FALSE(all[0].was_started());
  EXPECT_EQ(all[0].started, 0);
  EXPECT_EQ(all[1].kind, CompletionKind::kCancelTaken);
  EXPECT_EQ(all[1].cancel_outcome, CancelOutcome::kCancelledQueued);
  EXPECT_FALSE(ran);
  EXPECT_EQ(core_->ended_unstarted(Priority::kNormal), 1U);
  ExpectConserved();
}

TEST_F(CoreTest, ACancelWakesASuspendedTask) {
  Build();
  const TaskEntry* entry = Suspending([](TaskContext& context) {
    EXPECT_EQ(context.SleepFor(1'000'000'000), WakeReason::kCancelled);
    EXPECT_EQ(context.SleepFor(1'000'000'000), WakeReason::kCancelled) << "it stays cancelled";
    return context.Stop();
  });
  const uint32_t slot = Submit(entry);
  core_->Turn();
  Cancel(slot, CancelReason::kDisconnected);
  core_->Turn();
  const auto all = Drain();
  ASSERT_EQ(all.size(), 2U);
  EXPECT_EQ(all[0].cancel_outcome, CancelOutcome::kRequestedRunning);
  EXPECT_EQ(all[0].state, TaskState::kSuspended);
  EXPECT_EQ(all[1].state, TaskState::kCancelled);
  EXPECT_EQ(all[1].error_code, TaskErrorCode::kClientDisconnected);
}

TEST_F(CoreTest, ACancelTheHandlerIgnoresChangesNothing) {
  Build();
  uint32_t slot = 0;
  const TaskEntry* entry = Plain([&](TaskContext& context) {
    core_->SetCancel(slot, IdOf(slot), CancelReason::kClient);
    EXPECT_TRUE(context.ShouldStop());
    return TaskOutcome::kSucceeded;
  });
  slot = Submit(entry);
  EXPECT_EQ(TurnForOne().state, TaskState::kSucceeded);
}

TEST_F(CoreTest, ACancelSeenBeforeItsMessageIsStillAcknowledgedForWhatItDid) {
  Build();
  uint32_t slot = 0;
  const TaskEntry* entry = Plain([&](TaskContext& context) {
    core_->SetCancel(slot, IdOf(slot), CancelReason::kClient);
    return context.ShouldStop() ? context.Stop() : TaskOutcome::kSucceeded;
  });
  slot = Submit(entry);
  EXPECT_EQ(TurnForOne().state, TaskState::kCancelled);
  Cancel(slot);
  EXPECT_EQ(TurnForOne().cancel_outcome, CancelOutcome::kRequestedRunning);

  const uint32_t queued = Submit(entry);
  core_->SetCancel(queued, IdOf(queued), CancelReason::kClient);
  const Completion ended = TurnForOne();
  EXPECT_EQ(ended.state, TaskState::kCancelled);
  EXPECT_FALSE(ended.was_started()) << "the flag is looked at before a start";
  Cancel(queued);
  EXPECT_EQ(TurnForOne().cancel_outcome, CancelOutcome::kCancelledQueued);
}

TEST_F(CoreTest, ACancelAfterTheEndSaysSo) {
  Build();
  const uint32_t slot = Submit(Plain([](TaskContext&) { return TaskOutcome::kSucceeded; }));
  TurnForOne();
  Cancel(slot);
  EXPECT_EQ(TurnForOne().cancel_outcome, CancelOutcome::kAlreadyEnded);
}

TEST_F(CoreTest, ATimeoutInTheQueueExpiresTheTaskUnstarted) {
  Build();
  const TaskEntry* blocker = Plain([this](TaskContext&) {
    now_ += 10'000;
    return TaskOutcome::kSucceeded;
  });
  bool ran = false;
  const TaskEntry* late = Plain([&](TaskContext&) {
    ran = true;
    return TaskOutcome::kSucceeded;
  });
  Submit(blocker, Priority::kHigh);
  Submit(late, Priority::kNormal, 9'000);
  core_->Turn();
  const auto all = Drain();
  ASSERT_EQ(all.size(), 2U);
  EXPECT_EQ(all[1].state, TaskState::kExpired);
  EXPECT_EQ(all[1].error_code, TaskErrorCode::kDeadlineExceeded);
  EXPECT_FALSE(all[1].was_started());
  EXPECT_FALSE(ran);
}

TEST_F(CoreTest, ATimerExpiresAQueuedTaskThatNobodyDispatches) {
  Build([](CoreOptions& options) { options.stacks = 1; });
  const TaskEntry* sleeper = Suspending([](TaskContext& context) {
    context.SleepFor(1'000'000'000);
    return TaskOutcome::kSucceeded;
  });
  Submit(sleeper);
  Submit(sleeper, Priority::kNormal, 20'000);
  core_->Turn();
  EXPECT_LE(core_->next_timer(), now_ + 20'000 + 4096);
  now_ += 30'000;
  EXPECT_EQ(TurnForOne().state, TaskState::kExpired);
  ExpectConserved();
}

TEST_F(CoreTest, ATimeoutWhileSuspendedWakesAndExpires) {
  Build();
  const TaskEntry* entry = Suspending([](TaskContext& context) {
    return context.SleepFor(1'000'000'000) == WakeReason::kDeadline ? context.Stop()
                                                                    : TaskOutcome::kSucceeded;
  });
  Submit(entry, Priority::kNormal, 30'000);
  core_->Turn();
  now_ += 40'000;
  const Completion done = TurnForOne();
  EXPECT_EQ(done.state, TaskState::kExpired);
  EXPECT_TRUE(done.was_started());
}

TEST_F(CoreTest, ATimeoutWhileRunningIsSeenByTheHandler) {
  Build();
  const TaskEntry* entry = Plain([this](TaskContext& context) {
    EXPECT_FALSE(context.ShouldStop());
    now_ += 500;
    EXPECT_TRUE(context.ShouldStop());
    return context.Stop();
  });
  Submit(entry, Priority::kNormal, 400);
  EXPECT_EQ(TurnForOne().state, TaskState::kExpired);
}

TEST_F(CoreTest, AThrowingHandlerFailsWithItsMessageAndTheCoreGoesOn) {
  Build();
  for (const TaskEntry* entry :
       {Plain([](TaskContext&) -> TaskOutcome { throw std::runtime_error("broken pipe"); }),
        Suspending([](TaskContext& context) -> TaskOutcome {
          context.SleepFor(0);
          throw std::runtime_error("broken pipe");
        })}) {
    Submit(entry);
    core_->Turn();
    const auto all = Drain();
    ASSERT_EQ(all.size(), 1U);
    EXPECT_EQ(all[0].state, TaskState::kFailed);
    EXPECT_EQ(all[0].error_code, TaskErrorCode::kHandlerException);
    EXPECT_EQ(all[0].error_message(), "broken pipe");
  }
  Submit(Plain([](TaskContext&) -> TaskOutcome { throw 42; }));
  EXPECT_EQ(TurnForOne().error_code, TaskErrorCode::kHandlerException);
  Submit(Plain([](TaskContext&) { return TaskOutcome::kSucceeded; }));
  EXPECT_EQ(TurnForOne().state, TaskState::kSucceeded);
  EXPECT_EQ(core_->stats().ended[static_cast<size_t>(TaskState::kFailed)].value(), 3U);
}

TEST_F(CoreTest, SuspendingInACatchBlockKeepsEachTasksException) {
  Build();
  auto rethrower = [](const char* what) {
    return [what](TaskContext& context) -> TaskOutcome {
      try {
        throw std::runtime_error(what);
      } catch (const std::exception&) {
        errno = static_cast<unsigned char>(what[0]);
        context.Yield();
        EXPECT_EQ(errno, what[0]);
        throw;
      }
    };
  };
  Submit(Suspending(rethrower("first")));
  Submit(Suspending(rethrower("second")));
  core_->Turn();
  core_->Turn();
  const auto all = Drain();
  ASSERT_EQ(all.size(), 2U);
  EXPECT_EQ(all[0].error_message(), "first");
  EXPECT_EQ(all[1].error_message(), "second");
}

TEST_F(CoreTest, AHandlerThatBreaksItsPromiseNotToSuspendFails) {
  Build();
  Submit(Plain([](TaskContext& context) {
    context.SleepFor(10);
    return TaskOutcome::kSucceeded;
  }));
  const Completion done = TurnForOne();
  EXPECT_EQ(done.state, TaskState::kFailed);
  EXPECT_EQ(core_->stats().misuse.value(), 1U);
}

TEST_F(CoreTest, TooLargeAnOutputFailsTheTask) {
  Build([](CoreOptions& options) { options.max_output_bytes = 8; });
  Submit(Plain([](TaskContext& context) {
    context.output() = "123456789";
    return TaskOutcome::kSucceeded;
  }));
  const Completion done = TurnForOne();
  EXPECT_EQ(done.error_code, TaskErrorCode::kOutputTooLarge);
  EXPECT_EQ(done.output().size(), 0U);
}

TEST_F(CoreTest, TellsTheDoorOfBuffersTooLargeToKeep) {
  Build();
  size_t reserved = 0;
  const TaskEntry* entry = Plain([&](TaskContext& context) {
    context.output().reserve(reserved);
    context.output() = "short";
    return TaskOutcome::kSucceeded;
  });
  Submit(entry);
  EXPECT_FALSE(TurnForOne().has_large_output);
  reserved = kKeptOutputBytes + 1;
  Submit(entry);
  const Completion done = TurnForOne();
  EXPECT_TRUE(done.has_large_output);
  EXPECT_EQ(done.output().size(), 5U);
  core_->FreeOutput(done.slot);
  // The next task of that slot starts with an empty buffer of the common size.
  next_slot_ = done.slot;
  reserved = 0;
  Submit(entry);
  EXPECT_FALSE(TurnForOne().has_large_output);
}

TEST_F(CoreTest, WithTimingOffEverythingElseWorks) {
  Build([](CoreOptions& options) { options.timing_metrics = false; });
  Submit(Plain([this](TaskContext&) {
    now_ += 5;
    return TaskOutcome::kSucceeded;
  }));
  const Completion done = TurnForOne();
  EXPECT_EQ(done.state, TaskState::kSucceeded);
  EXPECT_TRUE(done.was_started());
  EXPECT_EQ(done.started, 0);
  EXPECT_EQ(done.completed, 0);
  EXPECT_EQ(core_->stats().executed(), 1U);
  // A deadline that passes during a turn still keeps what it ends from starting.
  Submit(Plain([this](TaskContext&) {
    now_ += 1'000;
    return TaskOutcome::kSucceeded;
  }));
  Submit(Plain([](TaskContext&) { return TaskOutcome::kSucceeded; }), Priority::kNormal, 500);
  core_->Turn();
  const auto all = Drain();
  ASSERT_EQ(all.size(), 2U);
  EXPECT_EQ(all[1].state, TaskState::kExpired);
  EXPECT_FALSE(all[1].was_started());
}

TEST_F(CoreTest, SpawnsFromATaskUntilTheLocalSlotsAreTaken) {
  Build([](CoreOptions& options) { options.local_slots = 2; });
  int runs = 0;
  const TaskEntry* child = Plain([&](TaskContext&) {
    ++runs;
    return TaskOutcome::kSucceeded;
  });
  Submit(Plain([&](TaskContext&) {
    EXPECT_EQ(core_->Spawn(*child, {}, Priority::kHigh), SpawnAnswer::kSpawned);
    EXPECT_EQ(core_->Spawn(*child, {}, Priority::kHigh), SpawnAnswer::kSpawned);
    EXPECT_EQ(core_->Spawn(*child, {}, Priority::kHigh), SpawnAnswer::kSlotsTaken);
    return TaskOutcome::kSucceeded;
  }));
  EXPECT_EQ(TurnForOne().state, TaskState::kSucceeded);
  EXPECT_EQ(runs, 2);
  EXPECT_EQ(core_->Spawn(*child, {}, Priority::kLow), SpawnAnswer::kSpawned) << "slots come back";
  core_->Turn();
  EXPECT_EQ(runs, 3);
}

TEST_F(CoreTest, RefusesToSpawnWhatBelongsToTheBlockingPool) {
  Build();
  int runs = 0;
  const TaskEntry* child = Plain([&](TaskContext&) {
    ++runs;
    return TaskOutcome::kSucceeded;
  });
  child->pooled.Set(true);
  Submit(Plain([&](TaskContext&) {
    EXPECT_EQ(core_->Spawn(*child, {}, Priority::kHigh), SpawnAnswer::kBelongsToPool);
    return TaskOutcome::kSucceeded;
  }));
  EXPECT_EQ(TurnForOne().state, TaskState::kSucceeded);
  EXPECT_EQ(runs, 0);
  EXPECT_EQ(core_->stats().live.value(), 0);
  child->pooled.Set(false);
  EXPECT_EQ(core_->Spawn(*child, {}, Priority::kHigh), SpawnAnswer::kSpawned) << "it was resumed";
  core_->Turn();
  EXPECT_EQ(runs, 1);
}

}  // namespace
}  // namespace weft

// Proves, by hand and with a scripted system, how tasks wait for file operations: who resumes when,
// what a cancel and a deadline do meanwhile, and what happens when the ring is full.
#include <gtest/gtest.h>

#include <cerrno>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "core/core_fixture.h"
#include "executor/task_io.h"

namespace weft {
namespace {

class CoreIoTest : public CoreTest {
 protected:
  // Reads once from descriptor `fd` and answers with the result.
  const TaskEntry* Reader(int fd = 1) {
    return Suspending([fd](TaskContext& context) {
      char buffer[8];
      const int64_t result = TaskIo(context).Read(fd, buffer, 0);
      if (result == -ECANCELED) return context.Stop();
      context.output() = std::to_string(result);
      return TaskOutcome::kSucceeded;
    });
  }
  // Writes twelve bytes once, at 100, and answers with the result.
  const TaskEntry* Writer() {
    return Suspending([](TaskContext& context) {
      context.output() = std::to_string(TaskIo(context).Write(1, "eight bytes.", 100));
      return TaskOutcome::kSucceeded;
    });
  }
  static std::string OutputOf(const Completion& completion) {
    return std::string(completion.output());
  }
};

TEST_F(CoreIoTest, ATaskResumesWithTheResultOfItsOperation) {
  Build();
  const uint32_t slot = Submit(Reader(7));
  core_->Turn();
  ASSERT_EQ(system_.under_way.size(), 1u);
  EXPECT_EQ(system_.under_way[0]->kind, sys::IoKind::kRead);
  EXPECT_EQ(system_.under_way[0]->fd, 7);
  EXPECT_EQ(core_->SlotState(slot), TaskState::kSuspended);
  EXPECT_FALSE(core_->Turn());
  now_ += 500;
  system_.Complete(0, 8);
  const Completion end = TurnForOne();
  EXPECT_EQ(end.state, TaskState::kSucceeded);
  EXPECT_EQ(OutputOf(end), "8");
  EXPECT_EQ(end.suspended, 500);
  ExpectConserved();
}

TEST_F(CoreIoTest, AShortReadIsContinuedBehindWhatItBrought) {
  Build();
  Submit(Reader());
  core_->Turn();
  system_.Complete(0, 3);
  core_->Turn();
  ASSERT_EQ(system_.under_way.size(), 1u);
  EXPECT_EQ(system_.under_way[0]->offset, 3u);
  EXPECT_EQ(system_.under_way[0]->bytes, 5u);
  system_.Complete(0, 0);
  EXPECT_EQ(OutputOf(TurnForOne()), "3");
}

TEST_F(CoreIoTest, AShortWriteIsContinuedBehindWhatWasTaken) {
  Build();
  Submit(Writer());
  core_->Turn();
  system_.Complete(0, 3);
  core_->Turn();
  ASSERT_EQ(system_.under_way.size(), 1u);
  const sys::IoOperation& rest = *system_.under_way[0];
  EXPECT_EQ(rest.offset, 103u);
  EXPECT_EQ(std::string(static_cast<const char*>(rest.data), rest.bytes), "ht bytes.");
  system_.Complete(0, 9);
  EXPECT_EQ(OutputOf(TurnForOne()), "12");
}

TEST_F(CoreIoTest, AWriteThatTakesNothingIsAnErrorAndNotAskedForAgain) {
  Build();
  Submit(Writer());
  core_->Turn();
  system_.Complete(0, 0);
  EXPECT_EQ(OutputOf(TurnForOne()), std::to_string(-EIO));
  EXPECT_TRUE(system_.under_way.empty());
}

TEST_F(CoreIoTest, AnErrorBehindAShortWriteIsTheResult) {
  Build();
  Submit(Writer());
  core_->Turn();
  system_.Complete(0, 3);
  core_->Turn();
  system_.Complete(0, -ENOSPC);
  EXPECT_EQ(OutputOf(TurnForOne()), std::to_string(-ENOSPC));
}

TEST_F(CoreIoTest, WhatASignalInterruptedIsAskedForAgain) {
  Build();
  Submit(Reader());
  core_->Turn();
  system_.Complete(0, -EINTR);
  core_->Turn();
  ASSERT_EQ(system_.under_way.size(), 1u);
  EXPECT_EQ(system_.under_way[0]->offset, 0u);
  system_.Complete(0, 8);
  EXPECT_EQ(OutputOf(TurnForOne()), "8");
}

TEST_F(CoreIoTest, AnErrorIsAResult) {
  Build();
  Submit(Reader());
  core_->Turn();
  system_.Complete(0, -EIO);
  EXPECT_EQ(OutputOf(TurnForOne()), std::to_string(-EIO));
  EXPECT_EQ(core_->stats().io.operations[static_cast<size_t>(sys::IoKind::kRead)].value(), 1u);
  EXPECT_EQ(core_->stats().io.failures[static_cast<size_t>(sys::IoKind::kRead)].value(), 1u);
}

TEST_F(CoreIoTest, OtherTasksRunMeanwhileAndTheTurnSubmitsOnce) {
  Build();
  Submit(Reader());
  Submit(Reader());
  Submit(Plain([](TaskContext&) { return TaskOutcome::kSucceeded; }));
  EXPECT_EQ(TurnForOne().state, TaskState::kSucceeded);
  EXPECT_EQ(system_.under_way.size(), 2u);
  EXPECT_EQ(system_.enters, 1u);
  EXPECT_EQ(core_->stats().io.in_flight.value(), 2);
}

// The kernel may write to the task's stack until the operation is done.
TEST_F(CoreIoTest, ACancelledTaskResumesOnlyWhenItsOperationIsDone) {
  Build();
  const uint32_t slot = Submit(Reader());
  core_->Turn();
  sys::IoOperation* const operation = system_.under_way[0];
  Cancel(slot);
  EXPECT_EQ(TurnForOne().cancel_outcome, CancelOutcome::kRequestedRunning);
  EXPECT_EQ(system_.cancels, std::vector{operation});
  Cancel(slot);
  EXPECT_EQ(TurnForOne().kind, CompletionKind::kCancelTaken);
  EXPECT_EQ(system_.cancels.size(), 1u);
  EXPECT_EQ(core_->SlotState(slot), TaskState::kSuspended);
  system_.Complete(0, -ECANCELED);
  const Completion end = TurnForOne();
  EXPECT_EQ(end.state, TaskState::kCancelled);
  EXPECT_EQ(end.error_code, TaskErrorCode::kCancelledByClient);
  ExpectConserved();
}

TEST_F(CoreIoTest, ADeadlineCutsTheOperationShort) {
  Build();
  Submit(Reader(), Priority::kNormal, 10'000'000);
  core_->Turn();
  now_ += 20'000'000;
  core_->Turn();
  ASSERT_EQ(system_.cancels.size(), 1u);
  EXPECT_TRUE(Drain().empty());
  system_.Complete(0, -ECANCELED);
  EXPECT_EQ(TurnForOne().state, TaskState::kExpired);
}

// What was done in spite of the cancel is told; the next call is refused.
TEST_F(CoreIoTest, AnOperationThatWasFasterThanItsCancelKeepsItsResult) {
  Build();
  std::vector<int64_t> results;
  const uint32_t slot = Submit(Suspending([&](TaskContext& context) {
    TaskIo io(context);
    results.push_back(io.Open(3, "file", 0));
    results.push_back(io.Fsync(9));
    results.push_back(io.Close(9));
    return context.Stop();
  }));
  core_->Turn();
  Cancel(slot);
  core_->Turn();
  system_.Complete(0, 9);
  core_->Turn();
  // The close is done although the task was asked to stop.
  ASSERT_EQ(system_.under_way.size(), 1u);
  EXPECT_EQ(system_.under_way[0]->kind, sys::IoKind::kClose);
  system_.Complete(0, 0);
  core_->Turn();
  EXPECT_EQ(results, (std::vector<int64_t>{9, -ECANCELED, 0}));
  EXPECT_EQ(Drain().back().state, TaskState::kCancelled);
}

TEST_F(CoreIoTest, WhatCleansUpIsNeverCancelled) {
  Build();
  const uint32_t slot =
      Submit(Suspending([](TaskContext& context) {
               TaskIo(context).Unlink(3, "temporary");
               return context.ShouldStop() ? context.Stop() : TaskOutcome::kSucceeded;
             }),
             Priority::kNormal, 10'000'000);
  core_->Turn();
  Cancel(slot, CancelReason::kShutdown);
  now_ += 20'000'000;
  core_->Turn();
  EXPECT_TRUE(system_.cancels.empty());
  system_.Complete(0, 0);
  core_->Turn();
  EXPECT_EQ(Drain().back().error_code, TaskErrorCode::kShuttingDown);
}

TEST_F(CoreIoTest, DoesNotBeginForATaskThatWasAskedToStop) {
  Build();
  Submit(Suspending([this](TaskContext& context) {
    core_->SetCancel(0, IdOf(0), CancelReason::kClient);
    EXPECT_EQ(TaskIo(context).Fsync(1), -ECANCELED);
    return context.Stop();
  }));
  EXPECT_EQ(TurnForOne().state, TaskState::kCancelled);
  EXPECT_TRUE(system_.under_way.empty());
}

TEST_F(CoreIoTest, WaitsForAFreeEntryByPriority) {
  system_.capacity = 1;
  Build();
  Submit(Reader(1), Priority::kNormal);
  core_->Turn();
  Submit(Reader(2), Priority::kLow);
  Submit(Reader(3), Priority::kLow);
  core_->Turn();
  Submit(Reader(4), Priority::kHigh);
  core_->Turn();
  EXPECT_EQ(system_.under_way.size(), 1u);
  EXPECT_EQ(core_->stats().io.waiting.value(), 3);
  EXPECT_EQ(core_->stats().io.entry_waits.value(), 3u);
  std::vector<int> order;
  while (!system_.under_way.empty()) {
    ASSERT_EQ(system_.under_way.size(), 1u);
    order.push_back(system_.under_way[0]->fd);
    system_.Complete(0, 8);
    core_->Turn();
  }
  EXPECT_EQ(order, (std::vector{1, 4, 2, 3}));
  EXPECT_EQ(Drain().size(), 4u);
  EXPECT_EQ(core_->stats().io.waiting.value(), 0);
  ExpectConserved();
}

TEST_F(CoreIoTest, ATurnTakesNoMoreCompletionsThanItsBound) {
  constexpr uint32_t kCount = TurnIntake::kMostIo + 100;
  system_.capacity = kCount;
  Build([](CoreOptions& options) {
    options.max_queue_depth = options.stacks = kCount;
    options.inbox_capacity = 2048;
    options.outbox_capacity = 2048;
    options.budget.polls = kCount;
  });
  const TaskEntry* const reader = Reader();
  for (uint32_t i = 0; i < kCount; ++i) Submit(reader);
  core_->Turn();
  while (!system_.under_way.empty()) system_.Complete(system_.under_way.size() - 1, 8);
  core_->Turn();
  EXPECT_EQ(system_.done.size(), 100u);
  // It does not rest on what is left.
  core_->Idle();
  EXPECT_EQ(core_->stats().sleeps.value(), 0u);
  core_->Turn();
  EXPECT_EQ(system_.done.size(), 0u);
  EXPECT_EQ(core_->stats().executed(), kCount);
}

// A task's own level tells when it starts, not when its files are worked on.
TEST_F(CoreIoTest, GoesByThePriorityOfItsIo) {
  system_.capacity = 1;
  Build();
  Submit(Reader(1), Priority::kNormal);
  core_->Turn();
  EXPECT_EQ(system_.under_way[0]->priority, static_cast<uint8_t>(Priority::kNormal));
  io_priority_ = Priority::kLow;
  Submit(Reader(2), Priority::kHigh);
  io_priority_ = Priority::kHigh;
  Submit(Reader(3), Priority::kLow);
  core_->Turn();
  std::vector<std::pair<int, int>> order;
  while (!system_.under_way.empty()) {
    order.emplace_back(system_.under_way[0]->fd, system_.under_way[0]->priority);
    system_.Complete(0, 8);
    core_->Turn();
  }
  EXPECT_EQ(order, (std::vector<std::pair<int, int>>{{1, 1}, {3, 0}, {2, 2}}));
}

TEST_F(CoreIoTest, GivesTheLowestLevelAShareOfTheEntries) {
  system_.capacity = 1;
  Build([](CoreOptions& options) { options.stacks = 64; });
  Submit(Reader(0), Priority::kNormal);
  core_->Turn();
  Submit(Reader(99), Priority::kLow);
  for (int i = 1; i <= 20; ++i) Submit(Reader(i), Priority::kHigh);
  core_->Turn();
  int place = 0;
  for (; system_.under_way[0]->fd != 99; ++place) {
    ASSERT_LT(place, 20);
    system_.Complete(0, 8);
    core_->Turn();
  }
  EXPECT_EQ(place, static_cast<int>(sys::IoLevels::kLowestShare));
}

TEST_F(CoreIoTest, CancelsAnOperationThatStillWaitsAtOnce) {
  system_.capacity = 1;
  Build();
  Submit(Reader(1));
  const uint32_t waits = Submit(Reader(2));
  core_->Turn();
  Cancel(waits);
  core_->Turn();
  EXPECT_TRUE(system_.cancels.empty());
  const auto ends = Drain();
  ASSERT_EQ(ends.size(), 2u);
  EXPECT_EQ(ends[1].state, TaskState::kCancelled);
  EXPECT_EQ(system_.under_way.size(), 1u);
}

TEST_F(CoreIoTest, RefusesIoToHandlersThatPromisedNotToSuspend) {
  Build();
  Submit(Plain([](TaskContext& context) {
    EXPECT_EQ(TaskIo(context).Fsync(1), -ECANCELED);
    return TaskOutcome::kSucceeded;
  }));
  EXPECT_EQ(TurnForOne().state, TaskState::kFailed);
  EXPECT_EQ(core_->stats().misuse.value(), 1u);
}

TEST_F(CoreIoTest, ClosesWhatAHandlerThatThrowsHasOpen) {
  Build();
  Submit(Suspending([](TaskContext& context) -> TaskOutcome {
    TaskIo io(context);
    const TaskFile file(io, io.Open(3, "file", 0));
    throw std::runtime_error("broken");
  }));
  core_->Turn();
  system_.Complete(0, 12);
  core_->Turn();
  ASSERT_EQ(system_.under_way.size(), 1u);
  EXPECT_EQ(system_.under_way[0]->kind, sys::IoKind::kClose);
  EXPECT_EQ(system_.under_way[0]->fd, 12);
  system_.Complete(0, 0);
  EXPECT_EQ(TurnForOne().error_code, TaskErrorCode::kHandlerException);
}

}  // namespace
}  // namespace weft

// Waiting, cancelling and keeping: what is asked of a task after it was accepted.
#include <deque>
#include <random>
#include <set>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "dispatch/dispatcher_fixture.h"

namespace weft {
namespace {

constexpr int64_t kSecond = 1'000'000'000;

class WaitTest : public DispatcherFixture {};
class CancelTest : public DispatcherFixture {};
class KeepTest : public DispatcherFixture {};

TEST_F(WaitTest, GivesTheResultToEveryWaiter) {
  Build();
  TestReceiver attached;
  const TaskId id = MustSubmit({.handler = "echo", .payload = "r"}, {.receiver = &attached});
  std::deque<TestReceiver> waiters(4);
  for (auto& waiter : waiters) EXPECT_FALSE(dispatcher_->Wait(id, std::nullopt, waiter));
  EXPECT_EQ(dispatcher_->Snapshot().waiters, 4u);
  TurnAll();
  EXPECT_EQ(attached.calls, 1);
  for (auto& waiter : waiters) {
    EXPECT_EQ(waiter.calls, 1);
    EXPECT_TRUE(waiter.ended);
    EXPECT_EQ(waiter.output, "r");
  }
  EXPECT_EQ(dispatcher_->Snapshot().waiters, 0u);
}

TEST_F(WaitTest, RefusesTheWaiterBeyondTheBound) {
  Build();
  const TaskId id = MustSubmit({.handler = "sleep"});
  std::deque<TestReceiver> waiters(5);
  for (size_t i = 0; i < 4; ++i) EXPECT_FALSE(dispatcher_->Wait(id, 1'000, waiters[i]));
  const auto refusal = dispatcher_->Wait(id, 1'000, waiters[4]);
  ASSERT_TRUE(refusal);
  EXPECT_EQ(refusal->reason, RefusalReason::kWaitersFull);
  EXPECT_EQ(refusal->bound, "limits.max_waiters");
  EXPECT_GT(refusal->retry_after_ns, 0);
  dispatcher_->Leave(waiters[0]);
  EXPECT_FALSE(dispatcher_->Wait(id, 1'000, waiters[4]));
  for (auto& waiter : waiters) dispatcher_->Leave(waiter);
}

TEST_F(WaitTest, RefusesAWaitLongerThanTheCapOrNegative) {
  Build();
  const TaskId id = MustSubmit({.handler = "sleep"});
  TestReceiver receiver;
  for (const int64_t wait_ns : {options_.max_wait_ns + 1, int64_t{-1}}) {
    const auto refusal = dispatcher_->Wait(id, wait_ns, receiver);
    ASSERT_TRUE(refusal) << wait_ns;
    EXPECT_EQ(refusal->reason, RefusalReason::kInvalidField);
    EXPECT_EQ(refusal->field, "wait_ns");
  }
  EXPECT_FALSE(dispatcher_->Wait(id, options_.max_wait_ns, receiver));
  dispatcher_->Leave(receiver);
}

TEST_F(WaitTest, TellsTheCurrentStateWhenTheWaitElapsed) {
  Build();
  const TaskId id = MustSubmit({.handler = "sleep"});
  TestReceiver receiver;
  EXPECT_FALSE(dispatcher_->Wait(id, 1'000, receiver));
  TurnAll();
  now_ += 999;
  EXPECT_EQ(dispatcher_->Tick(now_), now_ + 1);
  EXPECT_EQ(receiver.calls, 0);
  now_ += 1;
  dispatcher_->Tick(now_);
  ASSERT_EQ(receiver.calls, 1);
  EXPECT_FALSE(receiver.ended);
  EXPECT_EQ(receiver.result.state, TaskState::kSuspended);
  EXPECT_EQ(receiver.result.id, id);
  // The task goes on, and nobody is told twice.
  now_ += 2'000'000;
  TurnAll();
  EXPECT_EQ(receiver.calls, 1);
  EXPECT_EQ(dispatcher_->Snapshot().succeeded, 1u);
}

TEST_F(WaitTest, AnswersAtOnceWhenTheWaitIsZeroOrTheResultIsKept) {
  Build();
  const TaskId id = MustSubmit({.handler = "echo", .payload = "k"}, {.retain = true});
  TestReceiver live, kept;
  EXPECT_FALSE(dispatcher_->Wait(id, 0, live));
  EXPECT_EQ(live.calls, 1);
  EXPECT_FALSE(live.ended);
  EXPECT_EQ(live.result.state, TaskState::kQueued);
  TurnAll();
  EXPECT_FALSE(dispatcher_->Wait(id, std::nullopt, kept));
  EXPECT_EQ(kept.calls, 1);
  EXPECT_TRUE(kept.ended);
  EXPECT_EQ(kept.output, "k");
}

TEST_F(WaitTest, OwesNothingToWhoLeft) {
  Build();
  TestReceiver attached, waiter, stranger;
  const TaskId id = MustSubmit({.handler = "echo"}, {.receiver = &attached});
  EXPECT_FALSE(dispatcher_->Wait(id, 1'000, waiter));
  dispatcher_->Leave(attached);
  dispatcher_->Leave(waiter);
  dispatcher_->Leave(stranger);
  now_ += 5'000;
  dispatcher_->Tick(now_);
  TurnAll();
  EXPECT_EQ(attached.calls + waiter.calls, 0);
  ExpectPromisesKept();
}

TEST_F(WaitTest, LetsAWaiterLeaveFromWithinAnothersResult) {
  Build();
  TestReceiver first, second;
  const TaskId id = MustSubmit({.handler = "echo"});
  EXPECT_FALSE(dispatcher_->Wait(id, 1'000, first));
  EXPECT_FALSE(dispatcher_->Wait(id, 1'000, second));
  first.then = [&] { dispatcher_->Leave(second); };
  second.then = [&] { dispatcher_->Leave(first); };
  TurnAll();
  EXPECT_EQ(first.calls + second.calls, 1);
}

TEST_F(CancelTest, OfAQueuedTaskNeverStartsIt) {
  Build();
  TestReceiver receiver;
  TestCancelReceiver canceller;
  const TaskId id = MustSubmit({.handler = "echo"}, {.receiver = &receiver, .retain = true});
  EXPECT_FALSE(dispatcher_->Cancel(id, CancelReason::kClient, &canceller));
  EXPECT_EQ(canceller.calls, 0);
  TurnAll();
  EXPECT_EQ(receiver.result.state, TaskState::kCancelled);
  EXPECT_EQ(receiver.result.error_code, TaskErrorCode::kCancelledByClient);
  EXPECT_EQ(receiver.result.attempts, 0u);
  ASSERT_EQ(canceller.calls, 1);
  EXPECT_EQ(canceller.outcome, CancelOutcome::kCancelledQueued);
  EXPECT_EQ(canceller.state, TaskState::kCancelled);
  EXPECT_EQ(StateOf(id), TaskState::kCancelled);
  ExpectPromisesKept();
}

TEST_F(CancelTest, OfARunningTaskIsSeenByIt) {
  Build();
  TestReceiver receiver;
  TestCancelReceiver canceller;
  const TaskId id = MustSubmit({.handler = "sleep"}, {.receiver = &receiver});
  TurnAll();
  EXPECT_FALSE(dispatcher_->Cancel(id, CancelReason::kDisconnected, &canceller));
  TurnAll();
  EXPECT_EQ(receiver.result.state, TaskState::kCancelled);
  EXPECT_EQ(receiver.result.error_code, TaskErrorCode::kClientDisconnected);
  ASSERT_EQ(canceller.calls, 1);
  EXPECT_EQ(canceller.outcome, CancelOutcome::kRequestedRunning);
  EXPECT_EQ(canceller.state, TaskState::kSuspended);
  ExpectPromisesKept();
}

TEST_F(CancelTest, AnswersAllWhoAskedByOneMessage) {
  Build();
  std::deque<TestCancelReceiver> cancellers(3);
  const TaskId id = MustSubmit({.handler = "sleep"});
  for (auto& canceller : cancellers) {
    EXPECT_FALSE(dispatcher_->Cancel(id, CancelReason::kClient, &canceller));
  }
  dispatcher_->LeaveCancel(cancellers[1]);
  TurnAll();
  EXPECT_EQ(cancellers[0].calls, 1);
  EXPECT_EQ(cancellers[1].calls, 0);
  EXPECT_EQ(cancellers[2].calls, 1);
  EXPECT_FALSE(dispatcher_->HasOpen());
}

TEST_F(CancelTest, OfAnEndedTaskSaysSoWithItsState) {
  Build();
  const TaskId id = MustSubmit({.handler = "fail"}, {.retain = true});
  TurnAll();
  TestCancelReceiver canceller;
  EXPECT_FALSE(dispatcher_->Cancel(id, CancelReason::kClient, &canceller));
  ASSERT_EQ(canceller.calls, 1);
  EXPECT_EQ(canceller.outcome, CancelOutcome::kAlreadyEnded);
  EXPECT_EQ(canceller.state, TaskState::kFailed);
}

TEST_F(CancelTest, ThatMeetsTheEndOnItsWayIsAnsweredAndHitsNoOtherTask) {
  Build();
  TestCancelReceiver canceller;
  TestReceiver next;
  const TaskId id = MustSubmit({.handler = "echo"});
  dispatcher_->Flush();
  cores_[0]->Turn();
  // It has ended, but the Door has not drained that yet.
  EXPECT_FALSE(dispatcher_->Cancel(id, CancelReason::kClient, &canceller));
  dispatcher_->Collect();
  MustSubmit({.handler = "echo"}, {.receiver = &next});
  TurnAll();
  ASSERT_EQ(canceller.calls, 1);
  EXPECT_EQ(canceller.outcome, CancelOutcome::kAlreadyEnded);
  EXPECT_EQ(canceller.state, TaskState::kSucceeded);
  EXPECT_EQ(next.result.state, TaskState::kSucceeded);
  ExpectPromisesKept();
}

TEST_F(CancelTest, NeverReachesTheNextTaskOfItsSlot) {
  AddHandler("ask", true, [](TaskContext& context) {
    return context.ShouldStop() ? context.Stop() : TaskOutcome::kSucceeded;
  });
  Build();
  const TaskId id = MustSubmit({.handler = "ask"});
  EXPECT_FALSE(dispatcher_->Cancel(id, CancelReason::kClient, nullptr));
  TurnAll();
  EXPECT_EQ(dispatcher_->Snapshot().cancelled, 1u);
  TestReceiver next;
  MustSubmit({.handler = "ask"}, {.receiver = &next});
  TurnAll();
  EXPECT_EQ(next.result.state, TaskState::kSucceeded);
}

TEST_F(CancelTest, OfAllReachesQueuedAndSuspendedTasks) {
  Build(/*core_count=*/2, /*stacks=*/1);
  for (int i = 0; i < 6; ++i) MustSubmit({.handler = "sleep"});
  TurnAll();
  dispatcher_->CancelAll(CancelReason::kShutdown);
  TurnAll();
  TurnAll();
  EXPECT_EQ(dispatcher_->Snapshot().cancelled, 6u);
  EXPECT_EQ(dispatcher_->in_flight(), 0u);
  ExpectPromisesKept();
}

TEST_F(KeepTest, ForgetsByAge) {
  options_.results_max_age_ns = 10 * kSecond;
  Build();
  const TaskId id = MustSubmit({.handler = "echo"}, {.retain = true});
  TurnAll();
  now_ += 10 * kSecond - 1;
  dispatcher_->Tick(now_);
  EXPECT_FALSE(Gone(id));
  now_ += 1;
  dispatcher_->Tick(now_);
  EXPECT_TRUE(Gone(id));
}

TEST_F(KeepTest, ForgetsTheOldestByCount) {
  options_.results_max_count = 2;
  Build();
  std::vector<TaskId> ids;
  for (int i = 0; i < 3; ++i) ids.push_back(MustSubmit({.handler = "echo"}, {.retain = true}));
  TurnAll();
  EXPECT_TRUE(Gone(ids[0]));
  EXPECT_FALSE(Gone(ids[1]));
  EXPECT_FALSE(Gone(ids[2]));
}

TEST_F(KeepTest, ForgetsTheOldestByBytesAndNeverKeepsWhatIsLarger) {
  options_.results_max_bytes = 10;
  Build();
  const TaskId first = MustSubmit({.handler = "echo", .payload = "123456"}, {.retain = true});
  const TaskId second = MustSubmit({.handler = "echo", .payload = "123456"}, {.retain = true});
  const TaskId large = MustSubmit({.handler = "echo", .payload = "12345678901"}, {.retain = true});
  TurnAll();
  EXPECT_TRUE(Gone(first));
  EXPECT_FALSE(Gone(second));
  EXPECT_TRUE(Gone(large));
  dispatcher_->Tick(now_);
  EXPECT_EQ(dispatcher_->stats().results_dropped[static_cast<size_t>(DropBound::kBytes)].value(),
            2);
}

TEST_F(KeepTest, OutlivesAnyNumberOfTasksThatAreNotKept) {
  Build();
  const TaskId id = MustSubmit({.handler = "echo", .payload = "mine"}, {.retain = true});
  for (int i = 0; i < 2'000; ++i) {
    MustSubmit({.handler = "echo"});
    TurnAll();
  }
  TaskSummary task;
  const TaskResult& result = task.result;
  ASSERT_FALSE(dispatcher_->Get(id, &task));
  EXPECT_EQ(result.output, "mine");
}

// Any mixture of submissions, cancels, waits and leaving: nothing is lost, nothing told twice.
TaskSpec AnySpec(std::mt19937& random) {
  const char* const handlers[] = {"echo", "fail", "sleep"};
  return {.handler = handlers[random() % 3],
          .payload = "p",
          .priority = static_cast<Priority>(random() % 3),
          .timeout_ns = random() % 4 == 0 ? 500'000 : 0};
}

TEST_F(WaitTest, ConservesEveryTaskUnderRandomUse) {
  const unsigned seed = std::random_device()();
  SCOPED_TRACE(::testing::Message() << "seed " << seed);
  std::mt19937 random(seed);
  options_.max_queue_depth = 8;
  Build(/*core_count=*/3, /*stacks=*/2);
  std::deque<TestReceiver> receivers;
  std::deque<TestCancelReceiver> cancellers;
  std::vector<TaskId> ids;
  std::vector<TestReceiver*> attached;
  std::set<TestReceiver*> left;
  uint64_t accepted = 0, refused = 0;
  for (int step = 0; step < 20'000; ++step) {
    now_ += static_cast<sys::Ticks>(random() % 20'000);
    switch (random() % 6) {
      case 0:
      case 1:
      case 2: {
        receivers.emplace_back();
        const TaskSpec spec = AnySpec(random);
        const SubmitOptions submit = {.receiver = &receivers.back(), .retain = random() % 2 == 0};
        if (Submit(spec, submit)) {
          ++refused;
          receivers.pop_back();
          break;
        }
        ++accepted;
        ids.push_back(accepted_.id);
        attached.push_back(&receivers.back());
        break;
      }
      case 3:
        if (ids.empty()) break;
        cancellers.emplace_back();
        if (dispatcher_->Cancel(ids[random() % ids.size()], CancelReason::kClient,
                                &cancellers.back())) {
          cancellers.pop_back();
        }
        break;
      case 4:
        if (ids.empty()) break;
        dispatcher_->Leave(**left.insert(attached[random() % attached.size()]).first);
        break;
      case 5:
        TurnAll();
        dispatcher_->Tick(now_);
        break;
    }
  }
  while (dispatcher_->HasOpen()) {
    now_ += 1'000'000;
    TurnAll();
  }
  TurnAll();
  ExpectPromisesKept();
  const StatsSnapshot stats = dispatcher_->Snapshot();
  EXPECT_EQ(stats.accepted, accepted);
  EXPECT_EQ(stats.refused, refused);
  EXPECT_GT(refused, 0u);
  EXPECT_EQ(stats.succeeded + stats.failed + stats.cancelled + stats.expired, accepted);
  EXPECT_EQ(block_.holders(), 0u);
  // Whoever stayed was told, once.
  for (auto& receiver : receivers) {
    EXPECT_LE(receiver.calls, 1);
    EXPECT_TRUE(receiver.calls == 1 || left.count(&receiver) == 1);
  }
  for (const auto& canceller : cancellers) EXPECT_EQ(canceller.calls, 1);
}

}  // namespace
}  // namespace weft

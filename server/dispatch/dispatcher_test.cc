#include "dispatch/dispatcher.h"

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "async/spawn_family.h"
#include "dispatch/dispatcher_fixture.h"

namespace weft {
namespace {

using ::testing::HasSubstr;

class DispatcherTest : public DispatcherFixture {};

TEST_F(DispatcherTest, TakesTheTimeThatATaskCameFromWhoSubmitsIt) {
  Build();
  TestReceiver receiver;
  const sys::Ticks came = now_;
  now_ += 700;
  MustSubmit({.handler = "echo", .timeout_ns = 1'000}, {.receiver = &receiver, .at = came});
  EXPECT_EQ(accepted_.submitted_at_ns, ManualEnv::kUnixOffset + came);
  now_ += 299;
  TurnAll();
  ASSERT_EQ(receiver.calls, 1);
  EXPECT_EQ(receiver.result.state, TaskState::kSucceeded);
  EXPECT_EQ(receiver.result.queue_latency_ns, 999) << "and its deadline counts from then";
  MustSubmit({.handler = "echo", .timeout_ns = 1'000}, {.receiver = &receiver, .at = now_ - 1'000});
  TurnAll();
  ASSERT_EQ(receiver.calls, 2);
  EXPECT_EQ(receiver.result.state, TaskState::kExpired);
}

TEST_F(DispatcherTest, RunsATaskAndDeliversItsWholeResult) {
  Build();
  TestReceiver receiver;
  const std::string payload = "hello";
  const TaskId id = MustSubmit(
      {.handler = "echo", .payload = payload, .priority = Priority::kHigh, .client_tag = 42},
      {.receiver = &receiver});
  EXPECT_EQ(accepted_.cpu, 10u);
  EXPECT_EQ(accepted_.submitted_at_ns, ManualEnv::kUnixOffset + now_);
  EXPECT_EQ(block_.holders(), 1u);
  now_ += 300;
  TurnAll();
  ASSERT_EQ(receiver.calls, 1);
  EXPECT_TRUE(receiver.ended);
  EXPECT_EQ(receiver.result.id, id);
  EXPECT_EQ(receiver.result.client_tag, 42u);
  EXPECT_EQ(receiver.result.state, TaskState::kSucceeded);
  EXPECT_EQ(receiver.result.priority, Priority::kHigh);
  EXPECT_EQ(receiver.result.attempts, 1u);
  EXPECT_EQ(receiver.result.cpu, 10u);
  EXPECT_EQ(receiver.output, payload);
  EXPECT_EQ(receiver.result.submitted_at_ns, accepted_.submitted_at_ns);
  EXPECT_EQ(receiver.result.queue_latency_ns, 300);
  EXPECT_EQ(receiver.result.total_latency_ns,
            receiver.result.queue_latency_ns + receiver.result.execution_latency_ns);
  EXPECT_EQ(block_.released, 1);
  EXPECT_TRUE(Gone(id));
  ExpectPromisesKept();
}

TEST_F(DispatcherTest, CollectsNoMoreAtOnceThanItsBound) {
  constexpr size_t kMost = Dispatcher<ManualEnv>::kCollectMax;
  constexpr size_t kCount = kMost + 44;
  options_.max_queue_depth = kCount;
  inbox_capacity_ = outbox_capacity_ = 2 * kMost;
  Build();
  for (size_t i = 0; i < kCount; ++i) MustSubmit({.handler = "echo"});
  dispatcher_->Flush();
  while (cores_[0]->Turn()) {
  }
  EXPECT_EQ(dispatcher_->Collect(), kMost);
  EXPECT_TRUE(dispatcher_->HasCompletions()) << "so that the Door does not park";
  EXPECT_EQ(dispatcher_->Collect(), kCount - kMost);
  EXPECT_FALSE(dispatcher_->HasCompletions());
  ExpectPromisesKept();
}

TEST_F(DispatcherTest, KeepsTheResultOnlyWhenAsked) {
  Build();
  const TaskId kept = MustSubmit({.handler = "echo", .payload = "abc"}, {.retain = true});
  const TaskId dropped = MustSubmit({.handler = "echo"});
  TurnAll();
  TaskSummary task;
  const TaskResult& result = task.result;
  ASSERT_FALSE(dispatcher_->Get(kept, &task));
  EXPECT_EQ(result.output, "abc");
  EXPECT_EQ(result.state, TaskState::kSucceeded);
  EXPECT_TRUE(Gone(dropped));
  EXPECT_EQ(dispatcher_->Snapshot().results_kept, 1u);
  EXPECT_EQ(dispatcher_->Snapshot().results_kept_bytes, 3u);
}

TEST_F(DispatcherTest, ConvertsAllStampsOfATaskWithTheAnchorOfItsSubmission) {
  Build();
  TestReceiver receiver;
  MustSubmit({.handler = "echo"}, {.receiver = &receiver});
  sys::ClockAnchor moved = env_.anchor();
  moved.unix_ns += 1'000'000'000;
  dispatcher_->SetAnchor(moved);
  now_ += 70;
  TurnAll();
  EXPECT_EQ(receiver.result.total_latency_ns, 70);
  MustSubmit({.handler = "echo"}, {.receiver = &receiver});
  EXPECT_EQ(accepted_.submitted_at_ns, ManualEnv::kUnixOffset + 1'000'000'000 + now_);
  TurnAll();
  EXPECT_EQ(receiver.result.submitted_at_ns, accepted_.submitted_at_ns);
}

TEST_F(DispatcherTest, RefusesTheTaskBeyondTheDepthAndKeepsNothingOfIt) {
  Build();
  for (int i = 0; i < 4; ++i) MustSubmit({.handler = "echo", .payload = "xy"});
  TestReceiver receiver;
  const auto refusal =
      Submit({.handler = "echo", .payload = "xy"}, {.receiver = &receiver, .retain = true});
  ASSERT_TRUE(refusal);
  EXPECT_EQ(refusal->reason, RefusalReason::kQueueFull);
  EXPECT_THAT(refusal->bound, HasSubstr("core 10, level normal"));
  EXPECT_GE(refusal->retry_after_ns, 1'000'000);
  EXPECT_EQ(block_.holders(), 4u);
  EXPECT_EQ(dispatcher_->in_flight(), 4u);
  // The bound is one of each level.
  MustSubmit({.handler = "echo", .priority = Priority::kHigh});
  EXPECT_EQ(dispatcher_->Snapshot().cores[0].queued[1], 4u);
  TurnAll();
  EXPECT_EQ(receiver.calls, 0);
  EXPECT_EQ(dispatcher_->Snapshot().succeeded, 5u);
  EXPECT_EQ(dispatcher_->Snapshot().refused, 1u);
  MustSubmit({.handler = "echo", .payload = "xy"});
  TurnAll();
  ExpectPromisesKept();
}

TEST_F(DispatcherTest, FreesTheDepthWhenTasksStartNotWhenTheyEnd) {
  Build();
  for (int i = 0; i < 4; ++i) MustSubmit({.handler = "sleep"});
  ASSERT_TRUE(Submit({.handler = "sleep"}));
  TurnAll();
  EXPECT_EQ(dispatcher_->Snapshot().cores[0].started, 4u);
  for (int i = 0; i < 4; ++i) MustSubmit({.handler = "sleep"});
  EXPECT_TRUE(Submit({.handler = "sleep"}));
  EXPECT_EQ(dispatcher_->in_flight(), 8u);
}

TEST_F(DispatcherTest, FreesTheDepthWhenAQueuedTaskEndsUnstarted) {
  Build();
  std::vector<TaskId> ids;
  for (int i = 0; i < 4; ++i) ids.push_back(MustSubmit({.handler = "echo"}));
  EXPECT_FALSE(dispatcher_->Cancel(ids[1], CancelReason::kClient, nullptr));
  ASSERT_TRUE(Submit({.handler = "echo"}));
  TurnAll();
  for (int i = 0; i < 4; ++i) MustSubmit({.handler = "echo"});
  EXPECT_TRUE(Submit({.handler = "echo"}));
}

TEST_F(DispatcherTest, NeverRefusesForAFullInbox) {
  inbox_capacity_ = 2;
  options_.max_queue_depth = 32;
  Build();
  for (int i = 0; i < 32; ++i) MustSubmit({.handler = "echo"});
  dispatcher_->Flush();
  EXPECT_TRUE(dispatcher_->HasStaged());
  for (int i = 0; i < 32; ++i) TurnAll();
  EXPECT_FALSE(dispatcher_->HasStaged());
  EXPECT_EQ(dispatcher_->Snapshot().succeeded, 32u);
  ExpectPromisesKept();
}

TEST_F(DispatcherTest, BoundsThePayloadBytesInFlight) {
  options_.max_in_flight_bytes = 10;
  Build();
  MustSubmit({.handler = "echo", .payload = "123456"});
  EXPECT_EQ(Submit({.handler = "echo", .payload = "12345"})->reason,
            RefusalReason::kPayloadBytesFull);
  MustSubmit({.handler = "echo", .payload = "1234"});
  TurnAll();
  MustSubmit({.handler = "echo", .payload = "1234567890"});
}

TEST_F(DispatcherTest, BoundsTheBytesOfAnswersNotYetRead) {
  options_.max_in_flight_bytes = 10'000;
  Build();
  const std::string large(5'000, 'x');
  const TaskId id = MustSubmit({.handler = "echo", .payload = large}, {.retain = true});
  const TaskId small = MustSubmit({.handler = "echo", .payload = "1234"}, {.retain = true});
  TurnAll();
  dispatcher_->HoldAnswer(11'000);
  TaskSummary task;
  TestReceiver receiver;
  EXPECT_EQ(dispatcher_->Get(id, &task)->reason, RefusalReason::kPayloadBytesFull);
  EXPECT_EQ(dispatcher_->Wait(id, 0, receiver)->reason, RefusalReason::kPayloadBytesFull);
  EXPECT_EQ(receiver.calls, 0);
  EXPECT_EQ(Submit({.handler = "echo"})->reason, RefusalReason::kPayloadBytesFull);
  // What is small can always be fetched.
  EXPECT_FALSE(dispatcher_->Get(small, &task));
  EXPECT_EQ(task.result.output, "1234");
  dispatcher_->LetGoOfAnswer(11'000);
  EXPECT_FALSE(dispatcher_->Get(id, &task));
  EXPECT_EQ(task.result.output, large);
}

TEST_F(DispatcherTest, SpreadsTasksOverTheCoresAndObeysANamedOne) {
  Build(/*core_count=*/3);
  std::vector<uint32_t> cpus;
  for (int i = 0; i < 3; ++i) {
    MustSubmit({.handler = "echo"});
    cpus.push_back(accepted_.cpu);
  }
  EXPECT_THAT(cpus, ::testing::UnorderedElementsAre(10u, 11u, 12u));
  for (int i = 0; i < 3; ++i) {
    const TaskId id = MustSubmit({.handler = "echo", .cpu = 11});
    EXPECT_EQ(accepted_.cpu, 11u);
    EXPECT_EQ(id.core_index(), 1u);
  }
  TurnAll();
  ExpectPromisesKept();
}

TEST_F(DispatcherTest, WhatHandlersSpawnIsNoneOfItsTasksAndTakesNoneOfTheirPlaces) {
  AddHandler("spawner", false, [](TaskContext& context) {
    const absl::Status short_lived = SpawnDetached(context.host(), [] {});
    const absl::Status long_lived =
        SpawnDetached(context.host(), [](TaskContext& inner) { inner.SleepFor(60'000'000'000); });
    return short_lived.ok() && long_lived.ok() ? TaskOutcome::kSucceeded
                                               : context.Fail("it spawned nothing");
  });
  Build();
  for (int i = 0; i < 3; ++i) {
    TestReceiver receiver;
    MustSubmit({.handler = "spawner"}, {.receiver = &receiver});
    TurnAll();
    TurnAll();
    EXPECT_EQ(receiver.result.state, TaskState::kSucceeded) << receiver.result.error_message;
  }
  EXPECT_EQ(cores_[0]->stats().spawned.value(), 6U);
  EXPECT_EQ(cores_[0]->started(Priority::kNormal), 3U);
  ExpectPromisesKept();
  for (int i = 0; i < 4; ++i) MustSubmit({.handler = "echo"});
  ASSERT_TRUE(Submit({.handler = "echo"})) << "its queue is as deep as ever";
  now_ += 60'000'000'000;
  for (int i = 0; i < 3; ++i) TurnAll();
  EXPECT_EQ(cores_[0]->stats().spawned_ended.value(), 6U);
  ExpectPromisesKept();
}

TEST_F(DispatcherTest, KeepsTheTasksOfAKeyOnOneCoreAlsoWhenOthersAreIdle) {
  Build(/*core_count=*/3);
  MustSubmit({.handler = "echo", .affinity_key = "one"});
  const uint32_t cpu = accepted_.cpu;
  for (int i = 1; i < 4; ++i) {
    MustSubmit({.handler = "echo", .affinity_key = "one"});
    EXPECT_EQ(accepted_.cpu, cpu);
  }
  const auto refusal = Submit({.handler = "echo", .affinity_key = "one"});
  ASSERT_TRUE(refusal) << "its queue is full";
  EXPECT_EQ(refusal->reason, RefusalReason::kQueueFull);
  EXPECT_THAT(refusal->bound, ::testing::HasSubstr("core " + std::to_string(cpu)));
  MustSubmit({.handler = "echo"});
  EXPECT_NE(accepted_.cpu, cpu);
  TurnAll();
  MustSubmit({.handler = "echo", .affinity_key = "one"});
  EXPECT_EQ(accepted_.cpu, cpu);
  TurnAll();
  ExpectPromisesKept();
}

TEST_F(DispatcherTest, ExpiresATaskWhoseTimeoutPassedWhileItWasQueued) {
  Build();
  TestReceiver receiver;
  MustSubmit({.handler = "echo", .timeout_ns = 500}, {.receiver = &receiver});
  now_ += 500;
  TurnAll();
  EXPECT_EQ(receiver.result.state, TaskState::kExpired);
  EXPECT_EQ(receiver.result.error_code, TaskErrorCode::kDeadlineExceeded);
  EXPECT_EQ(receiver.result.attempts, 0u);
  EXPECT_EQ(receiver.result.started_at_ns, 0);
  EXPECT_EQ(receiver.result.queue_latency_ns, 500);
  ExpectPromisesKept();
}

TEST_F(DispatcherTest, TellsAFailureWithItsMessage) {
  Build();
  const TaskId id = MustSubmit({.handler = "fail"}, {.retain = true});
  TurnAll();
  TaskSummary task;
  const TaskResult& result = task.result;
  ASSERT_FALSE(dispatcher_->Get(id, &task));
  EXPECT_EQ(result.state, TaskState::kFailed);
  EXPECT_EQ(result.error_code, TaskErrorCode::kHandlerFailed);
  EXPECT_EQ(result.error_message, "as asked");
  EXPECT_EQ(dispatcher_->Snapshot().last_10s.failed, 1u);
}

TEST_F(DispatcherTest, TellsWhereALiveTaskStands) {
  Build();
  const TaskId id = MustSubmit({.handler = "sleep", .client_tag = 7});
  EXPECT_EQ(StateOf(id), TaskState::kQueued);
  now_ += 40;
  TurnAll();
  TaskSummary task;
  const TaskResult& result = task.result;
  ASSERT_FALSE(dispatcher_->Get(id, &task));
  EXPECT_EQ(result.state, TaskState::kSuspended);
  EXPECT_EQ(result.client_tag, 7u);
  EXPECT_EQ(result.attempts, 1u);
  EXPECT_EQ(result.queue_latency_ns, 40);
  EXPECT_EQ(result.completed_at_ns, 0);
}

TEST_F(DispatcherTest, NeverShowsANewTaskInTheStateOfTheOneBefore) {
  Build();
  MustSubmit({.handler = "echo"});
  TurnAll();
  now_ += 10;
  const TaskId id = MustSubmit({.handler = "sleep"});
  EXPECT_EQ(StateOf(id), TaskState::kQueued);
}

TEST_F(DispatcherTest, FindsNothingForIdsItNeverGave) {
  Build();
  const TaskId id = MustSubmit({.handler = "sleep"});
  EXPECT_TRUE(Gone(TaskId()));
  EXPECT_TRUE(Gone(TaskId(UINT64_MAX)));
  EXPECT_TRUE(Gone(TaskId::Make(1, id.serial())));
  EXPECT_TRUE(Gone(TaskId::Make(0, id.serial() + 1)));
  EXPECT_TRUE(Gone(TaskId::Make(0, id.serial() - (1 << 20))));
  EXPECT_EQ(dispatcher_->Cancel(TaskId(5), CancelReason::kClient, nullptr)->reason,
            RefusalReason::kTaskNotFound);
  TestReceiver receiver;
  EXPECT_EQ(dispatcher_->Wait(TaskId(5), 1, receiver)->reason, RefusalReason::kTaskNotFound);
  EXPECT_EQ(receiver.calls, 0);
  EXPECT_EQ(dispatcher_->Snapshot().refused, 0u);
}

TEST_F(DispatcherTest, StartsItsIdsAtTheWallTimeOfTheBoot) {
  Build();
  EXPECT_EQ(MustSubmit({.handler = "echo"}).serial(), FirstSerial(ManualEnv::kUnixOffset));
}

TEST_F(DispatcherTest, LetsAReceiverSubmitFromWithinItsResult) {
  Build();
  TestReceiver first, second;
  first.then = [&] { MustSubmit({.handler = "echo"}, {.receiver = &second}); };
  MustSubmit({.handler = "echo"}, {.receiver = &first});
  TurnAll();
  EXPECT_EQ(second.calls, 0);
  TurnAll();
  EXPECT_EQ(second.calls, 1);
  ExpectPromisesKept();
}

TEST_F(DispatcherTest, RefusesNewTasksWhileDrainingAndFinishesTheHeld) {
  Build();
  TestReceiver receiver;
  MustSubmit({.handler = "echo"}, {.receiver = &receiver});
  dispatcher_->BeginDrain();
  EXPECT_EQ(Submit({.handler = "echo"})->reason, RefusalReason::kDraining);
  TurnAll();
  EXPECT_EQ(receiver.calls, 1);
  EXPECT_FALSE(dispatcher_->HasOpen());
  EXPECT_TRUE(dispatcher_->Snapshot().draining);
}

TEST_F(DispatcherTest, TellsNoTimesWhenTimingIsOff) {
  options_.timing_metrics = false;
  Build();
  TestReceiver receiver;
  MustSubmit({.handler = "echo"}, {.receiver = &receiver});
  now_ += 100;
  TurnAll();
  EXPECT_EQ(receiver.result.state, TaskState::kSucceeded);
  EXPECT_GT(receiver.result.submitted_at_ns, 0);
  EXPECT_EQ(receiver.result.started_at_ns, 0);
  EXPECT_EQ(receiver.result.completed_at_ns, 0);
  EXPECT_EQ(receiver.result.total_latency_ns, 0);
  ExpectPromisesKept();
}

TEST_F(DispatcherTest, JudgesTheLatencyTargetByTheLastTenSeconds) {
  options_.target_latency_ns = 50;
  AddHandler("slow", true, [this](TaskContext&) {
    now_ += 60;
    return TaskOutcome::kSucceeded;
  });
  Build();
  EXPECT_TRUE(dispatcher_->Snapshot().meeting_latency_target);
  MustSubmit({.handler = "slow"});
  TurnAll();
  EXPECT_FALSE(dispatcher_->Snapshot().meeting_latency_target);
  EXPECT_EQ(dispatcher_->Snapshot().last_10s.AverageNs(), 60u);
  now_ += 11'000'000'000;
  EXPECT_TRUE(dispatcher_->Snapshot().meeting_latency_target);
  EXPECT_EQ(dispatcher_->Snapshot().lifetime.max_ns, 60u);
}

TEST_F(DispatcherTest, FindsTaskCountsThatDoNotAddUp) {
  Build();
  // A task that the core was given behind the Door's back: its end belongs to nobody.
  const TaskEntry* entry = Find("echo");
  const Message stray = {.id = TaskId::Make(0, 1), .entry = entry, .submitted = now_};
  ASSERT_EQ(cores_[0]->Post({&stray, 1}), 1u);
  TurnAll();
  EXPECT_EQ(dispatcher_->stats().violations[0].value(), 1u);
  // And the core's own counts differ from the Door's once all is quiet.
  dispatcher_->Tick(now_);
  dispatcher_->Tick(now_ + 2'000'000'000);
  EXPECT_EQ(dispatcher_->stats().violations[0].value(), 2u);
}

}  // namespace
}  // namespace weft

// When tasks are expected to start, and what follows from it, with a Door and cores turned by hand
// in manual time: a tick is a nanosecond, and tasks take as long as they are told.
#include "dispatch/start_forecast.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>
#include <functional>
#include <random>
#include <string_view>
#include <utility>
#include <vector>

#include "dispatch/dispatcher_fixture.h"

namespace weft {
namespace {

using ::testing::HasSubstr;

constexpr int64_t kMs = 1'000'000;

class ForecastTest : public DispatcherFixture {
 protected:
  ForecastTest() {
    AddHandler("work", true, [this](TaskContext&) {
      now_ += work_ns_;
      if (const auto meanwhile = std::exchange(meanwhile_, nullptr)) meanwhile();
      return TaskOutcome::kSucceeded;
    });
    // Holds its core as long, and then suspends.
    AddHandler("nap", false, [this](TaskContext& context) {
      now_ += work_ns_;
      return context.SleepFor(1'000 * kMs) == WakeReason::kElapsed ? TaskOutcome::kSucceeded
                                                                   : context.Stop();
    });
  }

  void Settle() {
    for (int turn = 0; turn < 3; ++turn) TurnAll();
  }
  // From now on tasks of "work" are known to take so long. On the core of that CPU.
  void Teach(int64_t work_ns, uint32_t cpu = 10) {
    work_ns_ = work_ns;
    MustSubmit({.handler = "work", .cpu = cpu});
    Settle();
  }
  void Fill(int count, uint32_t cpu = 10, Priority priority = Priority::kNormal) {
    for (int i = 0; i < count; ++i) {
      MustSubmit({.handler = "work", .priority = priority, .cpu = cpu});
    }
  }
  // When a task of that level would start, which has to be later than at once; in nanoseconds.
  int64_t Predicted(Priority priority = Priority::kNormal, uint32_t cpu = 10) {
    const auto refusal =
        Submit({.handler = "echo", .priority = priority, .timeout_ns = 1, .cpu = cpu});
    if (!refusal || !refusal->late_start) {
      ADD_FAILURE() << "not refused for its deadline";
      return 0;
    }
    return refusal->late_start->predicted_start_ns;
  }
  int64_t WorkAheadNs(size_t core = 0) {
    now_ += StartForecast::kLookNs;
    (void)dispatcher_->Snapshot();
    return dispatcher_->stats().cores[core].work_ahead_ns.value();
  }
  HistogramSnapshot Early() const { return dispatcher_->stats().starts_early.Snapshot(); }
  HistogramSnapshot Late() const { return dispatcher_->stats().starts_late.Snapshot(); }
  uint64_t RefusedForDeadline() {
    return dispatcher_->Snapshot()
        .refused_by_reason[static_cast<size_t>(RefusalReason::kWouldMissDeadline)];
  }

  int64_t work_ns_ = kMs;
  std::function<void()> meanwhile_;  // Once, while a task of "work" runs.
};

TEST_F(ForecastTest, RefusesWithThePredictionWhatCannotStartInTime) {
  Build();
  Teach(kMs);
  Fill(3);
  TestReceiver receiver;
  const TaskSpec late = {.handler = "echo", .payload = "xy", .timeout_ns = 2 * kMs};
  const auto refusal = Submit(late, {.receiver = &receiver, .retain = true});
  ASSERT_TRUE(refusal);
  EXPECT_EQ(refusal->reason, RefusalReason::kWouldMissDeadline);
  EXPECT_EQ(refusal->message,
            "the task would start in 3 ms on core 10, after its deadline of 2 ms "
            "(executor.deadline_policy)");
  EXPECT_EQ(refusal->bound, "deadline (core 10)");
  EXPECT_EQ(refusal->field, "") << "the field is right";
  EXPECT_EQ(refusal->retry_after_ns, kMs);
  ASSERT_TRUE(refusal->late_start);
  EXPECT_EQ(refusal->late_start->predicted_start_ns, 3 * kMs);
  EXPECT_EQ(refusal->late_start->deadline_ns, 2 * kMs);
  EXPECT_EQ(dispatcher_->in_flight(), 3u);
  EXPECT_EQ(block_.holders(), 3u);
  EXPECT_EQ(RefusedForDeadline(), 1u);
  // At its deadline a core would no longer start it; a nanosecond earlier it does.
  EXPECT_TRUE(Submit({.handler = "echo", .timeout_ns = 3 * kMs}));
  MustSubmit({.handler = "echo", .timeout_ns = 3 * kMs + 1}, {.receiver = &receiver});
  Settle();
  EXPECT_EQ(receiver.result.state, TaskState::kSucceeded);
  EXPECT_EQ(receiver.result.queue_latency_ns, 3 * kMs);
  ExpectPromisesKept();
}

TEST_F(ForecastTest, TellsTheRetryWithinItsRange) {
  Build();
  Teach(10'000 * kMs);
  Fill(1);
  EXPECT_EQ(Submit({.handler = "echo", .timeout_ns = 1})->retry_after_ns, 1'000 * kMs);
  EXPECT_EQ(Submit({.handler = "echo", .timeout_ns = 10'000 * kMs - 1})->retry_after_ns, kMs);
}

TEST_F(ForecastTest, NeverRefusesATaskWithoutADeadlineForIt) {
  Build();
  Teach(60'000 * kMs);
  Fill(3);
  MustSubmit({.handler = "echo"});
  Settle();
  EXPECT_EQ(dispatcher_->Snapshot().refused, 0u);
  ExpectPromisesKept();
}

TEST_F(ForecastTest, NeverRefusesOnNoKnowledge) {
  Build();
  Fill(3);
  MustSubmit({.handler = "echo", .timeout_ns = 1});
  EXPECT_EQ(RefusedForDeadline(), 0u);
}

TEST_F(ForecastTest, AlwaysAdmitsWhenNothingIsAhead) {
  Build();
  Teach(60'000 * kMs);
  MustSubmit({.handler = "work", .timeout_ns = 1});
}

TEST_F(ForecastTest, QueuesByPolicyAndTheTaskExpires) {
  options_.deadline_policy = DeadlinePolicy::kQueue;
  Build();
  Teach(kMs);
  Fill(3);
  TestReceiver receiver;
  MustSubmit({.handler = "echo", .timeout_ns = 2 * kMs}, {.receiver = &receiver});
  Settle();
  EXPECT_EQ(receiver.result.state, TaskState::kExpired);
  EXPECT_EQ(dispatcher_->Snapshot().refused, 0u);
  ExpectPromisesKept();
}

TEST_F(ForecastTest, TakesOverAPolicyThatChanges) {
  Build();
  Teach(kMs);
  Fill(2);
  EXPECT_TRUE(Submit({.handler = "echo", .timeout_ns = kMs}));
  options_.deadline_policy = DeadlinePolicy::kQueue;
  dispatcher_->Reconfigure(options_, /*stall_threshold_ms=*/100);
  MustSubmit({.handler = "echo", .timeout_ns = kMs});
  options_.deadline_policy = DeadlinePolicy::kRefuse;
  dispatcher_->Reconfigure(options_, /*stall_threshold_ms=*/100);
  EXPECT_TRUE(Submit({.handler = "echo", .timeout_ns = kMs}));
}

TEST_F(ForecastTest, CountsWhatIsQueuedAtTheLevelOrAbove) {
  Build();
  Teach(kMs);
  Fill(1, 10, Priority::kHigh);
  Fill(2, 10, Priority::kNormal);
  Fill(3, 10, Priority::kLow);
  EXPECT_EQ(Predicted(Priority::kHigh), 1 * kMs);
  EXPECT_EQ(Predicted(Priority::kNormal), 3 * kMs);
  EXPECT_EQ(Predicted(Priority::kLow), 6 * kMs);
  EXPECT_EQ(WorkAheadNs(), 6 * kMs);
}

TEST_F(ForecastTest, CountsTheRestOfWhatRunsWhateverItsLevel) {
  Build();
  Teach(10 * kMs);
  work_ns_ = 4 * kMs;
  int64_t high = 0;
  int64_t low = 0;
  meanwhile_ = [&] {
    high = Predicted(Priority::kHigh);
    low = Predicted(Priority::kLow);
  };
  Fill(2, 10, Priority::kLow);
  Settle();
  EXPECT_EQ(high, 6 * kMs);
  EXPECT_EQ(low, 6 * kMs + 10 * kMs) << "the other is queued";
}

TEST_F(ForecastTest, TakesWhatRunsBeyondItsEstimateToGoOnForAsLong) {
  Build();
  Teach(10 * kMs);
  work_ns_ = 13 * kMs;
  int64_t predicted = 0;
  int64_t later = 0;
  meanwhile_ = [&] {
    predicted = Predicted();
    now_ += 100 * kMs;
    later = Predicted();
  };
  Fill(1);
  Settle();
  EXPECT_EQ(predicted, 3 * kMs);
  EXPECT_EQ(later, 103 * kMs);
  EXPECT_EQ(WorkAheadNs(), 0);
}

TEST_F(ForecastTest, KnowsNothingOfAFirstRunThatLasts) {
  Build();
  bool refused = true;
  meanwhile_ = [&] { refused = Submit({.handler = "echo", .timeout_ns = 1}).has_value(); };
  Fill(1);
  Settle();
  EXPECT_FALSE(refused);
}

TEST_F(ForecastTest, ForgetsWhatHasEndedSinceTheLastLook) {
  Build();
  Teach(10 * kMs);
  Fill(1);
  // The look of this Collect, and the next, are less than kLookNs apart.
  work_ns_ = 1;
  Settle();
  MustSubmit({.handler = "echo", .timeout_ns = 1});
}

TEST_F(ForecastTest, CountsNothingForTasksThatAreSuspended) {
  Build();
  work_ns_ = kMs;
  MustSubmit({.handler = "nap"});
  Settle();
  now_ += 2'000 * kMs;
  Settle();
  ASSERT_EQ(dispatcher_->in_flight(), 0u);
  for (int i = 0; i < 3; ++i) MustSubmit({.handler = "nap"});
  EXPECT_EQ(Predicted(), 3 * kMs) << "of each only what it holds the core for";
  Settle();
  EXPECT_EQ(dispatcher_->in_flight(), 3u);
  MustSubmit({.handler = "echo", .timeout_ns = 1});
}

TEST_F(ForecastTest, CountsNothingForTasksThatAreHeld) {
  Build();
  Teach(kMs);
  Fill(3);
  EXPECT_EQ(Predicted(), 3 * kMs);
  dispatcher_->Hold(*Find("work"));
  Settle();
  EXPECT_EQ(WorkAheadNs(), 0);
  MustSubmit({.handler = "echo", .timeout_ns = 1});
  Settle();
  dispatcher_->Release(*Find("work"));
  Settle();
  EXPECT_EQ(dispatcher_->in_flight(), 0u);
  EXPECT_EQ(WorkAheadNs(), 0);
  ExpectPromisesKept();
}

TEST_F(ForecastTest, GivesBackTheChargesOfTasksThatNeverStart) {
  Build();
  Teach(kMs);
  std::vector<TaskId> ids;
  for (int i = 0; i < 3; ++i) ids.push_back(MustSubmit({.handler = "work", .timeout_ns = 8 * kMs}));
  EXPECT_EQ(WorkAheadNs(), 3 * kMs);
  EXPECT_FALSE(dispatcher_->Cancel(ids[0], CancelReason::kClient, nullptr));
  EXPECT_FALSE(dispatcher_->Cancel(ids[2], CancelReason::kClient, nullptr));
  now_ += 20 * kMs;
  Settle();
  EXPECT_EQ(dispatcher_->Snapshot().cancelled, 2u);
  EXPECT_EQ(dispatcher_->Snapshot().expired, 1u);
  EXPECT_EQ(WorkAheadNs(), 0);
  MustSubmit({.handler = "echo", .timeout_ns = 1});
}

TEST_F(ForecastTest, SendsATaskWhereItIsExpectedToStartFirst) {
  Build(2);
  Teach(kMs);
  // Of "echo" only that it takes no time is known.
  MustSubmit({.handler = "echo", .cpu = 10});
  Settle();
  Fill(1, 10);
  for (int i = 0; i < 3; ++i) MustSubmit({.handler = "echo", .cpu = 11});
  MustSubmit({.handler = "echo"});
  EXPECT_EQ(accepted_.cpu, 11u) << "more tasks, less work";
}

TEST_F(ForecastTest, RefusesNothingThatAnotherCoreWouldStartInTime) {
  Build(2);
  Teach(kMs);
  Fill(3, 10);
  Fill(1, 11);
  EXPECT_TRUE(Submit({.handler = "echo", .timeout_ns = 2 * kMs, .cpu = 10})) << "it asks for it";
  MustSubmit({.handler = "echo", .timeout_ns = 2 * kMs});
  EXPECT_EQ(accepted_.cpu, 11u);
  // It names the core where it would start first.
  const auto refusal = Submit({.handler = "echo", .timeout_ns = kMs});
  ASSERT_TRUE(refusal);
  EXPECT_THAT(refusal->message, HasSubstr("on core 11"));
}

TEST_F(ForecastTest, TakesInAParkedCoreBeforeItRefuses) {
  options_.active_min = 1;
  Build(2);
  Teach(kMs);
  for (uint32_t look = 0; look < 2 * ActiveCores::kParkLooks; ++look) {
    now_ += ActiveCores::kLookNs;
    dispatcher_->Tick(now_);
  }
  ASSERT_EQ(dispatcher_->Snapshot().active_cores, 1u);
  Fill(3, 10);
  MustSubmit({.handler = "echo", .timeout_ns = 2 * kMs});
  EXPECT_EQ(accepted_.cpu, 11u);
  EXPECT_EQ(dispatcher_->Snapshot().active_cores, 2u);
}

TEST_F(ForecastTest, RoutesAroundACoreThatRunsForLongWithNothingQueued) {
  Build(2);
  Teach(100 * kMs);
  MustSubmit({.handler = "echo", .cpu = 10});
  Settle();
  for (int i = 0; i < 3; ++i) MustSubmit({.handler = "echo", .cpu = 11});
  work_ns_ = 10 * kMs;
  // The Door has drained the end of the first when the second runs.
  meanwhile_ = [this] {
    meanwhile_ = [this] {
      dispatcher_->Collect();
      MustSubmit({.handler = "echo"});
      EXPECT_EQ(accepted_.cpu, 11u) << "more tasks, but none that holds it for 90 ms more";
    };
  };
  Fill(2, 10);
  dispatcher_->Flush();
  cores_[0]->Turn();
  EXPECT_FALSE(meanwhile_);
  Settle();
  ExpectPromisesKept();
}

TEST_F(ForecastTest, CountsTheErrorOfEachStartWithADeadline) {
  Build();
  Teach(kMs);
  work_ns_ = kMs + kMs / 2;
  const TaskSpec work = {.handler = "work", .timeout_ns = 10'000 * kMs};
  const uint64_t before = Late().count;
  for (int i = 0; i < 2; ++i) MustSubmit(work);
  const TaskId cancelled = MustSubmit(work);
  EXPECT_FALSE(dispatcher_->Cancel(cancelled, CancelReason::kClient, nullptr));
  Settle();
  EXPECT_EQ(Early().count, 0u);
  EXPECT_EQ(Late().count, before + 2) << "nothing for what never started";
  EXPECT_EQ(Late().sum_ns, static_cast<uint64_t>(kMs / 2)) << "the first starts when foretold";
  // They are expected to take far longer than they will.
  work_ns_ = 10;
  for (int i = 0; i < 2; ++i) MustSubmit(work);
  Settle();
  EXPECT_EQ(Early().count, 1u);
  EXPECT_EQ(Late().count, before + 3);
  ExpectPromisesKept();
}

TEST_F(ForecastTest, LearnsFromAllTasksUnlessTheyAreKnownToBeShort) {
  Build();
  const auto count = [this] { return Late().count + Early().count; };
  const auto run = [this](std::string_view handler, uint64_t times) {
    for (uint64_t i = 0; i < times; ++i) {
      MustSubmit({.handler = handler});
      Settle();
    }
  };
  work_ns_ = StartForecast::kShortNs;
  run("work", 2 * kForetoldEvery);
  EXPECT_EQ(count(), 2 * kForetoldEvery);
  run("echo", 2 * kForetoldEvery);
  const uint64_t before = count();
  run("echo", 10 * kForetoldEvery);
  EXPECT_EQ(count(), before + 10);
}

TEST_F(ForecastTest, ForetellsNothingWhenTimingIsOff) {
  options_.timing_metrics = false;
  Build();
  Teach(kMs);
  Fill(3);
  MustSubmit({.handler = "echo", .timeout_ns = 1});
  EXPECT_EQ(Late().count + Early().count, 0u);
  EXPECT_EQ(WorkAheadNs(), 0);
}

TEST_F(ForecastTest, ForetellsNothingOfTheBlockingPool) {
  pool_threads_ = 1;
  Build();
  Teach(kMs);
  Find("work")->pooled.Set(true);
  for (int i = 0; i < 3; ++i) MustSubmit({.handler = "work", .timeout_ns = 1});
  EXPECT_EQ(RefusedForDeadline(), 0u);
  EXPECT_EQ(WorkAheadNs(), 0);
}

TEST_F(ForecastTest, TellsFromTheWorkWhenAFullQueueHasRoom) {
  Build();
  Teach(100 * kMs);
  Fill(1, 10, Priority::kHigh);
  Fill(4);
  EXPECT_EQ(Submit({.handler = "echo"})->reason, RefusalReason::kQueueFull);
  EXPECT_EQ(Submit({.handler = "echo"})->retry_after_ns, 100 * kMs + 400 * kMs / 16);
}

// Whatever happens to tasks, in the end nothing is ahead; and a task that has no deadline, or that
// nothing is ahead of, is never refused for it.
TEST_F(ForecastTest, ExpectsNothingOnceNothingIsInFlight) {
  const unsigned seed = std::random_device()();
  SCOPED_TRACE(::testing::Message() << "seed " << seed);
  std::mt19937_64 random(seed);
  options_.max_queue_depth = 16;
  Build(3, /*stacks=*/8);
  const char* const handlers[] = {"work", "nap", "echo", "fail", "sleep"};
  std::deque<TestReceiver> receivers;
  std::vector<const TestReceiver*> with_deadline;
  for (int round = 0; round < 300; ++round) {
    for (uint64_t i = random() % 20; i > 0; --i) {
      TaskSpec spec = {.handler = handlers[random() % 5],
                       .priority = static_cast<Priority>(random() % kPriorityCount)};
      if (random() % 2 == 0) spec.timeout_ns = static_cast<int64_t>(1 + random() % (5 * kMs));
      if (random() % 4 == 0) spec.cpu = static_cast<uint32_t>(10 + random() % 3);
      const bool is_idle = !dispatcher_->HasOpen();
      receivers.emplace_back();
      const auto refusal = Submit(spec, {.receiver = &receivers.back()});
      if (refusal && refusal->reason == RefusalReason::kWouldMissDeadline) {
        EXPECT_GT(spec.timeout_ns, 0);
        EXPECT_FALSE(is_idle);
        EXPECT_GE(refusal->late_start->predicted_start_ns, spec.timeout_ns);
      }
      if (refusal) continue;
      if (spec.timeout_ns > 0) with_deadline.push_back(&receivers.back());
      if (random() % 5 == 0) {
        EXPECT_FALSE(dispatcher_->Cancel(accepted_.id, CancelReason::kClient, nullptr));
      }
    }
    if (random() % 8 == 0) dispatcher_->Hold(*Find("work"));
    work_ns_ = static_cast<int64_t>(random() % (2 * kMs));
    if (random() % 2 == 0) TurnAll();
    if (random() % 4 == 0) dispatcher_->Release(*Find("work"));
    now_ += static_cast<sys::Ticks>(random() % (10 * kMs));
    if (round % 30 != 0) continue;
    dispatcher_->Release(*Find("work"));
    while (dispatcher_->HasOpen()) {
      now_ += 1'000 * kMs;
      TurnAll();
    }
    for (size_t core = 0; core < 3; ++core) EXPECT_EQ(WorkAheadNs(core), 0) << core;
  }
  dispatcher_->Release(*Find("work"));
  while (dispatcher_->HasOpen()) {
    now_ += 1'000 * kMs;
    TurnAll();
  }
  uint64_t started = 0;
  for (const TestReceiver* receiver : with_deadline) started += receiver->result.attempts;
  EXPECT_GE(Late().count + Early().count, started);
  EXPECT_LE(Late().count + Early().count, dispatcher_->Snapshot().lifetime.executed);
  EXPECT_GT(RefusedForDeadline(), 0u);
  ExpectPromisesKept();
}

}  // namespace
}  // namespace weft

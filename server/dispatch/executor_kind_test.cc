// Proves that a core whose handlers are run by an executor is a core like any other: its tasks end
// with what their handlers said, are paused, cancelled, expired and counted; that the 33rd task of
// the fallback is refused by the name of its bound; and that what suspends is not supported. The
// cores are turned by hand, and the executors with them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "dispatch/dispatcher_fixture.h"
#include "dispatch/steering.h"
#include "executor/asio_executor.h"
#include "executor/fallback_executor.h"
#include "executor/options.h"

namespace weft {
namespace {

using ::testing::HasSubstr;

// Passes on, and counts.
class CountingExecutor final : public Executor {
 public:
  explicit CountingExecutor(Executor& inner) : inner_(inner) {}

  ExecutorError BlockOn(TaskBody& body) override { return ++calls, inner_.BlockOn(body); }

  int calls = 0;

 private:
  Executor& inner_;
};

// By the kind.
class ExecutorKindTest : public DispatcherFixture,
                         public ::testing::WithParamInterface<ExecutorKind> {
 protected:
  ExecutorKindTest() {
    options_.max_queue_depth = 40;
    options_.executor_kind = GetParam();
    if (GetParam() == ExecutorKind::kFallback) tasks_max_ = kFallbackTasksMax;
    AddHandler("throw", true,
               [](TaskContext&) -> TaskOutcome { throw std::runtime_error("broken"); });
    AddHandler("stop", true, [](TaskContext& context) {
      if (during_) std::exchange(during_, {})();
      return context.ShouldStop() ? context.Stop() : TaskOutcome::kSucceeded;
    });
    // Holds its core for longer than the threshold.
    AddHandler("stall", true, [this](TaskContext&) {
      for (int look = 0; look < 6; ++look) {
        now_ += 25'000'000;
        dispatcher_->Tick(now_);
      }
      return TaskOutcome::kSucceeded;
    });
  }

  void BuildAll(size_t core_count = 1) {
    Build(core_count);
    std::vector<Executor*> executors;
    for (size_t core = 0; core < core_count; ++core) {
      const bool is_fallback = GetParam() == ExecutorKind::kFallback;
      Executor& inner = is_fallback ? static_cast<Executor&>(fallbacks_.emplace_back())
                                    : static_cast<Executor&>(asios_.emplace_back());
      executors.push_back(&counting_.emplace_back(inner));
    }
    dispatcher_->UseExecutors(executors, ExecutorKindName(GetParam()));
    steering_.emplace(*dispatcher_, *this,
                      std::vector<std::string>{"echo", "fail", "sleep", "throw", "stop", "stall"});
  }
  TaskResult RunToEnd(const TaskSpec& spec) {
    receiver_.calls = 0;
    MustSubmit(spec, {.receiver = &receiver_});
    for (int turn = 0; receiver_.calls == 0 && turn < 5; ++turn) TurnAll();
    EXPECT_EQ(receiver_.calls, 1);
    return receiver_.result;
  }

  inline static std::function<void()> during_;
  // Outlive the cores.
  std::deque<FallbackExecutor> fallbacks_;
  std::deque<AsioExecutor> asios_;
  std::deque<CountingExecutor> counting_;
  TestReceiver receiver_;
  std::optional<Steering<ManualEnv>> steering_;
};

INSTANTIATE_TEST_SUITE_P(Kinds, ExecutorKindTest,
                         ::testing::Values(ExecutorKind::kFallback, ExecutorKind::kAsio),
                         [](const auto& kind) {
                           return std::string(ExecutorKindName(kind.param));
                         });

TEST_P(ExecutorKindTest, ATaskEndsWithWhatItsHandlerSaid) {
  BuildAll();
  EXPECT_EQ(RunToEnd({.handler = "echo", .payload = "abc"}).state, TaskState::kSucceeded);
  EXPECT_EQ(receiver_.output, "abc");
  EXPECT_EQ(receiver_.result.attempts, 1);
  EXPECT_EQ(receiver_.result.suspended_ns, 0);
  EXPECT_EQ(RunToEnd({.handler = "fail"}).error_code, TaskErrorCode::kHandlerFailed);
  EXPECT_EQ(receiver_.error, "as asked");
  EXPECT_EQ(RunToEnd({.handler = "throw"}).error_code, TaskErrorCode::kHandlerException);
  EXPECT_EQ(receiver_.error, "broken");
  ExpectPromisesKept();
}

TEST_P(ExecutorKindTest, TheCoresOwnExecutorRanIt) {
  BuildAll(2);
  TaskSpec spec = {.handler = "echo"};
  spec.cpu = 11;
  RunToEnd(spec);
  EXPECT_EQ(counting_[0].calls, 0);
  EXPECT_EQ(counting_[1].calls, 1);
}

TEST_P(ExecutorKindTest, WhatSuspendsIsNotSupportedByName) {
  BuildAll();
  EXPECT_EQ(RunToEnd({.handler = "sleep"}).state, TaskState::kFailed);
  EXPECT_EQ(receiver_.result.error_code, TaskErrorCode::kNotSupported);
  EXPECT_THAT(receiver_.error, HasSubstr("SleepFor is not supported by the executor \"" +
                                         std::string(ExecutorKindName(GetParam()))));
  EXPECT_EQ(RunToEnd({.handler = "echo"}).state, TaskState::kSucceeded);
}

TEST_P(ExecutorKindTest, ARunningHandlerSeesACancelAndItsDeadline) {
  BuildAll();
  const TaskId id = MustSubmit({.handler = "stop"}, {.receiver = &receiver_});
  during_ = [&] { EXPECT_FALSE(dispatcher_->Cancel(id, CancelReason::kClient, nullptr)); };
  TurnAll();
  EXPECT_EQ(receiver_.result.state, TaskState::kCancelled);
  during_ = [&] { now_ += 2'000'000; };
  EXPECT_EQ(RunToEnd({.handler = "stop", .timeout_ns = 1'000'000}).state, TaskState::kExpired);
  TurnAll();
  ExpectPromisesKept();
}

TEST_P(ExecutorKindTest, AQueuedTaskIsHeldCancelledAndReleased) {
  BuildAll();
  RunToEnd({.handler = "echo"});
  const TaskId held = MustSubmit({.handler = "echo"}, {.receiver = &receiver_});
  bool changed = false;
  ASSERT_FALSE(steering_->Pause("echo", &changed));
  receiver_.calls = 0;
  TurnAll();
  EXPECT_EQ(StateOf(held), TaskState::kQueued);
  EXPECT_EQ(Submit({.handler = "echo"})->reason, RefusalReason::kHandlerPaused);
  ASSERT_FALSE(steering_->Resume("echo", &changed));
  TurnAll();
  EXPECT_EQ(receiver_.calls, 1);
  EXPECT_EQ(receiver_.result.state, TaskState::kSucceeded);
  const TaskId queued = MustSubmit({.handler = "echo"}, {.receiver = &receiver_});
  EXPECT_FALSE(dispatcher_->Cancel(queued, CancelReason::kClient, nullptr));
  TurnAll();
  EXPECT_EQ(receiver_.result.state, TaskState::kCancelled);
  EXPECT_EQ(receiver_.result.attempts, 0);
  ExpectPromisesKept();
}

TEST_P(ExecutorKindTest, TheFallbacks33rdTaskIsRefusedByTheNameOfItsBound) {
  BuildAll();
  std::vector<TaskId> ids;
  for (uint32_t i = 0; i < kFallbackTasksMax; ++i) {
    TaskSpec spec = {.handler = "echo"};
    spec.priority = i % 2 == 0 ? Priority::kNormal : Priority::kLow;
    ids.push_back(MustSubmit(spec));
  }
  const auto refusal = Submit({.handler = "echo"});
  if (GetParam() == ExecutorKind::kAsio) {
    EXPECT_FALSE(refusal) << "a bound of the fallback's alone";
    return;
  }
  ASSERT_TRUE(refusal);
  EXPECT_EQ(refusal->reason, RefusalReason::kSlotsFull);
  EXPECT_EQ(refusal->message,
            "the fallback executor of core 10 holds 32 tasks that are not yet answered, and takes "
            "no more at once (executor.kind = \"fallback\")");
  EXPECT_EQ(refusal->bound, "tasks of the fallback executor (core 10)");
  EXPECT_GT(refusal->retry_after_ns, 0);
  TurnAll();
  for (uint32_t i = 0; i < kFallbackTasksMax; ++i) MustSubmit({.handler = "fail"});
  TurnAll();
  ExpectPromisesKept();
}

TEST_P(ExecutorKindTest, AHandlerThatStallsIsDemotedAsOnACore) {
  options_.stall_policy = StallPolicy::kDemote;
  pool_threads_ = 1;
  BuildAll();
  for (size_t stall = 0; stall < kStallsToDemote; ++stall) {
    EXPECT_EQ(RunToEnd({.handler = "stall"}).cpu, 10u);
  }
  EXPECT_TRUE(steering_->demoted(5));
  EXPECT_TRUE(entries_["stall"].pooled.is_set());
  bool changed = false;
  ASSERT_FALSE(steering_->Resume("stall", &changed));
  EXPECT_EQ(RunToEnd({.handler = "stall"}).cpu, 10u);
  ExpectPromisesKept();
}

}  // namespace
}  // namespace weft

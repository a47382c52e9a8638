#include <gtest/gtest.h>
#include <sys/wait.h>

#include <chrono>
#include <csignal>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "tests/daemon/daemon_test.h"

// Proves that a task travels from another process to a core and back whole, through each way to
// submit it, and that every way to stop one does what it says. Cores are held by `spin`, so that
// what is queued stays queued for as long as a test needs.
namespace weft {
namespace {

using TaskDaemonTest = DaemonTest;

// By executor.kind: what needs no suspending handler is the same on each.
class EveryKindTest : public DaemonTest, public testing::WithParamInterface<const char*> {
 protected:
  void Start(std::vector<std::string> settings = {}) {
    settings.push_back(std::string("executor.kind=") + GetParam());
    DaemonTest::Start(std::move(settings));
  }
};
INSTANTIATE_TEST_SUITE_P(Kinds, EveryKindTest, testing::Values("core", "fallback", "asio"),
                         [](const auto& kind) { return std::string(kind.param); });

constexpr char kSha256OfHello[] =
    "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";

int64_t WallNs() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

TEST_P(EveryKindTest, RunAnswersWithEveryFieldOfTheResult) {
  Start();
  v1::TaskSpec spec = Spec("sha256", "hello");
  spec.set_client_tag(77);
  spec.set_priority(v1::PRIORITY_HIGH);
  const auto stats = client_->GetStats();
  ASSERT_TRUE(stats.ok()) << stats.status();
  spec.set_core(stats->cores(0).core());
  const int64_t before = WallNs();
  const auto result = Run(spec);
  const int64_t after = WallNs();
  ASSERT_TRUE(result.ok()) << result.status();
  ExpectEnded(*result, v1::TASK_STATE_SUCCEEDED);
  EXPECT_EQ(result->client_tag(), 77u);
  EXPECT_EQ(result->output(), kSha256OfHello);
  EXPECT_EQ(result->priority(), v1::PRIORITY_HIGH);
  EXPECT_EQ(result->core(), stats->cores(0).core());
  EXPECT_EQ(result->attempts(), 1u);
  EXPECT_GT(result->execution_latency_ns(), 0);
  EXPECT_EQ(result->suspended_ns(), 0);
  // One clock, read by two processes; the anchor may be a little off.
  EXPECT_GE(result->submitted_at_ns(), before - 5'000'000);
  EXPECT_LE(result->completed_at_ns(), after + 5'000'000);
}

TEST_P(EveryKindTest, AnUnspecifiedPriorityIsNormal) {
  Start();
  EXPECT_EQ(Run(Spec("noop"))->priority(), v1::PRIORITY_NORMAL);
}

TEST_P(EveryKindTest, EchoGivesBackAnyBytes) {
  Start();
  std::string bytes;
  for (int i = 0; i < 70'000; ++i) bytes += static_cast<char>(i * 31);
  EXPECT_EQ(Run(Spec("echo", bytes))->output(), bytes);
  EXPECT_EQ(Run(Spec("echo", ""))->output(), "");
}

TEST_P(EveryKindTest, SubmitAnswersAtOnceAndTheResultIsKept) {
  Start();
  const uint64_t holder = HoldTheCore();
  v1::TaskSpec spec = Spec("echo", "later");
  spec.set_client_tag(5);
  const auto submitted = client_->Submit(spec);
  ASSERT_TRUE(submitted.ok()) << submitted.status();
  auto task = client_->Get(submitted->task_id());
  ASSERT_TRUE(task.ok()) << task.status();
  EXPECT_EQ(task->state(), v1::TASK_STATE_QUEUED);
  EXPECT_EQ(task->submitted_at_ns(), submitted->submitted_at_ns());
  EXPECT_EQ(task->core(), submitted->core());
  EXPECT_EQ(task->client_tag(), 5u);
  EXPECT_EQ(task->attempts(), 0u);
  // A wait that ends first tells the state and ends nothing.
  EXPECT_EQ(client_->Wait(submitted->task_id(), 1'000'000)->state(), v1::TASK_STATE_QUEUED);
  Cancel(holder, v1::CANCEL_OUTCOME_REQUESTED_RUNNING);
  const v1::TaskResult result = MustWait(submitted->task_id());
  ExpectEnded(result, v1::TASK_STATE_SUCCEEDED);
  EXPECT_EQ(result.output(), "later");
  task = client_->Get(submitted->task_id());
  ASSERT_TRUE(task.ok()) << task.status();
  EXPECT_EQ(task->SerializeAsString(), result.SerializeAsString());
}

TEST_P(EveryKindTest, RunKeepsItsResultOnlyWhenAsked) {
  Start();
  const auto forgotten = Run(Spec("noop"));
  ASSERT_TRUE(forgotten.ok()) << forgotten.status();
  ExpectRefused(client_->Get(forgotten->task_id()).status(), absl::StatusCode::kNotFound,
                "TASK_NOT_FOUND");
  v1::RunTaskRequest request = RunRequest(Spec("echo", "kept"));
  request.set_retain_result(true);
  const auto kept = client_->Run(request);
  ASSERT_TRUE(kept.ok()) << kept.status();
  EXPECT_EQ(client_->Get(kept->task_id())->output(), "kept");
}

TEST_P(EveryKindTest, ManyWaitersOfOneTaskAllGetItsResult) {
  Start();
  const uint64_t holder = HoldTheCore();
  const uint64_t id = MustSubmit(Spec("echo", "shared"));
  std::vector<std::thread> waiters;
  std::vector<std::string> outputs(8);
  for (std::string& output : outputs) {
    waiters.emplace_back([&] { output = client_->Wait(id)->output(); });
  }
  while (client_->GetStats()->waiters() < outputs.size()) std::this_thread::yield();
  Cancel(holder, v1::CANCEL_OUTCOME_REQUESTED_RUNNING);
  for (std::thread& waiter : waiters) waiter.join();
  EXPECT_EQ(std::set<std::string>(outputs.begin(), outputs.end()), std::set<std::string>{"shared"});
}

TEST_P(EveryKindTest, HigherLevelsStartFirst) {
  Start({"executor.age_limit_ms=60000"});
  const uint64_t holder = HoldTheCore();
  std::vector<uint64_t> ids;
  for (const v1::Priority level : {v1::PRIORITY_LOW, v1::PRIORITY_NORMAL, v1::PRIORITY_HIGH}) {
    v1::TaskSpec spec = Spec("noop");
    spec.set_priority(level);
    ids.push_back(MustSubmit(spec));
  }
  Cancel(holder, v1::CANCEL_OUTCOME_REQUESTED_RUNNING);
  const v1::TaskResult low = MustWait(ids[0]);
  const v1::TaskResult normal = MustWait(ids[1]);
  const v1::TaskResult high = MustWait(ids[2]);
  EXPECT_LE(high.completed_at_ns(), normal.started_at_ns());
  EXPECT_LE(normal.completed_at_ns(), low.started_at_ns());
}

// A core sleeps by the rate measured at its start, a result is told by the bent one (README, "What
// the times mean"): they differ by 500 ppm of bend and less than that of measuring.
constexpr int64_t LeastAsTold(int64_t ns) { return ns - ns / 1000; }

TEST_F(TaskDaemonTest, SleepTellsHowLongItWasSuspended) {
  Start();
  const auto result = Run(Spec("sleep", "20ms"));
  ASSERT_TRUE(result.ok()) << result.status();
  ExpectEnded(*result, v1::TASK_STATE_SUCCEEDED);
  EXPECT_GE(result->suspended_ns(), LeastAsTold(20'000'000));
  EXPECT_GE(result->execution_latency_ns(), result->suspended_ns());
}

// ---- Failing.

TEST_P(EveryKindTest, FailsByErrorWithItsMessage) {
  Start();
  const auto result = Run(Spec("fail", "error out of paper"));
  ASSERT_TRUE(result.ok()) << result.status();
  ExpectEnded(*result, v1::TASK_STATE_FAILED);
  EXPECT_EQ(result->error().code(), v1::TASK_ERROR_CODE_HANDLER_FAILED);
  EXPECT_EQ(result->error().message(), "out of paper");
}

TEST_P(EveryKindTest, FailsByExceptionAndTheCoreGoesOn) {
  Start();
  const auto result = Run(Spec("fail", "exception thrown far"));
  ASSERT_TRUE(result.ok()) << result.status();
  ExpectEnded(*result, v1::TASK_STATE_FAILED);
  EXPECT_EQ(result->error().code(), v1::TASK_ERROR_CODE_HANDLER_EXCEPTION);
  EXPECT_EQ(result->error().message(), "thrown far");
  EXPECT_EQ(Run(Spec("echo", "still here"))->output(), "still here");
}

TEST_P(EveryKindTest, FailsForAPayloadTheHandlerCannotRead) {
  Start();
  const auto result = Run(Spec("sleep", "a while"));
  ASSERT_TRUE(result.ok()) << result.status();
  ExpectEnded(*result, v1::TASK_STATE_FAILED);
  EXPECT_EQ(result->error().code(), v1::TASK_ERROR_CODE_INVALID_PAYLOAD);
  EXPECT_NE(result->error().message().find("a while"), std::string::npos);
}

TEST_F(TaskDaemonTest, FailsByExceedingItsDeadline) {
  Start();
  v1::TaskSpec spec = Spec("fail", "deadline");
  spec.set_timeout_ns(20'000'000);
  const auto result = Run(spec);
  ASSERT_TRUE(result.ok()) << result.status();
  ExpectEnded(*result, v1::TASK_STATE_EXPIRED);
  EXPECT_EQ(result->error().code(), v1::TASK_ERROR_CODE_DEADLINE_EXCEEDED);
}

// ---- Being stopped.

TEST_P(EveryKindTest, ACancelledQueuedTaskNeverStarts) {
  Start();
  const uint64_t holder = HoldTheCore();
  const uint64_t id = MustSubmit(Spec("noop"));
  // Its core takes note when it next looks, which is after the one that holds it.
  absl::StatusOr<v1::CancelTaskResponse> answer = absl::UnknownError("not asked");
  std::thread canceller([&] { answer = client_->Cancel(id); });
  Cancel(holder, v1::CANCEL_OUTCOME_REQUESTED_RUNNING);
  canceller.join();
  ASSERT_TRUE(answer.ok()) << answer.status();
  const v1::TaskResult result = MustWait(id);
  // The two cancels race to the core; when the holder's came first, the task may have run.
  if (answer->outcome() == v1::CANCEL_OUTCOME_CANCELLED_QUEUED) {
    ExpectEnded(result, v1::TASK_STATE_CANCELLED);
    EXPECT_EQ(result.attempts(), 0u);
    EXPECT_EQ(result.error().code(), v1::TASK_ERROR_CODE_CANCELLED_BY_CLIENT);
    EXPECT_EQ(answer->state(), v1::TASK_STATE_CANCELLED);
  } else {
    ExpectEnded(result, v1::TASK_STATE_SUCCEEDED);
  }
}

TEST_P(EveryKindTest, ACancelReachesARunningSpin) {
  Start();
  const uint64_t id = HoldTheCore();
  Cancel(id, v1::CANCEL_OUTCOME_REQUESTED_RUNNING);
  const v1::TaskResult result = MustWait(id);
  ExpectEnded(result, v1::TASK_STATE_CANCELLED);
  EXPECT_EQ(result.attempts(), 1u);
  EXPECT_EQ(result.error().code(), v1::TASK_ERROR_CODE_CANCELLED_BY_CLIENT);
  EXPECT_LT(result.execution_latency_ns(), 30'000'000'000);
}

TEST_F(TaskDaemonTest, ACancelWakesASleepAndALaterOneSaysItHasEnded) {
  Start();
  const uint64_t id = MustSubmit(Spec("sleep", "60s"));
  AwaitState(id, v1::TASK_STATE_SUSPENDED);
  Cancel(id, v1::CANCEL_OUTCOME_REQUESTED_RUNNING);
  ExpectEnded(MustWait(id), v1::TASK_STATE_CANCELLED);
  const auto again = client_->Cancel(id);
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(again->outcome(), v1::CANCEL_OUTCOME_ALREADY_ENDED);
  EXPECT_EQ(again->state(), v1::TASK_STATE_CANCELLED);
}

TEST_P(EveryKindTest, ATimeoutInTheQueueExpiresTheTaskUnstarted) {
  Start();
  const uint64_t holder = HoldTheCore();
  v1::TaskSpec spec = Spec("noop");
  spec.set_timeout_ns(1'000'000);
  const uint64_t id = MustSubmit(spec);
  EXPECT_EQ(client_->Wait(id, 20'000'000)->state(), v1::TASK_STATE_QUEUED);
  Cancel(holder, v1::CANCEL_OUTCOME_REQUESTED_RUNNING);
  const v1::TaskResult result = MustWait(id);
  ExpectEnded(result, v1::TASK_STATE_EXPIRED);
  EXPECT_EQ(result.attempts(), 0u);
  EXPECT_EQ(result.error().code(), v1::TASK_ERROR_CODE_DEADLINE_EXCEEDED);
  EXPECT_GE(result.total_latency_ns(), 1'000'000);
}

void ExpectExpiredWhileRunning(const absl::StatusOr<v1::TaskResult>& result) {
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->state(), v1::TASK_STATE_EXPIRED);
  EXPECT_EQ(result->attempts(), 1u);
  EXPECT_GE(result->total_latency_ns(), 200'000'000);
  EXPECT_LT(result->total_latency_ns(), 10'000'000'000);
}

TEST_P(EveryKindTest, ATimeoutWhileRunningIsSeenBySpin) {
  Start();
  v1::TaskSpec spec = Spec("spin", "60s");
  // Long enough to begin on a busy machine.
  spec.set_timeout_ns(200'000'000);
  ExpectExpiredWhileRunning(Run(spec));
}

TEST_F(TaskDaemonTest, ATimeoutWhileRunningIsSeenBySleep) {
  Start();
  v1::TaskSpec spec = Spec("sleep", "60s");
  spec.set_timeout_ns(200'000'000);
  ExpectExpiredWhileRunning(Run(spec));
}

TEST_F(TaskDaemonTest, AWaitWithoutALimitOutlastsTheTimeoutOfCalls) {
  Start();
  const auto impatient = daemon_->Connect(/*timeout_ns=*/100'000'000);
  const uint64_t id = MustSubmit(Spec("sleep", "400ms"));
  const auto result = impatient->Wait(id);
  ASSERT_TRUE(result.ok()) << result.status();
  ExpectEnded(*result, v1::TASK_STATE_SUCCEEDED);
  // The longest that can be said overflows nothing; the daemon names what it allows.
  const auto refused = impatient->Wait(id, INT64_MAX).status();
  ExpectRefused(refused, absl::StatusCode::kInvalidArgument, "INVALID_FIELD", "wait_ns");
}

TEST_P(EveryKindTest, AnErrorMessageIsUtf8WhateverTheHandlerSays) {
  Start();
  const auto result = Run(Spec("fail", "error a\xff\xfez"));
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->error().message(), "a??z");
}

TEST_P(EveryKindTest, ALongRunTellsForHowLongItHadNoCpu) {
  Start();
  for (int i = 0; i < 64; ++i) {
    const auto usual = Run(Spec("spin", "1us"));
    ASSERT_TRUE(usual.ok()) << usual.status();
  }
  const uint64_t id = HoldTheCore();
  // No thread of the daemon has a CPU while it is stopped.
  daemon_->Signal(SIGSTOP);
  siginfo_t stopped{};
  ASSERT_EQ(waitid(P_PID, static_cast<id_t>(daemon_->pid()), &stopped, WSTOPPED), 0);
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  daemon_->Signal(SIGCONT);
  Cancel(id, v1::CANCEL_OUTCOME_REQUESTED_RUNNING);
  const v1::TaskResult result = MustWait(id);
  ExpectEnded(result, v1::TASK_STATE_CANCELLED);
  ASSERT_TRUE(result.has_off_core_ns()) << result.DebugString();
  EXPECT_GE(result.off_core_ns(), 49'000'000);
}

TEST_P(EveryKindTest, AHandlerThatHoldsItsCoreIsNamedAndCounted) {
  Start({"executor.stall_threshold_ms=20"});
  const uint64_t id = HoldTheCore();
  while (daemon_->Log().find("handler_holds_core handler=spin") == std::string::npos) {
  }
  EXPECT_NE(daemon_->Log().find("SpinHandler::Run"), std::string::npos) << "where it is";
  const auto stats = client_->GetStats();
  ASSERT_TRUE(stats.ok()) << stats.status();
  EXPECT_EQ(stats->cores(0).stalls(), 1u) << "once a hold, however long it lasts";
  Cancel(id, v1::CANCEL_OUTCOME_REQUESTED_RUNNING);
  MustWait(id);
}

TEST_F(TaskDaemonTest, WithoutASpareStackATaskStaysQueuedAndIsCounted) {
  Start({"executor.stacks=1"});
  const uint64_t first = MustSubmit(Spec("sleep", "60s"));
  AwaitState(first, v1::TASK_STATE_SUSPENDED);
  const uint64_t second = MustSubmit(Spec("sleep", "1ms"));
  // What never suspends goes ahead meanwhile.
  EXPECT_EQ(Run(Spec("echo", "x"))->output(), "x");
  EXPECT_EQ(client_->Get(second)->state(), v1::TASK_STATE_QUEUED);
  EXPECT_GE(client_->GetStats()->cores(0).stack_waits(), 1u);
  Cancel(first, v1::CANCEL_OUTCOME_REQUESTED_RUNNING);
  ExpectEnded(MustWait(second), v1::TASK_STATE_SUCCEEDED);
}

TEST_P(EveryKindTest, ResultsAreForgottenByCount) {
  Start({"results.max_count=2"});
  std::vector<uint64_t> ids;
  for (int i = 0; i < 3; ++i) {
    ids.push_back(MustSubmit(Spec("noop")));
    (void)client_->Wait(ids.back());
  }
  ExpectRefused(client_->Get(ids[0]).status(), absl::StatusCode::kNotFound, "TASK_NOT_FOUND");
  EXPECT_TRUE(client_->Get(ids[1]).ok());
  EXPECT_TRUE(client_->Get(ids[2]).ok());
}

TEST_P(EveryKindTest, ResultsAreForgottenByBytes) {
  Start({"results.max_bytes=1000"});
  const uint64_t first = MustSubmit(Spec("echo", std::string(600, 'a')));
  EXPECT_EQ(MustWait(first).output().size(), 600u);
  const uint64_t second = MustSubmit(Spec("echo", std::string(600, 'b')));
  EXPECT_EQ(MustWait(second).output().size(), 600u);
  ExpectRefused(client_->Get(first).status(), absl::StatusCode::kNotFound, "TASK_NOT_FOUND");
  EXPECT_LE(client_->GetStats()->results_kept_bytes(), 1000u);
}

TEST_P(EveryKindTest, ResultsAreForgottenByAge) {
  Start({"results.max_age_s=1"});
  const uint64_t id = MustSubmit(Spec("noop"));
  const v1::TaskResult result = MustWait(id);
  while (client_->Get(id).ok()) std::this_thread::yield();
  EXPECT_GE(WallNs() - result.completed_at_ns(), 990'000'000);
}

TEST_P(EveryKindTest, HandlersAndHealthAreTold) {
  Start();
  const auto handlers = client_->ListHandlers();
  ASSERT_TRUE(handlers.ok()) << handlers.status();
  std::vector<std::string> names;
  for (const v1::HandlerInfo& handler : handlers->handlers()) names.push_back(handler.name());
  EXPECT_EQ(names, (std::vector<std::string>{"block", "crc32c", "echo", "fail", "file.hash",
                                             "file.read", "file.write", "http.get", "noop",
                                             "sha256", "sleep", "spin", "tcp.request"}));
  EXPECT_TRUE(*client_->IsServing());
}

}  // namespace
}  // namespace weft

#include <gtest/gtest.h>

#include <csignal>
#include <string>
#include <thread>
#include <vector>

#include "tests/daemon/daemon_test.h"

// Proves that an operator can steer a daemon that works: pauses hold and lose nothing, budgets
// change while tasks run, watches come and go, and the cores are told as they are.
namespace weft {
namespace {

constexpr int64_t kShortIntervalNs = 100'000'000;

class AdminDaemonTest : public DaemonTest {
 protected:
  void Pause(const std::string& handler) {
    const auto answer = client_->PauseHandler(handler);
    ASSERT_TRUE(answer.ok()) << answer.status();
    EXPECT_TRUE(answer->changed());
  }
  void Resume(const std::string& handler) {
    const auto answer = client_->ResumeHandler(handler);
    ASSERT_TRUE(answer.ok()) << answer.status();
    EXPECT_TRUE(answer->changed());
  }
  v1::CoreStats Core() { return client_->GetStats()->cores(0); }
  void AwaitHeld(uint32_t count) {
    while (Core().held() != count) std::this_thread::yield();
  }
  // So many tasks of the handler, queued behind one that holds the core, and paused there.
  std::vector<uint64_t> Held(const v1::TaskSpec& spec, int count) {
    const uint64_t holder = HoldTheCore();
    std::vector<uint64_t> ids;
    for (int i = 0; i < count; ++i) ids.push_back(MustSubmit(spec));
    Pause(spec.handler());
    Cancel(holder, v1::CANCEL_OUTCOME_REQUESTED_RUNNING);
    AwaitHeld(static_cast<uint32_t>(count));
    return ids;
  }
};

TEST_F(AdminDaemonTest, APauseHoldsAndAResumeReleasesWithNothingLost) {
  Start();
  const std::vector<uint64_t> ids = Held(Spec("echo", "x"), 50);
  EXPECT_EQ(Core().queued_normal(), 50u);
  ExpectRefused(Run(Spec("echo")).status(), absl::StatusCode::kUnavailable, "HANDLER_PAUSED", "",
                "\"echo\" is paused");
  EXPECT_TRUE(Run(Spec("noop")).ok()) << "another handler goes on";
  for (const uint64_t id : ids) {
    EXPECT_EQ(client_->Get(id)->state(), v1::TASK_STATE_QUEUED);
  }
  const HttpAnswer metrics = HttpGet(daemon_->web_address(), "/metrics");
  EXPECT_NE(metrics.body.find("weft_handler_paused{handler=\"echo\"} 1"), std::string::npos);
  EXPECT_NE(metrics.body.find("weft_handler_paused{handler=\"noop\"} 0"), std::string::npos);
  EXPECT_NE(metrics.body.find("weft_core_held_tasks"), std::string::npos);
  Resume("echo");
  for (const uint64_t id : ids) {
    const v1::TaskResult result = MustWait(id);
    ExpectEnded(result, v1::TASK_STATE_SUCCEEDED);
    EXPECT_EQ(result.output(), "x");
  }
  EXPECT_EQ(Run(Spec("echo", "y"))->output(), "y");
  EXPECT_EQ(Core().held(), 0u);
}

TEST_F(AdminDaemonTest, CancelAndTimeoutEndWhatIsHeld) {
  Start();
  v1::TaskSpec spec = Spec("echo");
  const uint64_t cancelled = Held(spec, 1).front();
  Cancel(cancelled, v1::CANCEL_OUTCOME_CANCELLED_QUEUED);
  ExpectEnded(MustWait(cancelled), v1::TASK_STATE_CANCELLED);
  Resume("echo");
  spec.set_timeout_ns(500'000'000);
  const uint64_t holder = HoldTheCore();
  const uint64_t expired = MustSubmit(spec);
  Pause("echo");
  Cancel(holder, v1::CANCEL_OUTCOME_REQUESTED_RUNNING);
  const v1::TaskResult result = MustWait(expired);
  ExpectEnded(result, v1::TASK_STATE_EXPIRED);
  EXPECT_EQ(result.attempts(), 0u);
  AwaitHeld(0);
}

TEST_F(AdminDaemonTest, ADrainWaitsForHeldTasksUntilItsLimit) {
  Start({"daemon.drain_limit_s=1"});
  const uint64_t id = Held(Spec("echo"), 1).front();
  const auto waiter = daemon_->Connect();
  absl::StatusOr<v1::TaskResult> result = absl::UnknownError("not asked");
  std::thread waiting([&] { result = waiter->Wait(id); });
  while (client_->GetStats()->waiters() == 0) std::this_thread::yield();
  daemon_->Signal(SIGTERM);
  waiting.join();
  ASSERT_TRUE(result.ok()) << result.status();
  ExpectEnded(*result, v1::TASK_STATE_CANCELLED);
  EXPECT_EQ(result->error().code(), v1::TASK_ERROR_CODE_SHUTTING_DOWN);
  EXPECT_EQ(daemon_->WaitForEnd().exit_code, 0) << daemon_->Log();
}

TEST_F(AdminDaemonTest, APauseOfAnUnknownHandlerNamesTheNearest) {
  Start();
  const auto refused = client_->PauseHandler("ehco").status();
  ExpectRefused(refused, absl::StatusCode::kNotFound, "HANDLER_NOT_FOUND", "handler",
                "did you mean \"echo\"?");
  ExpectRefused(client_->ResumeHandler("").status(), absl::StatusCode::kNotFound,
                "HANDLER_NOT_FOUND", "handler");
}

TEST_F(AdminDaemonTest, ABudgetChangesWhileTasksRun) {
  Start({"executor.budget_polls=8"});
  const uint64_t holder = HoldTheCore();
  std::vector<uint64_t> ids;
  for (int i = 0; i < 500; ++i) ids.push_back(MustSubmit(Spec("noop")));
  EXPECT_EQ(client_->ListCores()->cores(0).budget().polls(), 8u);
  v1::SetBudgetRequest request;
  request.mutable_budget()->set_microseconds(5);
  const auto set = client_->SetBudget(request);
  ASSERT_TRUE(set.ok()) << set.status();
  EXPECT_EQ(set->cores(0), Core().core());
  Cancel(holder, v1::CANCEL_OUTCOME_REQUESTED_RUNNING);
  request.mutable_budget()->set_polls(1);
  EXPECT_TRUE(client_->SetBudget(request).ok());
  for (const uint64_t id : ids) ExpectEnded(MustWait(id), v1::TASK_STATE_SUCCEEDED);
  EXPECT_EQ(client_->ListCores()->cores(0).budget().polls(), 1u);
  request.set_core(4'095);
  ExpectRefused(client_->SetBudget(request).status(), absl::StatusCode::kInvalidArgument,
                "INVALID_FIELD", "core", "executor.cores");
}

TEST_F(AdminDaemonTest, AWatchTellsTwiceAndMayBreakOff) {
  Start({"limits.max_watchers=1"});
  auto watch = client_->WatchStats(kShortIntervalNs);
  const auto first = watch->Next();
  ASSERT_TRUE(first.ok()) << first.status();
  EXPECT_EQ(first->interval_ns(), 0);
  ASSERT_TRUE(Run(Spec("sha256", "hello")).ok());
  const auto second = watch->Next();
  ASSERT_TRUE(second.ok()) << second.status();
  EXPECT_GE(second->interval_ns(), kShortIntervalNs);
  EXPECT_EQ(second->all().tasks_executed(), 1u);
  EXPECT_GT(second->all().execution_p99_ns(), 0u);
  ExpectRefused(client_->WatchStats().get()->Next().status(), absl::StatusCode::kResourceExhausted,
                "CALLS_FULL", "", "limits.max_watchers");
  watch.reset();
  // Its place is free as soon as the daemon has heard of it.
  do {
    watch = client_->WatchStats(kShortIntervalNs);
  } while (!watch->Next().ok());
  EXPECT_TRUE(watch->Next().ok());
}

TEST_F(AdminDaemonTest, AWatchEndsWithTheDaemon) {
  Start();
  const auto watch = client_->WatchStats(60'000'000'000);
  ASSERT_TRUE(watch->Next().ok());
  daemon_->Signal(SIGTERM);
  EXPECT_EQ(watch->Next().status().code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(daemon_->WaitForEnd().exit_code, 0) << daemon_->Log();
}

TEST_F(AdminDaemonTest, CoresAreListedAsTheyAre) {
  Start({"executor.idle=sleep"});
  const uint64_t holder = HoldTheCore();
  const auto cores = client_->ListCores();
  ASSERT_TRUE(cores.ok()) << cores.status();
  ASSERT_EQ(cores->cores_size(), 1);
  const v1::CoreInfo& core = cores->cores(0);
  EXPECT_EQ(core.stats().core(), Core().core());
  EXPECT_EQ(core.stats().started(), 1u);
  EXPECT_EQ(core.running_handler(), "spin");
  EXPECT_GE(core.running_for_ns(), 0);
  EXPECT_EQ(core.idle(), "sleep");
  EXPECT_EQ(core.spin_budget_ns(), 0);
  EXPECT_EQ(core.budget().polls(), 64u);
  Cancel(holder, v1::CANCEL_OUTCOME_REQUESTED_RUNNING);
  MustWait(holder);
  while (!client_->ListCores()->cores(0).running_handler().empty()) std::this_thread::yield();
}

TEST_F(AdminDaemonTest, ACoreIsParkedWhileLoadIsLowAndTakenInWhenItRises) {
  const std::vector<int> cpus = AllowedCpus();
  if (cpus.size() < 2) GTEST_SKIP() << "needs two CPUs";
  const std::string first = std::to_string(cpus[0]);
  const std::string last = std::to_string(cpus[1]);
  Start({"executor.worker_threads=0", "executor.cores=[" + first + "," + last + "]",
         "executor.active_min=1"});
  ASSERT_TRUE(daemon_->WaitForLog("core_parked cpu=" + last + " cause=load active=1"));
  auto stats = client_->GetStats();
  EXPECT_EQ(stats->active_cores(), 1u);
  EXPECT_EQ(stats->active_workers(), 2u);
  EXPECT_EQ(stats->cores(0).state(), v1::CORE_STATE_ACTIVE);
  EXPECT_EQ(stats->cores(1).state(), v1::CORE_STATE_PARKED);
  v1::TaskSpec named = Spec("noop");
  named.set_core(static_cast<uint32_t>(cpus[1]));
  EXPECT_EQ(Run(named)->core(), named.core());
  for (int i = 0; i < 4; ++i) EXPECT_EQ(std::to_string(Run(Spec("noop"))->core()), first);
  const uint64_t holder = HoldTheCore();
  ASSERT_TRUE(daemon_->WaitForLog("core_unparked cpu=" + last + " cause=load active=2"));
  EXPECT_EQ(Run(Spec("noop"))->core(), named.core()) << "the other is held";
  EXPECT_EQ(client_->ListCores()->cores(1).stats().state(), v1::CORE_STATE_ACTIVE);
  const HttpAnswer metrics = HttpGet(daemon_->web_address(), "/metrics");
  EXPECT_NE(metrics.body.find("weft_dispatch_active_cores 2"), std::string::npos);
  EXPECT_NE(metrics.body.find("weft_dispatch_core_parks_total 1"), std::string::npos);
  EXPECT_NE(metrics.body.find("weft_dispatch_core_unparks_total 1"), std::string::npos);
  Cancel(holder, v1::CANCEL_OUTCOME_REQUESTED_RUNNING);
  MustWait(holder);
}

}  // namespace
}  // namespace weft

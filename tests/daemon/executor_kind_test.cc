#include <gtest/gtest.h>

#include <fstream>
#include <string>
#include <utility>
#include <vector>

#include "tests/daemon/daemon_test.h"

// Proves what differs from kind to kind of executor.kind: who is told, what is refused and what is
// not supported; and that the ways in beside RunTask lead to each. What does not differ,
// task_test.cc proves of every kind.
namespace weft {
namespace {

class ExecutorKindTest : public DaemonTest, public testing::WithParamInterface<const char*> {
 protected:
  void StartKind(std::vector<std::string> settings = {}) {
    settings.push_back(std::string("executor.kind=") + GetParam());
    Start(std::move(settings));
  }
};
INSTANTIATE_TEST_SUITE_P(Kinds, ExecutorKindTest, testing::Values("core", "fallback", "asio"),
                         [](const auto& kind) { return std::string(kind.param); });

using FallbackDaemonTest = DaemonTest;

TEST_P(ExecutorKindTest, IsToldByStatsCoresAndTheLog) {
  StartKind();
  const auto stats = client_->GetStats();
  ASSERT_TRUE(stats.ok()) << stats.status();
  EXPECT_EQ(stats->executor_kind(), GetParam());
  const auto cores = client_->ListCores();
  ASSERT_TRUE(cores.ok()) << cores.status();
  ASSERT_EQ(cores->cores_size(), 1);
  EXPECT_EQ(cores->cores(0).executor_kind(), GetParam());
  EXPECT_NE(daemon_->Log().find(std::string(" executor=") + GetParam()), std::string::npos)
      << daemon_->Log();
}

TEST_P(ExecutorKindTest, RunsEachHandlerThatNeedsNoSuspending) {
  StartKind();
  EXPECT_EQ(Run(Spec("noop"))->state(), v1::TASK_STATE_SUCCEEDED);
  EXPECT_EQ(Run(Spec("echo", "abc"))->output(), "abc");
  EXPECT_EQ(Run(Spec("sha256", "hello"))->output(),
            "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824");
  EXPECT_EQ(Run(Spec("crc32c", "123456789"))->output(), "e3069283");
  const auto spun = Run(Spec("spin", "100us"));
  ASSERT_TRUE(spun.ok()) << spun.status();
  ExpectEnded(*spun, v1::TASK_STATE_SUCCEEDED);
  EXPECT_GE(spun->execution_latency_ns(), 99'000);
  EXPECT_EQ(spun->suspended_ns(), 0);
  EXPECT_EQ(Run(Spec("fail", "error no paper"))->error().message(), "no paper");
  EXPECT_EQ(Run(Spec("fail", "exception far"))->error().code(),
            v1::TASK_ERROR_CODE_HANDLER_EXCEPTION);
  const auto stats = client_->GetStats();
  ASSERT_TRUE(stats.ok()) << stats.status();
  EXPECT_EQ(stats->lifetime().tasks_executed(), 7u);
  EXPECT_EQ(stats->lifetime().tasks_failed(), 2u);
}

TEST_P(ExecutorKindTest, WhatSuspendsIsNotSupportedByNameButOnACore) {
  const TempDir root;
  StartKind({"handlers.file_root=" + root.path().string(), "handlers.net_allow=[\"127.0.0.1\"]"});
  std::ofstream(root.path() / "some") << "bytes";
  const bool is_core = std::string(GetParam()) == "core";
  std::vector<std::pair<const char*, const char*>> cases = {{"sleep", "1ms"},
                                                            {"file.read", "some"},
                                                            {"file.hash", "some"},
                                                            {"file.write", "other\nbytes"}};
  if (!is_core) {
    // What these come to on a core, their own tests tell.
    cases.insert(cases.end(), {{"tcp.request", "127.0.0.1:1\nhello"},
                               {"http.get", "http://127.0.0.1:1/"},
                               {"fail", "deadline"}});
  }
  for (const auto& [handler, payload] : cases) {
    const auto result = Run(Spec(handler, payload));
    ASSERT_TRUE(result.ok()) << result.status();
    if (is_core) {
      ExpectEnded(*result, v1::TASK_STATE_SUCCEEDED);
      continue;
    }
    ExpectEnded(*result, v1::TASK_STATE_FAILED);
    EXPECT_EQ(result->error().code(), v1::TASK_ERROR_CODE_NOT_SUPPORTED) << handler;
    EXPECT_NE(result->error().message().find(std::string(" is not supported by the executor \"") +
                                             GetParam() + "\""),
              std::string::npos)
        << result->error().message();
  }
  EXPECT_EQ(Run(Spec("echo", "goes on"))->output(), "goes on");
}

// They have threads of their own, whatever the kind.
TEST_P(ExecutorKindTest, BlockingHandlersRunInThePool) {
  StartKind();
  const auto result = Run(Spec("block", "1ms"));
  ASSERT_TRUE(result.ok()) << result.status();
  ExpectEnded(*result, v1::TASK_STATE_SUCCEEDED);
  EXPECT_EQ(result->core(), 4294967295u);
}

TEST_P(ExecutorKindTest, APauseHoldsAndAResumeReleases) {
  StartKind();
  EXPECT_EQ(Run(Spec("echo", "x"))->output(), "x");
  const uint64_t holder = HoldTheCore();
  const uint64_t held = MustSubmit(Spec("echo", "held"));
  ASSERT_TRUE(client_->PauseHandler("echo").ok());
  Cancel(holder, v1::CANCEL_OUTCOME_REQUESTED_RUNNING);
  while (client_->GetStats()->cores(0).held() != 1) {
  }
  EXPECT_EQ(client_->Get(held)->state(), v1::TASK_STATE_QUEUED);
  ASSERT_TRUE(client_->ResumeHandler("echo").ok());
  EXPECT_EQ(MustWait(held).output(), "held");
}

TEST_P(ExecutorKindTest, ADrainEndsWhatRunsAtItsLimit) {
  StartKind({"daemon.drain_limit_s=0"});
  HoldTheCore();
  (void)MustSubmit(Spec("noop"));
  client_.reset();
  const ProcessEnd end = daemon_->Terminate();
  EXPECT_EQ(end.exit_code, 0) << daemon_->Log();
  EXPECT_EQ(daemon_->LastCounts()["cancelled"], 2u);
}

TEST_P(ExecutorKindTest, ABatchOfManyIsAnsweredRowByRow) {
  StartKind();
  const uint64_t holder = HoldTheCore();
  v1::SubmitTasksRequest batch;
  for (int i = 0; i < 40; ++i) *batch.add_specs() = Spec("echo", std::to_string(i));
  const auto answers = client_->SubmitTasks(batch);
  ASSERT_TRUE(answers.ok()) << answers.status();
  int accepted = 0;
  for (const v1::SubmitTasksRow& row : answers->rows()) accepted += row.has_accepted();
  // The holder is one of the fallback's 32.
  EXPECT_EQ(accepted, std::string(GetParam()) == "fallback" ? 31 : 40);
  Cancel(holder, v1::CANCEL_OUTCOME_REQUESTED_RUNNING);
}

TEST_F(FallbackDaemonTest, The33rdTaskIsRefusedByTheNameOfItsBoundAndTakenWhenThereIsRoom) {
  Start({"executor.kind=fallback"});
  const uint64_t holder = HoldTheCore();
  std::vector<uint64_t> ids;
  for (int i = 1; i < 32; ++i) ids.push_back(MustSubmit(Spec("echo", std::to_string(i))));
  const absl::Status refused = client_->Submit(Spec("noop")).status();
  ExpectRefused(refused, absl::StatusCode::kResourceExhausted, "SLOTS_FULL", "",
                "holds 32 tasks that are not yet answered, and takes no more at once "
                "(executor.kind = \"fallback\")");
  v1::TaskSpec urgent = Spec("noop");
  urgent.set_priority(v1::PRIORITY_HIGH);
  EXPECT_EQ(Run(urgent).status().code(), absl::StatusCode::kResourceExhausted)
      << "whatever its level";
  EXPECT_EQ(client_->GetStats()->tasks().in_flight(), 32u);
  Cancel(holder, v1::CANCEL_OUTCOME_REQUESTED_RUNNING);
  for (size_t i = 0; i < ids.size(); ++i)
    EXPECT_EQ(MustWait(ids[i]).output(), std::to_string(i + 1));
  EXPECT_TRUE(Run(Spec("noop")).ok());
}

}  // namespace
}  // namespace weft

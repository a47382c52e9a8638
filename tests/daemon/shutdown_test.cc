#include <gtest/gtest.h>

#include <atomic>
#include <csignal>
#include <thread>
#include <vector>

#include "tests/daemon/daemon_test.h"

// Proves how the daemon ends: everything accepted is answered, what comes later is refused in so
// many words, and the exit code and the last line of the log tell the truth.
namespace weft {
namespace {

using ShutdownTest = DaemonTest;

TEST_F(ShutdownTest, AnIdleDaemonEndsAtOnceWithItsCounts) {
  Start();
  EXPECT_EQ(Run(Spec("noop"))->state(), v1::TASK_STATE_SUCCEEDED);
  EXPECT_EQ(Run(Spec("fail"))->state(), v1::TASK_STATE_FAILED);
  EXPECT_EQ(Run(Spec("no-such-handler")).status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(daemon_->Terminate().exit_code, 0);
  auto counts = daemon_->LastCounts();
  EXPECT_NE(daemon_->LogLines().back().find(" drained "), std::string::npos) << daemon_->Log();
  EXPECT_EQ(counts["accepted"], 2u);
  EXPECT_EQ(counts["succeeded"], 1u);
  EXPECT_EQ(counts["failed"], 1u);
  EXPECT_EQ(counts["refused"], 1u);
  EXPECT_EQ(counts["in_flight"], 0u);
}

TEST_F(ShutdownTest, HeldWorkIsFinishedAndNewWorkRefused) {
  Start();
  const uint64_t id = MustSubmit(Spec("sleep", "60s"));
  AwaitState(id, v1::TASK_STATE_SUSPENDED);
  v1::TaskResult result;
  std::thread waiter([&] { result = MustWait(id); });
  while (client_->GetStats()->waiters() < 1) std::this_thread::yield();
  daemon_->Signal(SIGTERM);
  ASSERT_TRUE(daemon_->WaitForLog(" draining "));
  while (*client_->IsServing()) std::this_thread::yield();
  EXPECT_EQ(HttpGet(daemon_->web_address(), "/readyz").status, 503);
  EXPECT_EQ(HttpGet(daemon_->web_address(), "/healthz").status, 200);
  ExpectRefused(Run(Spec("noop")).status(), absl::StatusCode::kUnavailable, "DRAINING");
  ExpectRefused(client_->Submit(Spec("noop")).status(), absl::StatusCode::kUnavailable, "DRAINING");
  EXPECT_TRUE(client_->GetStats()->draining());
  EXPECT_EQ(client_->Get(id)->state(), v1::TASK_STATE_SUSPENDED);
  ASSERT_TRUE(client_->Cancel(id).ok());
  waiter.join();
  ExpectEnded(result, v1::TASK_STATE_CANCELLED);
  EXPECT_EQ(daemon_->WaitForEnd().exit_code, 0);
  EXPECT_EQ(daemon_->LastCounts()["cancelled"], 1u);
}

TEST_F(ShutdownTest, WhatOutlastsTheLimitIsCancelledAndAnswered) {
  Start({"daemon.drain_limit_s=0"});
  v1::TaskResult result;
  std::thread runner([&] {
    const auto ran = Run(Spec("sleep", "60s"));
    EXPECT_TRUE(ran.ok()) << ran.status();
    if (ran.ok()) result = *ran;
  });
  while (client_->GetStats()->tasks().in_flight() < 1) std::this_thread::yield();
  daemon_->Signal(SIGTERM);
  runner.join();
  ExpectEnded(result, v1::TASK_STATE_CANCELLED);
  EXPECT_EQ(result.error().code(), v1::TASK_ERROR_CODE_SHUTTING_DOWN);
  EXPECT_EQ(daemon_->WaitForEnd().exit_code, 0);
  EXPECT_EQ(daemon_->LastCounts()["cancelled"], 1u);
}

TEST_F(ShutdownTest, ASecondSignalExitsAtOnce) {
  Start();
  (void)HoldTheCore();
  daemon_->Signal(SIGTERM);
  ASSERT_TRUE(daemon_->WaitForLog(" draining "));
  EXPECT_TRUE(daemon_->IsRunning());
  daemon_->Signal(SIGINT);
  EXPECT_EQ(daemon_->WaitForEnd().exit_code, 1);
  EXPECT_NE(daemon_->Log().find("exit_at_once"), std::string::npos);
}

TEST_F(ShutdownTest, AHangUpWithoutAFileIsLoggedAndNotFatal) {
  Start();
  daemon_->Signal(SIGHUP);
  ASSERT_TRUE(daemon_->WaitForLog("config_not_reloaded cause=SIGHUP"));
  EXPECT_EQ(Run(Spec("noop"))->state(), v1::TASK_STATE_SUCCEEDED);
}

TEST_F(ShutdownTest, DrainServerEndsTheDaemonAsSigtermDoes) {
  Start();
  const uint64_t id = MustSubmit(Spec("sleep", "60s"));
  const auto drained = client_->Drain();
  ASSERT_TRUE(drained.ok()) << drained.status();
  EXPECT_EQ(drained->in_flight(), 1u);
  ExpectRefused(Run(Spec("noop")).status(), absl::StatusCode::kUnavailable, "DRAINING");
  ASSERT_TRUE(client_->Cancel(id).ok());
  EXPECT_EQ(daemon_->WaitForEnd().exit_code, 0);
}

TEST_F(ShutdownTest, ACallerThatStillHasToAskForItsResultGetsIt) {
  Start();
  const uint64_t id = MustSubmit(Spec("sleep", "1ms"));
  MustWait(id);
  daemon_->Signal(SIGTERM);
  ASSERT_TRUE(daemon_->WaitForLog(" draining "));
  // Nothing is held any more, but somebody has only just learnt that the daemon goes.
  const auto result = client_->Get(id);
  ASSERT_TRUE(result.ok()) << result.status();
  ExpectEnded(*result, v1::TASK_STATE_SUCCEEDED);
  EXPECT_EQ(daemon_->WaitForEnd().exit_code, 0);
}

TEST_F(ShutdownTest, UnderLoadEveryAcceptedTaskIsAnsweredAndTheCountsAgree) {
  Start();
  std::atomic<uint64_t> ended{0}, refused{0};
  std::vector<std::thread> callers;
  for (int i = 0; i < 4; ++i) {
    callers.emplace_back([&] {
      const auto client = daemon_->Connect();
      for (;;) {
        const auto result = client->Run(RunRequest(Spec("spin", "100us")));
        if (result.ok()) {
          EXPECT_EQ(result->state(), v1::TASK_STATE_SUCCEEDED);
          ++ended;
          continue;
        }
        EXPECT_EQ(result.status().code(), absl::StatusCode::kUnavailable) << result.status();
        refused += ErrorReason(result.status()) == "DRAINING" ? 1 : 0;
        return;
      }
    });
  }
  while (ended < 200) std::this_thread::yield();
  daemon_->Signal(SIGTERM);
  for (std::thread& caller : callers) caller.join();
  EXPECT_EQ(daemon_->WaitForEnd().exit_code, 0);
  auto counts = daemon_->LastCounts();
  EXPECT_EQ(counts["accepted"], ended);
  EXPECT_EQ(counts["succeeded"], ended);
  EXPECT_EQ(counts["refused"], refused);
}

}  // namespace
}  // namespace weft

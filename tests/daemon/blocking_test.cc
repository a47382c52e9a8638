// The blocking pool of a real daemon: what runs there, what it refuses, how it is stopped, and how
// a handler that holds its core comes to it.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/daemon/daemon_test.h"

namespace weft {
namespace {

using BlockingDaemonTest = DaemonTest;

constexpr uint32_t kPool = 4294967295;

TEST_F(BlockingDaemonTest, BlockedTasksHoldUpNoCore) {
  Start({"blocking.threads_max=2"});
  const uint64_t first = MustSubmit(Spec("block", "60s"));
  const uint64_t second = MustSubmit(Spec("block", "60s"));
  AwaitState(first, v1::TASK_STATE_RUNNING);
  AwaitState(second, v1::TASK_STATE_RUNNING);
  EXPECT_EQ(Run(Spec("echo", "x"))->output(), "x");
  const uint64_t third = MustSubmit(Spec("block", "1ms"));
  EXPECT_EQ(client_->Get(third)->state(), v1::TASK_STATE_QUEUED);
  const auto stats = client_->GetStats();
  ASSERT_TRUE(stats.ok()) << stats.status();
  EXPECT_EQ(stats->blocking().threads_max(), 2u);
  EXPECT_EQ(stats->blocking().threads(), 2u);
  EXPECT_EQ(stats->blocking().stats().queued_normal(), 1u);
  Cancel(first, v1::CANCEL_OUTCOME_REQUESTED_RUNNING);
  ExpectEnded(MustWait(first), v1::TASK_STATE_CANCELLED);
  const v1::TaskResult result = MustWait(third);
  ExpectEnded(result, v1::TASK_STATE_SUCCEEDED);
  EXPECT_EQ(result.core(), kPool);
  EXPECT_EQ(result.suspended_ns(), 0);
  EXPECT_GE(result.execution_latency_ns(), 1'000'000);
  Cancel(second, v1::CANCEL_OUTCOME_REQUESTED_RUNNING);
}

TEST_F(BlockingDaemonTest, AFullPoolRefusesByTheNameOfItsBound) {
  Start({"blocking.threads_max=1", "blocking.max_queue_depth=1"});
  const uint64_t running = MustSubmit(Spec("block", "60s"));
  AwaitState(running, v1::TASK_STATE_RUNNING);
  const uint64_t queued = MustSubmit(Spec("block", "60s"));
  ExpectRefused(client_->Submit(Spec("block", "1ms")).status(),
                absl::StatusCode::kResourceExhausted, "QUEUE_FULL", "",
                "of the blocking pool is full: 1 of 1 (blocking.max_queue_depth)");
  Cancel(queued, v1::CANCEL_OUTCOME_CANCELLED_QUEUED);
  Cancel(running, v1::CANCEL_OUTCOME_REQUESTED_RUNNING);
}

TEST_F(BlockingDaemonTest, ATimeoutEndsASleepingThreadsTask) {
  Start();
  v1::TaskSpec spec = Spec("block", "60s");
  spec.set_timeout_ns(20'000'000);
  const auto result = Run(spec);
  ASSERT_TRUE(result.ok()) << result.status();
  ExpectEnded(*result, v1::TASK_STATE_EXPIRED);
}

TEST_F(BlockingDaemonTest, ADrainStopsWhatItsThreadsRunAtTheLimit) {
  Start({"daemon.drain_limit_s=0"});
  AwaitState(MustSubmit(Spec("block", "60s")), v1::TASK_STATE_RUNNING);
  client_.reset();
  const ProcessEnd end = daemon_->Terminate();
  EXPECT_EQ(end.exit_code, 0) << daemon_->Log();
  EXPECT_EQ(daemon_->LastCounts()["cancelled"], 1u);
}

TEST_F(BlockingDaemonTest, AStuckThreadIsNamed) {
  Start({"blocking.stall_threshold_s=1", "executor.stall_threshold_ms=20"});
  const uint64_t id = MustSubmit(Spec("block", "60s"));
  while (daemon_->Log().find("handler_holds_thread handler=block thread=weft-block-0") ==
         std::string::npos) {
  }
  EXPECT_NE(daemon_->Log().find("BlockHandler::Run"), std::string::npos) << daemon_->Log();
  Cancel(id, v1::CANCEL_OUTCOME_REQUESTED_RUNNING);
}

TEST_F(BlockingDaemonTest, AHandlerThatHoldsItsCoreIsMovedToThePoolUntilItIsResumed) {
  Start({"executor.stall_threshold_ms=4", "executor.stall_policy=demote"});
  const auto is_demoted = [this] {
    const auto handlers = client_->ListHandlers();
    for (const v1::HandlerInfo& handler : handlers->handlers()) {
      if (handler.name() == "spin") return handler.demoted();
    }
    return false;
  };
  while (!is_demoted()) ASSERT_TRUE(Run(Spec("spin", "30ms")).ok());
  EXPECT_EQ(Run(Spec("spin", "1ms"))->core(), kPool);
  EXPECT_NE(Run(Spec("noop"))->core(), kPool);
  ASSERT_TRUE(client_->ResumeHandler("spin").ok());
  EXPECT_FALSE(is_demoted());
  EXPECT_NE(Run(Spec("spin", "1us"))->core(), kPool);
  EXPECT_NE(daemon_->Log().find("handler_demoted handler=spin"), std::string::npos);
}

}  // namespace
}  // namespace weft

// The blocking pool of a real daemon: what runs there, what it refuses, how it is stopped, and how
// a handler that holds its core comes to it.
#include <gtest/gtest.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
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

// Of the daemon's threads, by its name; 0: there is none.
pid_t ThreadNamed(pid_t pid, std::string_view name) {
  const std::filesystem::path tasks = "/proc/" + std::to_string(pid) + "/task";
  for (const auto& task : std::filesystem::directory_iterator(tasks)) {
    std::string found;
    std::getline(std::ifstream(task.path() / "comm"), found);
    if (found == name) return std::stoi(task.path().filename());
  }
  return 0;
}

// Stops one thread as a debugger does, as if it took no notice of a cancel, until its process is
// killed; false where nobody may.
bool Freeze(pid_t thread) {
  return ::ptrace(PTRACE_SEIZE, thread, nullptr, nullptr) == 0 &&
         ::ptrace(PTRACE_INTERRUPT, thread, nullptr, nullptr) == 0 &&
         ::waitpid(thread, nullptr, __WALL) == thread;
}

TEST_F(BlockingDaemonTest, ADrainLeavesAndNamesWhatDoesNotStop) {
  Start({"daemon.drain_limit_s=0"});
  (void)MustSubmit(Spec("block", "60s"));
  while (client_->GetStats()->blocking().busy_size() == 0) {
  }
  const pid_t thread = ThreadNamed(daemon_->pid(), "weft-block-0");
  ASSERT_NE(thread, 0);
  // A container without CAP_SYS_PTRACE, or Yama, may refuse it; nothing else stops one thread
  // alone.
  if (!Freeze(thread)) GTEST_SKIP() << "no thread may be traced here";
  client_.reset();
  daemon_->Signal(SIGTERM);
  ASSERT_TRUE(daemon_->WaitForLog(" gave_up ")) << "after the limit and a grace";
  ::waitpid(thread, nullptr, __WALL);
  EXPECT_EQ(daemon_->WaitForEnd().exit_code, 1);
  EXPECT_NE(daemon_->Log().find("error left_running handler=block thread=weft-block-0"),
            std::string::npos)
      << daemon_->Log();
  EXPECT_EQ(daemon_->LastCounts()["in_flight"], 1u);
}

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)  // They map what they like.
// All that the process has mapped.
uint64_t MappedBytes(pid_t pid) {
  std::ifstream sizes("/proc/" + std::to_string(pid) + "/statm");
  uint64_t pages = 0;
  sizes >> pages;
  return pages * static_cast<uint64_t>(::sysconf(_SC_PAGESIZE));
}

// The daemon may map so much more from now on.
void LimitMemory(pid_t pid, rlim_t more_bytes) {
  rlimit limit{};
  ASSERT_EQ(::prlimit(pid, RLIMIT_AS, nullptr, &limit), 0);
  limit.rlim_cur = more_bytes == RLIM_INFINITY ? limit.rlim_max : MappedBytes(pid) + more_bytes;
  ASSERT_EQ(::prlimit(pid, RLIMIT_AS, &limit, nullptr), 0);
}

TEST_F(BlockingDaemonTest, ATaskFailsAndSaysWhatToRaiseWhenNoThreadIsGranted) {
  Start();
  // Enough for all but the stack of a thread.
  LimitMemory(daemon_->pid(), 1024 * 1024);
  const auto failed = Run(Spec("block", "1ms"));
  LimitMemory(daemon_->pid(), RLIM_INFINITY);
  ASSERT_TRUE(failed.ok()) << failed.status();
  ExpectEnded(*failed, v1::TASK_STATE_FAILED);
  EXPECT_EQ(failed->error().code(), v1::TASK_ERROR_CODE_NO_THREAD);
  EXPECT_EQ(failed->attempts(), 0u);
  EXPECT_EQ(failed->started_at_ns(), 0);
  EXPECT_NE(failed->error().message().find("TasksMax="), std::string::npos)
      << failed->error().message();
  EXPECT_EQ(client_->GetStats()->blocking().threads_refused(), 1u);
  EXPECT_EQ(client_->GetStats()->blocking().threads(), 0u);
  EXPECT_TRUE(daemon_->WaitForMetric("weft_core_blocking_threads_started_total 0\n"));
  const auto ran = Run(Spec("block", "1ms"));
  ASSERT_TRUE(ran.ok()) << ran.status();
  ExpectEnded(*ran, v1::TASK_STATE_SUCCEEDED);
}
#endif

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

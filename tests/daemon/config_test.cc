#include <gtest/gtest.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

#include "tests/daemon/daemon_test.h"

// Proves what an operator does with the configuration of a real daemon: has it checked and printed,
// sets it by the environment, and has it read again by SIGHUP and by ReloadConfig, right and wrong.
namespace weft {
namespace {

constexpr int kExitUnavailable = 69;
constexpr int kExitConfig = 78;

class ConfigTest : public DaemonTest {
 protected:
  std::string file() const { return (folder_.path() / "weftd.toml").string(); }
  void Write(const std::string& toml) { std::ofstream(file()) << toml; }

  void StartWithFile(const std::string& toml, std::vector<std::string> environment = {}) {
    Write(toml);
    daemon_ = std::make_unique<DaemonProcess>(
        DaemonProcess::Options{.settings = {"executor.worker_threads=1"},
                               .arguments = {"--config", file()},
                               .environment = std::move(environment)});
    if (!daemon_->WaitReady()) throw std::runtime_error("no daemon to test");
    client_ = daemon_->Connect();
  }

  // The whole output of a weftd that ends by itself.
  std::string OutputOf(std::vector<std::string> arguments, int exit_code) {
    DaemonProcess other({.arguments = std::move(arguments)});
    const ProcessEnd end = other.WaitForEnd();
    EXPECT_EQ(end.exit_code, exit_code) << "signal " << end.signal;
    return other.Log();
  }
  static void ExpectHolds(const std::string& text, const std::string& part) {
    EXPECT_NE(text.find(part), std::string::npos) << "no \"" << part << "\" in: " << text;
  }
  std::string Metrics() const { return HttpGet(daemon_->web_address(), "/metrics").body; }

  TempDir folder_;
};

TEST_F(ConfigTest, ChecksFiveDifferentMistakesInFiveLines) {
  Write(
      "[executor]\nspin_us = \"50\"\nidle = fast\n\n[limits]\nmax_waiter = 7\n"
      "max_wait_s = 90000\nmax_streams = 2\nmax_streams = 3\n");
  const std::string output = OutputOf({"--config", file(), "--check-config"}, kExitConfig);
  EXPECT_EQ(
      output,
      file() +
          ":2:11: executor.spin_us: \"50\" is not right, expected a whole number from 0 to "
          "10000 (microseconds)\n" +
          file() +
          ":3:8: executor.idle: fast is not right, expected quotes around a string: idle = "
          "\"fast\"\n" +
          file() + ":6:1: limits.max_waiter: unknown key, did you mean limits.max_waiters?\n" +
          file() +
          ":7:14: limits.max_wait_s: 90000 is not right, expected a whole number from 1 to "
          "86400 (seconds)\n" +
          file() + ":9:1: limits.max_streams: stands twice, first in line 8, expected once\n");
}

TEST_F(ConfigTest, ChecksAndPrintsWithoutStarting) {
  Write("executor.spin_us = 7\n");
  EXPECT_EQ(OutputOf({"--config", file(), "--check-config"}, 0), "ok\n");
  const std::string printed = OutputOf({"--config", file(), "--print-config"}, 0);
  ExpectHolds(printed, "spin_us = 7");
  ExpectHolds(printed, "# " + file() + ":1:20\n");
  ExpectHolds(printed, "# --set\n");
  Write(printed);
  EXPECT_EQ(OutputOf({"--config", file(), "--check-config"}, 0), "ok\n");
  Write(OutputOf({"--print-default-config"}, 0));
  EXPECT_EQ(OutputOf({"--config", file(), "--check-config"}, 0), "ok\n");
}

TEST_F(ConfigTest, ChecksAlsoWhatThisMachineWouldRefuse) {
  Write("handlers.file_root = \"/nowhere/root\"\nexecutor.cores = [4095]\n");
  const std::string output = OutputOf({"--config", file(), "--check-config"}, 0);
  ExpectHolds(output, "warning: " + file() + ":1:22: handlers.file_root: \"/nowhere/root\"");
  ExpectHolds(output, "warning: " + file() + ":2:18: executor.cores names core 4095");
  ExpectHolds(output, " (this machine)\nok\n");
  StartWithFile("");
  Write("handlers.file_root = \"/nowhere/root\"\n");
  const auto reloaded = client_->ReloadConfig();
  ASSERT_TRUE(reloaded.ok());
  ASSERT_EQ(reloaded->warnings_size(), 1);
  ExpectHolds(reloaded->warnings(0), file() + ":1:22: handlers.file_root: \"/nowhere/root\"");
  ASSERT_TRUE(daemon_->WaitForLog("warn config_start_would_fail warning="));
}

TEST_F(ConfigTest, RefusesAFolderForAFile) {
  ExpectHolds(OutputOf({"--config", folder_.path().string(), "--check-config"}, kExitConfig),
              "is a folder, expected a TOML file");
}

TEST_F(ConfigTest, RefusesAPipeForAFileAtOnce) {
  ASSERT_EQ(mkfifo(file().c_str(), 0600), 0);
  ExpectHolds(OutputOf({"--config", file()}, kExitConfig), "is not a regular file");
}

TEST_F(ConfigTest, TakesTheEnvironmentOverTheFileAndUnderASetting) {
  StartWithFile("executor.target_latency_ns = 1\nexecutor.worker_threads = 0\n",
                {"WEFT_EXECUTOR_TARGET_LATENCY_NS=2", "WEFT_EXECUTOR_WORKER_THREADS=0"});
  const auto stats = client_->GetStats();
  ASSERT_TRUE(stats.ok());
  EXPECT_EQ(stats->target_latency_ns(), 2u);
  EXPECT_EQ(stats->active_workers(), 1u);
}

TEST_F(ConfigTest, NamesAVariableThatIsWrong) {
  DaemonProcess other({.environment = {"WEFT_EXECUTOR_SPINUS=1"}});
  EXPECT_EQ(other.WaitForEnd().exit_code, kExitConfig);
  EXPECT_EQ(other.Log(),
            "WEFT_EXECUTOR_SPINUS: unknown variable, did you mean WEFT_EXECUTOR_SPIN_US?\n");
}

TEST_F(ConfigTest, TakesOverLiveKeysAndNamesTheOthers) {
  StartWithFile("executor.target_latency_ns = 1000\n");
  const uint64_t id = MustSubmit(Spec("sleep", "50ms"));
  Write("executor.target_latency_ns = 2000\nexecutor.stacks = 100\n");
  const auto reloaded = client_->ReloadConfig();
  ASSERT_TRUE(reloaded.ok()) << reloaded.status();
  ASSERT_EQ(reloaded->applied_size(), 1);
  EXPECT_EQ(reloaded->applied(0).key(), "executor.target_latency_ns");
  EXPECT_EQ(reloaded->applied(0).old_value(), "1000");
  EXPECT_EQ(reloaded->applied(0).new_value(), "2000");
  ASSERT_EQ(reloaded->needs_restart_size(), 1);
  EXPECT_EQ(reloaded->needs_restart(0).key(), "executor.stacks");
  EXPECT_EQ(client_->GetStats()->target_latency_ns(), 2000u);
  EXPECT_EQ(MustWait(id).state(), v1::TASK_STATE_SUCCEEDED);
  ExpectHolds(Metrics(), "weft_config_reloads_total{result=\"ok\"} 1\n");
}

TEST_F(ConfigTest, KeepsABudgetSetAtRunTimeUntilTheFileHasAnother) {
  StartWithFile("executor.budget_polls = 64\n");
  const auto polls = [this] { return client_->ListCores()->cores(0).budget().polls(); };
  v1::SetBudgetRequest request;
  request.mutable_budget()->set_polls(16);
  ASSERT_TRUE(client_->SetBudget(request).ok());
  Write("executor.budget_polls = 64\nexecutor.target_latency_ns = 2000\n");
  ASSERT_TRUE(client_->ReloadConfig().ok());
  EXPECT_EQ(client_->GetStats()->target_latency_ns(), 2000u);
  EXPECT_EQ(polls(), 16u);
  Write("executor.budget_polls = 32\n");
  ASSERT_TRUE(client_->ReloadConfig().ok());
  EXPECT_EQ(polls(), 32u);
}

TEST_F(ConfigTest, ReadsItAgainWhenItHangsUp) {
  StartWithFile("log.level = \"info\"\n");
  Write("log.level = \"error\"\nlog.format = \"json\"\ndaemon.drain_limit_s = 3\n");
  daemon_->Signal(SIGHUP);
  ASSERT_TRUE(daemon_->WaitForMetric("weft_config_reloads_total{result=\"ok\"} 1\n"));
  Write("log.level = \"info\"\n");
  daemon_->Signal(SIGHUP);
  ASSERT_TRUE(daemon_->WaitForLog("info config_reloaded cause=SIGHUP applied=3"));
}

TEST_F(ConfigTest, KeepsTheOldStateWhenAnythingIsWrong) {
  StartWithFile("executor.target_latency_ns = 1000\n");
  Write("executor.target_latency_ns = 2000\nlog.level = \"loud\"\n");
  daemon_->Signal(SIGHUP);
  ASSERT_TRUE(daemon_->WaitForLog("config_mistake mistake="));
  ExpectHolds(daemon_->Log(), "error config_not_reloaded cause=SIGHUP mistakes=1");
  const auto reloaded = client_->ReloadConfig();
  EXPECT_EQ(reloaded.status().code(), absl::StatusCode::kInvalidArgument);
  ExpectHolds(std::string(reloaded.status().message()), file() + ":2:13: log.level: \"loud\"");
  EXPECT_EQ(client_->GetStats()->target_latency_ns(), 1000u);
  ExpectHolds(Metrics(), "weft_config_reloads_total{result=\"error\"} 2\n");
  EXPECT_EQ(Run(Spec("echo", "still here"))->output(), "still here");
}

TEST_F(ConfigTest, SaysThatThereIsNothingToReadAgain) {
  Start();
  EXPECT_EQ(client_->ReloadConfig().status().code(), absl::StatusCode::kFailedPrecondition);
}

TEST_F(ConfigTest, AnswersManyReloadsWhileTasksRun) {
  StartWithFile("executor.target_latency_ns = 1000\n");
  for (int round = 0; round < 50; ++round) {
    Write("executor.target_latency_ns = " + std::to_string(2000 + round) + "\n");
    daemon_->Signal(SIGHUP);
    const uint64_t id = MustSubmit(Spec("sleep", "1ms"));
    ASSERT_TRUE(client_->ReloadConfig().ok());
    EXPECT_EQ(client_->GetStats()->target_latency_ns(), 2000u + static_cast<uint64_t>(round));
    EXPECT_EQ(MustWait(id).state(), v1::TASK_STATE_SUCCEEDED);
  }
}

TEST_F(ConfigTest, DevShowsWhereItIsAndLeavesNothingBehind) {
  daemon_ = std::make_unique<DaemonProcess>(
      DaemonProcess::Options{.settings = {"executor.worker_threads=1", "log.level=info"},
                             .arguments = {"dev"},
                             .environment = {"TMPDIR=" + folder_.path().string()}});
  ASSERT_TRUE(daemon_->WaitReady());
  ASSERT_TRUE(daemon_->WaitForLog("Ctrl-C ends it."));
  client_ = daemon_->Connect();
  EXPECT_EQ(Run(Spec("echo", "hello"))->output(), "hello");
  ExpectHolds(daemon_->Log(), "run echo hello --target " + daemon_->rpc_address() + "\n");
  EXPECT_FALSE(std::filesystem::is_empty(folder_.path()));
  client_.reset();
  daemon_->Signal(SIGINT);
  EXPECT_EQ(daemon_->WaitForEnd().exit_code, 0);
  EXPECT_TRUE(std::filesystem::is_empty(folder_.path()));
}

TEST_F(ConfigTest, EndsWithOneLineWhenItMayStartNoThread) {
  rlimit own{};
  ASSERT_EQ(getrlimit(RLIMIT_STACK, &own), 0);
  if (own.rlim_max != RLIM_INFINITY) GTEST_SKIP() << "the stack of a thread cannot be made huge";
  const rlimit huge{rlim_t{1} << 47, own.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_STACK, &huge), 0);
  const std::string output = OutputOf({}, kExitUnavailable);
  ASSERT_EQ(setrlimit(RLIMIT_STACK, &own), 0);
  ExpectHolds(output, "cannot start thread weft-");
  ExpectHolds(output, "allow more threads (TasksMax=");
}

TEST_F(ConfigTest, WarnsOfALimitThatIsLowerThanABound) {
  // The hard one too, which the daemon would lift the soft one to.
  const rlimit low{256, 256};
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &low), 0);
  Start({"limits.max_streams=1000"});
  ExpectHolds(daemon_->Log(), "warn limit_low limit=\"open files\" granted=256 needed=");
  ExpectHolds(daemon_->Log(), "limits.max_streams = 1000");
}

// A process of its own, which never has these again.
void GiveUpRealtimeAndLocks() {
  const rlimit none{};
  ASSERT_EQ(setrlimit(RLIMIT_RTPRIO, &none), 0);
  ASSERT_EQ(setrlimit(RLIMIT_MEMLOCK, &none), 0);
  // Nothing to drop for who is not root.
  prctl(PR_CAPBSET_DROP, CAP_SYS_NICE, 0, 0, 0);
  prctl(PR_CAPBSET_DROP, CAP_IPC_LOCK, 0, 0, 0);
}

TEST_F(ConfigTest, RunsAsAnOrdinaryProcessWhereRealtimeAndLocksAreNotGranted) {
  if (std::thread::hardware_concurrency() < 2) GTEST_SKIP() << "cores that share are not realtime";
  ASSERT_NO_FATAL_FAILURE(GiveUpRealtimeAndLocks());
  Start({"executor.realtime=true", "executor.lock_memory=true"});
  ExpectHolds(daemon_->Log(), "warn limit_low limit=\"realtime priority\" granted=0 needed=1");
  ExpectHolds(daemon_->Log(), "warn limit_low limit=\"locked memory in bytes\" granted=0 needed=");
  EXPECT_EQ(Run(Spec("echo", "hello"))->output(), "hello");
}

TEST_F(ConfigTest, ChecksWhetherRealtimeAndLocksWouldBeGranted) {
  ASSERT_NO_FATAL_FAILURE(GiveUpRealtimeAndLocks());
  const std::string output = OutputOf(
      {"--check-config", "--set", "executor.realtime=true", "--set", "executor.lock_memory=true"},
      0);
  ExpectHolds(output, "warning: --set: executor.realtime = true, but for cores: SCHED_FIFO");
  ExpectHolds(output, "warning: --set: executor.lock_memory = true, but ");
}

}  // namespace
}  // namespace weft

#include <gtest/gtest.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <functional>
#include <string>
#include <thread>

#include "tests/daemon/daemon_test.h"

// Proves that the daemon works on files as it is configured: with the backend it says, beneath the
// root only, in little memory whatever the size, and that cancels, the drain and a kernel without
// io_uring take nothing from that.
namespace weft {
namespace {

constexpr int kExitUnavailable = 69;
constexpr int kExitConfig = 78;
constexpr char kDigestOf256MiBOfZeros[] =
    "a6d72ac7690f53be6ae46ba88506bd97302a093f7108472bd9efc3cefda06484";

class FileTest : public DaemonTest, public testing::WithParamInterface<const char*> {
 protected:
  void StartWithRoot(std::vector<std::string> settings = {}) {
    settings.push_back("handlers.file_root=\"" + root_.path().string() + "\"");
    Start(settings);
  }
  // With the backend that is the parameter; skipped where the kernel refuses io_uring.
  void StartWithBackend(std::vector<std::string> settings = {}) {
    StartWithRoot(settings);
    const std::string backend = GetStats().io().backend();
    if (backend == GetParam()) return;
    if (backend == "threads") GTEST_SKIP() << GetStats().io().fallback_reason();
    daemon_->Terminate();
    settings.push_back("io.backend=\"threads\"");
    StartWithRoot(settings);
  }

  v1::GetStatsResponse GetStats() {
    const auto stats = client_->GetStats();
    EXPECT_TRUE(stats.ok()) << stats.status();
    return stats.ok() ? *stats : v1::GetStatsResponse();
  }
  void Truncate(const std::string& name, uintmax_t bytes) {
    std::ofstream(root_.path() / name).close();
    std::filesystem::resize_file(root_.path() / name, bytes);
  }
  // A line of /proc/PID/status, in KiB.
  size_t ProcessKiB(const std::string& field) {
    std::ifstream status("/proc/" + std::to_string(daemon_->pid()) + "/status");
    for (std::string line; std::getline(status, line);) {
      if (line.starts_with(field + ":")) return std::stoul(line.substr(field.size() + 1));
    }
    ADD_FAILURE() << "no " << field;
    return 0;
  }
  size_t OpenDescriptors() {
    const std::filesystem::path folder = "/proc/" + std::to_string(daemon_->pid()) + "/fd";
    return static_cast<size_t>(std::distance(std::filesystem::directory_iterator(folder),
                                             std::filesystem::directory_iterator()));
  }
  static size_t Count(const std::string& text, const std::string& part) {
    size_t count = 0;
    for (size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) {
      ++count;
    }
    return count;
  }

  TempDir root_;
};

TEST_P(FileTest, HashesAFileOf256MiBInLittleMemory) {
  ASSERT_NO_FATAL_FAILURE(StartWithBackend());
  if (IsSkipped()) return;
  Truncate("small", 1 << 20);
  EXPECT_EQ(Run(Spec("file.hash", "small"))->state(), v1::TASK_STATE_SUCCEEDED);
  Truncate("large", 256 << 20);
  const size_t before = ProcessKiB("VmRSS");
  const auto result = Run(Spec("file.hash", "large"));
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->output(), kDigestOf256MiBOfZeros) << result->DebugString();
  EXPECT_LT(ProcessKiB("VmHWM"), before + 8 * 1024);
}

TEST_P(FileTest, WritesReadsAndCountsIt) {
  ASSERT_NO_FATAL_FAILURE(StartWithBackend());
  if (IsSkipped()) return;
  EXPECT_EQ(Run(Spec("file.write", "file\nbytes"))->output(), "5");
  EXPECT_EQ(Run(Spec("file.read", "file"))->output(), "bytes");
  EXPECT_EQ(Run(Spec("file.read", "missing"))->error().code(), v1::TASK_ERROR_CODE_HANDLER_FAILED);
  const v1::IoStats io = GetStats().io();
  EXPECT_GE(io.operations(), 10u);
  EXPECT_GE(io.failed(), 2u);  // The file was missing before it was written, too.
  EXPECT_EQ(io.in_flight(), 0u);
  const std::string metrics = HttpGet(daemon_->web_address(), "/metrics").body;
  EXPECT_NE(metrics.find("weft_io_operations_total{backend=\"" + std::string(GetParam()) +
                         "\",operation=\"rename\"} 1\n"),
            std::string::npos);
}

TEST_P(FileTest, CancelsTimesOutAndDrainsAHashUnderWayWithoutLosingADescriptor) {
  ASSERT_NO_FATAL_FAILURE(StartWithBackend({"daemon.drain_limit_s=0"}));
  if (IsSkipped()) return;
  Truncate("endless", uintmax_t{1} << 42);
  const uint64_t first = MustSubmit(Spec("file.hash", "endless"));
  AwaitState(first, v1::TASK_STATE_SUSPENDED);
  const size_t before = OpenDescriptors();
  Cancel(first, v1::CANCEL_OUTCOME_REQUESTED_RUNNING);
  EXPECT_EQ(MustWait(first).state(), v1::TASK_STATE_CANCELLED);
  v1::TaskSpec spec = Spec("file.hash", "endless");
  spec.set_timeout_ns(20'000'000);
  EXPECT_EQ(MustWait(MustSubmit(spec)).state(), v1::TASK_STATE_EXPIRED);
  EXPECT_LE(OpenDescriptors(), before);
  AwaitState(MustSubmit(Spec("file.hash", "endless")), v1::TASK_STATE_SUSPENDED);
  const ProcessEnd end = daemon_->Terminate();
  EXPECT_EQ(end.exit_code, 0) << daemon_->Log();
  EXPECT_EQ(daemon_->LastCounts()["cancelled"], 2u) << daemon_->Log();
}

INSTANTIATE_TEST_SUITE_P(Backends, FileTest, testing::Values("io_uring", "threads"),
                         [](const auto& parameter) {
                           return std::string(parameter.param) == "threads" ? "Threads" : "IoUring";
                         });

using FileStartTest = FileTest;

TEST_F(FileStartTest, FailsFileTasksWhileThereIsNoRoot) {
  Start();
  const auto result = Run(Spec("file.read", "file"));
  ASSERT_TRUE(result.ok());
  ExpectEnded(*result, v1::TASK_STATE_FAILED);
  EXPECT_NE(result->error().message().find("handlers.file_root is not set"), std::string::npos);
}

TEST_F(FileStartTest, RefusesARootThatIsNotThere) {
  DaemonProcess other({.settings = {"handlers.file_root=\"/nowhere/at/all\""}});
  EXPECT_EQ(other.WaitForEnd().exit_code, kExitConfig);
  EXPECT_NE(other.Log().find("handlers.file_root: \"/nowhere/at/all\""), std::string::npos)
      << other.Log();
  EXPECT_EQ(other.LogLines().size(), 1u);
}

// On a thread of its own, which the daemon is a child of: there io_uring_setup gives the error.
bool WhereIoUringIsRefused(int error, const std::function<void()>& body) {
  bool refused = false;
  std::thread([&] {
    std::array<sock_filter, 4> code = {{
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_io_uring_setup, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | static_cast<uint32_t>(error)),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    }};
    const sock_fprog program = {static_cast<unsigned short>(code.size()), code.data()};
    refused = prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
              prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
    if (refused) body();
  }).join();
  return refused;
}

TEST_F(FileStartTest, FallsBackWithOneWarningThatNamesCauseAndFix) {
  const bool refused = WhereIoUringIsRefused(ENOSYS, [this] { StartWithRoot(); });
  if (!refused) GTEST_SKIP() << "no seccomp filter here";
  const std::string log = daemon_->Log();
  EXPECT_EQ(Count(log, " warn io_fallback "), 1u) << log;
  EXPECT_EQ(Count(log, "CONFIG_IO_URING"), 1u) << log;
  EXPECT_EQ(Run(Spec("file.write", "file\nbytes"))->output(), "5");
  EXPECT_EQ(Run(Spec("file.read", "file"))->output(), "bytes");
  EXPECT_EQ(GetStats().io().backend(), "threads");
  EXPECT_NE(GetStats().io().fallback_reason().find("ENOSYS"), std::string::npos);
}

TEST_F(FileStartTest, RefusesToStartWhenIoUringIsAskedForAndRefused) {
  std::string log;
  const bool refused = WhereIoUringIsRefused(ENOSYS, [&log] {
    DaemonProcess other({.settings = {"io.backend=\"io_uring\""}});
    EXPECT_EQ(other.WaitForEnd().exit_code, kExitUnavailable);
    log = other.Log();
  });
  if (!refused) GTEST_SKIP() << "no seccomp filter here";
  EXPECT_NE(log.find("io.backend"), std::string::npos) << log;
  EXPECT_NE(log.find("CONFIG_IO_URING"), std::string::npos) << log;
}

TEST_F(FileStartTest, WarnsOfNothingWhenThreadsAreAskedFor) {
  StartWithRoot({"io.backend=\"threads\""});
  EXPECT_EQ(daemon_->Log().find(" warn io_fallback "), std::string::npos);
  EXPECT_EQ(GetStats().io().backend(), "threads");
  EXPECT_EQ(GetStats().io().fallback_reason(), "");
}

}  // namespace
}  // namespace weft

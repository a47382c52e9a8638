// Proves how often a core enters the kernel. The core is turned by this thread, so that what is
// posted at once is run at once, and every system call of the thread is counted, whoever makes it.
// Without file operations a busy core makes none, but with timing on it looks at its CPU clock,
// once a millisecond. With them it makes those that its ring counts, at most kEntersPerThousand for
// a thousand reads.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <iostream>
#include <iterator>
#include <memory>
#include <utility>

#include "driven_core.h"
#include "executor/task_io.h"
#include "sys/fd.h"
#include "system_call_count.h"

namespace weft {
namespace {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr uint64_t kTasks = 20'000;
#else
constexpr uint64_t kTasks = 200'000;
#endif
// A turn is 64 polls, of which a read takes two, its start and its end: 31 turns make a thousand
// reads. Each submits in one call, and some may have to ask the kernel for what it has done.
constexpr uint64_t kEntersPerThousand = 48;

TaskOutcome Succeed(void*, TaskContext&) { return TaskOutcome::kSucceeded; }
TaskOutcome TakeTurns(void*, TaskContext& context) {
  return context.Yield() == WakeReason::kElapsed ? TaskOutcome::kSucceeded : context.Stop();
}
TaskOutcome Nap(void*, TaskContext& context) {
  return context.SleepFor(1'000) == WakeReason::kElapsed ? TaskOutcome::kSucceeded : context.Stop();
}
TaskOutcome ReadFile(void* fd, TaskContext& context) {
  char buffer[12];
  const int64_t got = TaskIo(context).Read(*static_cast<int*>(fd), buffer, 0);
  return got == 12 ? TaskOutcome::kSucceeded : context.Fail("it read something else");
}
TaskOutcome EnterTheKernel(void*, TaskContext&) {
  syscall(SYS_getppid);
  return TaskOutcome::kSucceeded;
}

// A sanitizer makes calls of its own, and older kernels have no dispatch to user space that could
// count them: there is then nothing to compare with.
constexpr char kNotCounted[] =
    "neither sanitizers nor kernels before 5.11 let system calls be counted";

class CoreSystemCalls : public testing::Test {
 protected:
  void Prepare(sys::IoSystem* io = nullptr, bool is_timed = true) {
    CoreOptions options;
    options.timing_metrics = is_timed;
    options.max_queue_depth = 512;
    options.handler_count = 1;
    ASSERT_TRUE(driven_.Prepare(options, io).ok());
  }
  static TaskEntry EntryOf(TaskOutcome (*run)(void*, TaskContext&), void* state = nullptr) {
    TaskEntry entry;
    entry.run = run;
    entry.state = state;
    return entry;
  }

  // Tasks of all kinds that make no system call.
  void RunAll(uint64_t count) {
    const auto pick = [&](uint64_t serial) { return kinds_[serial % std::size(kinds_)]; };
    driven_.Run(count, pick);
  }

  std::unique_ptr<sys::IoSystem> io_;  // Outlives the core.
  DrivenCore driven_;

 private:
  static TaskEntry PlainEntry() {
    TaskEntry plain = EntryOf(&Succeed);
    plain.never_suspends = true;
    return plain;
  }

  const TaskEntry plain_ = PlainEntry();
  const TaskEntry fiber_ = EntryOf(&Succeed);
  const TaskEntry turns_ = EntryOf(&TakeTurns);
  const TaskEntry nap_ = EntryOf(&Nap);
  const DrivenTask kinds_[6] = {{.entry = &plain_},
                                {.entry = &fiber_, .timeout = 1'000'000'000'000},
                                {.entry = &turns_, .priority = Priority::kHigh},
                                {.entry = &fiber_, .is_cancelled = true},
                                {.entry = &plain_, .timeout = -1},
                                {.entry = &nap_}};
};

TEST_F(CoreSystemCalls, ABusyCoreMakesNone) {
  ASSERT_NO_FATAL_FAILURE(Prepare(nullptr, /*is_timed=*/false));
  RunAll(1'000);
  const SystemCallCount calls;
  if (!calls.works()) GTEST_SKIP() << kNotCounted;
  RunAll(kTasks);
  const uint64_t count = calls.count();
  EXPECT_EQ(count, 0u) << "the last one is number " << calls.last();
}

TEST_F(CoreSystemCalls, ABusyCoreThatTimesLooksAtItsCpuClockOnceAMillisecond) {
  ASSERT_NO_FATAL_FAILURE(Prepare());
  RunAll(1'000);
  const Counter& long_runs = driven_.core().stats().long_runs;
  const uint64_t long_before = long_runs.value();
  const auto began = std::chrono::steady_clock::now();
  const SystemCallCount calls;
  if (!calls.works()) GTEST_SKIP() << kNotCounted;
  RunAll(kTasks);
  const uint64_t count = calls.count();
  const uint64_t looks = calls.count_of(SYS_clock_gettime);
  const auto took = std::chrono::steady_clock::now() - began;
  EXPECT_EQ(count, looks) << "the last one is number " << calls.last();
  const auto milliseconds = std::chrono::duration_cast<std::chrono::milliseconds>(took).count();
  // And at the end of each task that the machine made far too long.
  EXPECT_LE(looks, static_cast<uint64_t>(milliseconds) + 1 + long_runs.value() - long_before);
}

TEST_F(CoreSystemCalls, TheOneOfATaskIsSeen) {
  ASSERT_NO_FATAL_FAILURE(Prepare());
  const TaskEntry fiber = EntryOf(&Succeed);
  const TaskEntry enters = EntryOf(&EnterTheKernel);
  const SystemCallCount calls;
  if (!calls.works()) GTEST_SKIP() << kNotCounted;
  driven_.Run(10'000, [&](uint64_t serial) {
    return DrivenTask{.entry = serial == 5'000 ? &enters : &fiber};
  });
  const uint64_t count = calls.count();
  EXPECT_EQ(count - calls.count_of(SYS_clock_gettime), 1u);
  EXPECT_EQ(calls.count_of(SYS_getppid), 1u);
}

TEST_F(CoreSystemCalls, ReadsGoToTheKernelInBatches) {
  auto system = sys::IoSystem::Open({.backend = IoChoice::kIoUring, .ring_entries = 64}, 1, {});
  if (!system.ok()) GTEST_SKIP() << system.status();
  io_ = *std::move(system);
  ASSERT_NO_FATAL_FAILURE(Prepare(io_.get()));
  const sys::Fd file(
      open(std::filesystem::temp_directory_path().c_str(), O_TMPFILE | O_RDWR, 0600));
  ASSERT_TRUE(file.valid());
  ASSERT_EQ(write(file.get(), "twelve bytes", 12), 12);
  int fd = file.get();
  const TaskEntry reads = EntryOf(&ReadFile, &fd);
  const auto pick = [&](uint64_t) { return DrivenTask{.entry = &reads}; };
  driven_.Run(1'000, pick);
  const Gauge& enters = driven_.core().stats().io.enters;
  const int64_t before = enters.value();
  const SystemCallCount calls;
  driven_.Run(kTasks, pick);
  const uint64_t count = calls.count() - calls.count_of(SYS_clock_gettime);
  driven_.Run(1, pick);  // The last of them is published with the next submission.
  const auto entered = static_cast<uint64_t>(enters.value() - before);
  std::cout << 1000.0 * static_cast<double>(entered) / kTasks << " enters per thousand reads\n";
  EXPECT_LE(entered * 1'000, kEntersPerThousand * kTasks);
  EXPECT_EQ(driven_.ended(TaskState::kFailed), 0u);
  if (calls.works()) {
    EXPECT_LE(count, entered) << "the last one is number " << calls.last();
  }
}

}  // namespace
}  // namespace weft

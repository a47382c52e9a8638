// Proves how often a core enters the kernel. The core is turned by this thread, so that what is
// posted at once is run at once, and every system call of the thread is counted, whoever makes it.
// Without file operations a busy core makes none. With them it makes those that its ring counts, at
// most kEntersPerThousand for a thousand reads.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <filesystem>
#include <iostream>
#include <iterator>
#include <memory>

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

class CoreSystemCalls : public testing::Test {
 protected:
  void Prepare(sys::IoSystem* io = nullptr) {
    CoreOptions options;
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

  DrivenCore driven_;
};

TEST_F(CoreSystemCalls, ABusyCoreMakesNone) {
  ASSERT_NO_FATAL_FAILURE(Prepare());
  TaskEntry plain = EntryOf(&Succeed);
  plain.never_suspends = true;
  const TaskEntry fiber = EntryOf(&Succeed);
  const TaskEntry turns = EntryOf(&TakeTurns);
  const TaskEntry nap = EntryOf(&Nap);
  const DrivenTask kinds[] = {{.entry = &plain},
                              {.entry = &fiber, .timeout = 1'000'000'000'000},
                              {.entry = &turns, .priority = Priority::kHigh},
                              {.entry = &fiber, .is_cancelled = true},
                              {.entry = &plain, .timeout = -1},
                              {.entry = &nap}};
  const auto pick = [&](uint64_t serial) { return kinds[serial % std::size(kinds)]; };
  driven_.Run(1'000, pick);
  const SystemCallCount calls;
  if (!calls.works())
    GTEST_SKIP() << "neither sanitizers nor kernels before 5.11 let system calls be counted";
  driven_.Run(kTasks, pick);
  const uint64_t count = calls.count();
  EXPECT_EQ(count, 0u) << "the last one is number " << calls.last();
}

TEST_F(CoreSystemCalls, TheOneOfATaskIsSeen) {
  ASSERT_NO_FATAL_FAILURE(Prepare());
  const TaskEntry fiber = EntryOf(&Succeed);
  const TaskEntry enters = EntryOf(&EnterTheKernel);
  const SystemCallCount calls;
  if (!calls.works())
    GTEST_SKIP() << "neither sanitizers nor kernels before 5.11 let system calls be counted";
  driven_.Run(10'000, [&](uint64_t serial) {
    return DrivenTask{.entry = serial == 5'000 ? &enters : &fiber};
  });
  const uint64_t count = calls.count();
  EXPECT_EQ(count, 1u);
  EXPECT_EQ(calls.last(), SYS_getppid);
}

TEST_F(CoreSystemCalls, ReadsGoToTheKernelInBatches) {
  auto system = sys::IoSystem::Open({.backend = IoChoice::kIoUring, .ring_entries = 64}, 1, {});
  if (!system.ok()) GTEST_SKIP() << system.status();
  ASSERT_NO_FATAL_FAILURE(Prepare(system->get()));
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
  const uint64_t count = calls.count();
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

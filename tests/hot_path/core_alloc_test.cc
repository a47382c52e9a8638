// Proves that the local path allocates nothing once a core has started: posting, taking, running,
// suspending, timers, file operations, sockets, cancels, timeouts, spawning, ending, draining. A
// million tasks of every kind go through a core as weftd runs it, on its own thread, while this
// thread is its Door, and every allocation of the process is counted. That the count sees one is
// proved, too.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <filesystem>
#include <iterator>
#include <memory>
#include <string>

#include "alloc_guard.h"
#include "driven_core.h"
#include "executor/stream_call.h"
#include "executor/task_io.h"
#include "sys/fd.h"

namespace weft {
namespace {

constexpr uint64_t kTasks = 1'000'000;

struct Shared {
  DrivenCore::RealCore* core = nullptr;
  const TaskEntry* child = nullptr;
  int fd = -1;
  std::array<int, 2> pair = {-1, -1};
  char* kept = nullptr;
};

TaskOutcome Succeed(void*, TaskContext&) { return TaskOutcome::kSucceeded; }
TaskOutcome Echo(void*, TaskContext& context) {
  context.OutputIsPayload(context.payload());
  return TaskOutcome::kSucceeded;
}
TaskOutcome WriteOutput(void*, TaskContext& context) {
  context.output() = context.payload();
  return TaskOutcome::kSucceeded;
}
TaskOutcome Fail(void*, TaskContext& context) {
  return context.Fail("the reason of it, in more bytes than a string has room for in itself");
}
TaskOutcome TakeTurns(void*, TaskContext& context) {
  for (int i = 0; i < 2; ++i) {
    if (context.Yield() != WakeReason::kElapsed) return context.Stop();
  }
  return TaskOutcome::kSucceeded;
}
TaskOutcome Nap(void*, TaskContext& context) {
  return context.SleepFor(5'000) == WakeReason::kElapsed ? TaskOutcome::kSucceeded : context.Stop();
}
TaskOutcome SleepLong(void*, TaskContext& context) {
  context.SleepFor(3'600'000'000'000);
  return context.Stop();
}
TaskOutcome ReadFile(void* shared, TaskContext& context) {
  char buffer[64];
  const int64_t got = TaskIo(context).Read(static_cast<Shared*>(shared)->fd, buffer, 0);
  return got == 12 ? TaskOutcome::kSucceeded : context.Fail("it read something else");
}
// With all others at once over one connection: each puts a byte in, and takes one out.
TaskOutcome Talk(void* state, TaskContext& context) {
  const auto& shared = *static_cast<Shared*>(state);
  char byte = 'x';
  if (WriteFully(context, {shared.pair[0], sys::IoKind::kSend}, {&byte, 1}, kNoTimeLimit) != 1) {
    return context.Fail("it sent nothing");
  }
  const int64_t got = ReadSome(context, {.fd = shared.pair[1]}, {&byte, 1}, kNoTimeLimit);
  return got == 1 ? TaskOutcome::kSucceeded : context.Fail("it received nothing");
}
TaskOutcome SpawnOne(void* state, TaskContext&) {
  const auto& shared = *static_cast<Shared*>(state);
  // Refused when all local slots are taken, which is an answer, too.
  shared.core->Spawn(*shared.child, {}, Priority::kHigh);
  return TaskOutcome::kSucceeded;
}
TaskOutcome Allocate(void* state, TaskContext&) {
  auto& shared = *static_cast<Shared*>(state);
  std::free(shared.kept);
  shared.kept = static_cast<char*>(std::malloc(100));
  return TaskOutcome::kSucceeded;
}

class CoreAlloc : public testing::TestWithParam<IoChoice> {
 protected:
  void SetUp() override {
    if (!AllocGuard::IsInstalled()) GTEST_SKIP() << "sanitizers have an allocator of their own";
    auto system =
        sys::IoSystem::Open({.backend = GetParam(), .ring_entries = 16, .threads = 2}, 1, {});
    if (!system.ok()) GTEST_SKIP() << system.status();
    system_ = *std::move(system);
    file_.Reset(open(std::filesystem::temp_directory_path().c_str(), O_TMPFILE | O_RDWR, 0600));
    ASSERT_TRUE(file_.valid());
    ASSERT_EQ(write(file_.get(), "twelve bytes", 12), 12);
    CoreOptions options;
    options.max_queue_depth = 512;
    options.handler_count = 1;
    ASSERT_TRUE(driven_.Start(options, system_.get()).ok());
    child_ = EntryOf(&Succeed, true);
    shared_ = {.core = &driven_.core(), .child = &child_, .fd = file_.get()};
    ASSERT_EQ(
        socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, shared_.pair.data()), 0);
  }
  void TearDown() override {
    std::free(shared_.kept);
    for (const int fd : shared_.pair) close(fd);
  }

  TaskEntry EntryOf(TaskOutcome (*run)(void*, TaskContext&), bool never_suspends) {
    TaskEntry entry;
    entry.run = run;
    entry.state = &shared_;
    entry.never_suspends = never_suspends;
    return entry;
  }

  // Outputs and failures are written into a buffer of the slot, which the first of them makes.
  void FillBuffers() {
    const TaskEntry writes = EntryOf(&WriteOutput, true);
    const TaskEntry fails = EntryOf(&Fail, true);
    for (const TaskEntry* entry : {&writes, &fails}) {
      driven_.Run(DrivenCore::kMostAtOnce,
                  [&](uint64_t) { return DrivenTask{.entry = entry, .payload = payload_}; });
    }
  }

  std::unique_ptr<sys::IoSystem> system_;
  sys::Fd file_;
  Shared shared_;
  TaskEntry child_;
  DrivenCore driven_;
  const std::string payload_ = std::string(600, 'x');
};

TEST_P(CoreAlloc, AllocatesNothingForAMillionTasksOfEveryKind) {
  const TaskEntry plain = EntryOf(&Succeed, true);
  const TaskEntry fiber = EntryOf(&Succeed, false);
  const TaskEntry echo = EntryOf(&Echo, true);
  const TaskEntry writes = EntryOf(&WriteOutput, false);
  const TaskEntry fails = EntryOf(&Fail, true);
  const TaskEntry turns = EntryOf(&TakeTurns, false);
  const TaskEntry nap = EntryOf(&Nap, false);
  const TaskEntry sleeps = EntryOf(&SleepLong, false);
  const TaskEntry reads = EntryOf(&ReadFile, false);
  const TaskEntry talks = EntryOf(&Talk, false);
  const TaskEntry spawns = EntryOf(&SpawnOne, true);
  const DrivenTask kinds[] = {
      {.entry = &plain},
      {.entry = &fiber, .timeout = 1'000'000'000'000},
      {.entry = &echo, .payload = payload_, .priority = Priority::kHigh},
      {.entry = &writes, .payload = payload_, .priority = Priority::kLow},
      {.entry = &fails},
      {.entry = &turns},
      {.entry = &reads},
      {.entry = &talks},
      {.entry = &spawns},
      {.entry = &plain, .timeout = -1},
      {.entry = &fiber, .is_cancelled = true},
      {.entry = &sleeps, .is_cancelled = true},
      {.entry = &nap, .timeout = 20'000},
  };
  FillBuffers();
  const AllocGuard guard;
  driven_.Run(kTasks, [&](uint64_t serial) { return kinds[serial % std::size(kinds)]; });
  EXPECT_EQ(guard.count(), 0u) << guard.DescribeFirst();
  const CoreStats& stats = driven_.core().stats();
  EXPECT_GT(stats.suspensions.value(), kTasks / 6);
  EXPECT_GT(driven_.ended(TaskState::kExpired), 0u);
  EXPECT_GT(driven_.ended(TaskState::kCancelled), kTasks / std::size(kinds));
  EXPECT_GT(stats.io.operations[static_cast<size_t>(sys::IoKind::kRead)].value(), kTasks / 20);
  EXPECT_GT(stats.io.operations[static_cast<size_t>(sys::IoKind::kReceive)].value(), kTasks / 20);
  EXPECT_EQ(driven_.ended(TaskState::kFailed), kTasks / std::size(kinds) + DrivenCore::kMostAtOnce);
}

TEST_P(CoreAlloc, SeesTheOneAllocationOfAHandler) {
  const TaskEntry plain = EntryOf(&Succeed, true);
  const TaskEntry allocates = EntryOf(&Allocate, true);
  FillBuffers();
  const AllocGuard guard;
  driven_.Run(10'000, [&](uint64_t serial) {
    return DrivenTask{.entry = serial == 5'000 ? &allocates : &plain};
  });
  EXPECT_EQ(guard.count(), 1u);
  EXPECT_NE(guard.DescribeFirst().find("100 bytes"), std::string::npos) << guard.DescribeFirst();
}

INSTANTIATE_TEST_SUITE_P(Backends, CoreAlloc,
                         testing::Values(IoChoice::kIoUring, IoChoice::kThreads),
                         [](const auto& parameter) {
                           return parameter.param == IoChoice::kIoUring ? "IoUring" : "Threads";
                         });

}  // namespace
}  // namespace weft

// Proves what a handler meets on a thread of the blocking pool: yields and file operations are its
// thread's own, stop when they are asked to, and are counted; and that what it came to reaches a
// core whose inbox is full. The core is turned by hand, the thread is real.
#include "core/thread_context.h"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <fstream>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <utility>

#include "core/core.h"
#include "executor/stream_call.h"
#include "executor/task_io.h"
#include "sys/fd.h"
#include "sys/prod_env.h"

namespace weft {
namespace {

using Body = std::function<TaskOutcome(TaskContext&)>;

class ThreadContextTest : public testing::Test {
 protected:
  static constexpr uint32_t kSlot = 3;

  void SetUp() override {
    CoreOptions options;
    options.idle = IdlePolicy::kSleep;
    options.max_queue_depth = 4;
    options.stacks = 1;
    options.inbox_capacity = 4;
    options.outbox_capacity = 4;
    options.handler_count = 1;
    options.local_slots = 0;
    options.blocking.threads_max = 1;
    core_ = std::make_unique<Core<sys::ProdEnv>>(options, sys::ProdEnv(clock_.anchor()), doorbell_);
    ASSERT_TRUE(core_->Prepare().ok());
    core_->TakeThread();
    entry_.run = [](void* state, TaskContext& context) {
      return (*static_cast<Body*>(state))(context);
    };
    entry_.state = &body_;
  }

  // The thread may still use what the test's body has.
  void TearDown() override { core_.reset(); }

  void Submit(Body body, int64_t timeout_ns = 0, Priority io_priority = Priority::kNormal) {
    body_ = std::move(body);
    twin_ = Core<sys::ProdEnv>::EntryForThread(entry_);
    Message message = {.id = id_, .entry = &twin_, .submitted = sys::ReadTicks(), .slot = kSlot};
    message.io_priority = io_priority;
    if (timeout_ns > 0) {
      message.deadline = message.submitted + clock_.anchor().NsToTicks(timeout_ns);
    }
    ASSERT_EQ(core_->Post({&message, 1}), 1U);
  }
  // Until the task has ended, or for good; the test's time limit ends a wait in vain.
  Completion TurnToEnd() {
    std::array<Completion, 4> out;
    for (;;) {
      core_->Turn();
      const size_t count = core_->Drain(out);
      for (size_t i = 0; i < count; ++i) {
        if (out[i].kind == CompletionKind::kEnded) return out[i];
      }
      std::this_thread::yield();
    }
  }
  template <class Condition>
  void TurnUntil(Condition condition) {
    while (!condition()) {
      core_->Turn();
      std::this_thread::yield();
    }
  }
  void Cancel() {
    core_->SetCancel(kSlot, id_, CancelReason::kClient);
    const Message message = {.id = id_, .slot = kSlot, .kind = MessageKind::kCancel};
    ASSERT_EQ(core_->Post({&message, 1}), 1U);
  }
  const IoCounters& io() const { return core_->blocking().thread(0).io(); }
  uint64_t operations(sys::IoKind kind) const {
    return io().operations[static_cast<size_t>(kind)].value();
  }
  uint64_t failures(sys::IoKind kind) const {
    return io().failures[static_cast<size_t>(kind)].value();
  }

  const TaskId id_ = TaskId::Make(0, 7);
  sys::Clock clock_;
  Doorbell doorbell_;
  Body body_;
  TaskEntry entry_;
  TaskEntry twin_;
  std::unique_ptr<Core<sys::ProdEnv>> core_;
};

TEST_F(ThreadContextTest, EventTimeMovesWhenTheTaskHasWaited) {
  Submit([](TaskContext& context) {
    const int64_t began = context.EventTimeNs();
    const int64_t now = context.NowNs();
    EXPECT_LE(began, now);
    EXPECT_EQ(context.EventTimeNs(), began);
    EXPECT_EQ(context.SleepFor(100'000), WakeReason::kElapsed);
    EXPECT_GE(context.EventTimeNs(), now + 100'000);
    const int64_t slept = context.NowNs();
    context.Yield();
    EXPECT_GE(context.EventTimeNs(), slept);
    return TaskOutcome::kSucceeded;
  });
  EXPECT_EQ(TurnToEnd().state, TaskState::kSucceeded);
}

TEST_F(ThreadContextTest, YieldsToNobodyAndSeesACancel) {
  std::atomic<int> yields{0};
  WakeReason last = WakeReason::kElapsed;
  Submit([&](TaskContext& context) {
    do {
      last = context.Yield();
      ++yields;
    } while (last == WakeReason::kElapsed);
    return context.Stop();
  });
  TurnUntil([&] { return yields > 3; });
  EXPECT_EQ(core_->SlotState(kSlot), TaskState::kRunning) << "it is never suspended";
  Cancel();
  const Completion done = TurnToEnd();
  EXPECT_EQ(last, WakeReason::kCancelled);
  EXPECT_EQ(done.state, TaskState::kCancelled);
  EXPECT_EQ(core_->stats().suspensions.value(), 0U);
}

TEST_F(ThreadContextTest, AYieldSeesTheDeadline) {
  WakeReason last = WakeReason::kElapsed;
  Submit(
      [&](TaskContext& context) {
        while (last == WakeReason::kElapsed) last = context.Yield();
        return context.Stop();
      },
      20'000'000);
  EXPECT_EQ(TurnToEnd().state, TaskState::kExpired);
  EXPECT_NE(last, WakeReason::kCancelled) << "nobody cancelled it, if it was in time at all";
}

TEST_F(ThreadContextTest, DoesAndCountsFileOperations) {
  const sys::Fd file(::memfd_create("weft-test", MFD_CLOEXEC));
  ASSERT_GE(file.get(), 0);
  std::string read(5, '\0');
  int64_t failed = 0;
  Submit([&](TaskContext& context) {
    TaskIo io(context);
    if (io.Write(file.get(), "hello", 0) != 5) return context.Fail("it wrote less");
    if (io.Read(file.get(), read, 0) != 5) return context.Fail("it read less");
    failed = io.Fsync(-1);
    return TaskOutcome::kSucceeded;
  });
  EXPECT_EQ(TurnToEnd().state, TaskState::kSucceeded);
  EXPECT_EQ(read, "hello");
  EXPECT_EQ(failed, -EBADF);
  EXPECT_EQ(operations(sys::IoKind::kWrite), 1U);
  EXPECT_EQ(operations(sys::IoKind::kRead), 1U);
  EXPECT_EQ(failures(sys::IoKind::kRead), 0U);
  EXPECT_EQ(operations(sys::IoKind::kFsync), 1U);
  EXPECT_EQ(failures(sys::IoKind::kFsync), 1U);
  EXPECT_EQ(io().in_flight.value(), 0);
}

TEST_F(ThreadContextTest, CleansUpButBeginsNoFileOperationOnceItIsToStop) {
  const int file = ::memfd_create("weft-test", MFD_CLOEXEC);
  ASSERT_GE(file, 0);
  std::atomic<bool> began{false};
  int64_t wrote = 0;
  int closed = -1;
  Submit([&](TaskContext& context) {
    began = true;
    while (!context.ShouldStop()) std::this_thread::yield();
    TaskIo io(context);
    wrote = io.Write(file, "hello", 0);
    closed = io.Close(file);
    return context.Stop();
  });
  TurnUntil([&] { return began.load(); });
  Cancel();
  EXPECT_EQ(TurnToEnd().state, TaskState::kCancelled);
  EXPECT_EQ(wrote, -ECANCELED);
  EXPECT_EQ(closed, 0);
  EXPECT_EQ(operations(sys::IoKind::kWrite), 0U) << "it never took place";
  EXPECT_EQ(operations(sys::IoKind::kClose), 1U);
}

// The near end of a connection to whose far end nobody writes unless the test does.
class Connection {
 public:
  Connection() {
    std::array<int, 2> ends = {};
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends.data()), 0);
    near_.Reset(ends[0]);
    far_.Reset(ends[1]);
  }
  int64_t Read(TaskContext& context, int64_t limit_ns = kNoTimeLimit) {
    char byte = 0;
    return ReadSome(context, {.fd = near_.get()}, {&byte, 1}, limit_ns);
  }
  void Write() { EXPECT_EQ(::write(far_.get(), "x", 1), 1); }

 private:
  sys::Fd near_;
  sys::Fd far_;
};

TEST_F(ThreadContextTest, AwaitsAPeerWithTheWholeThread) {
  Connection connection;
  std::atomic<bool> began{false};
  int64_t got = 0;
  Submit([&](TaskContext& context) {
    began = true;
    got = connection.Read(context);
    return TaskOutcome::kSucceeded;
  });
  TurnUntil([&] { return began.load(); });
  connection.Write();
  EXPECT_EQ(TurnToEnd().state, TaskState::kSucceeded);
  EXPECT_EQ(got, 1);
  EXPECT_EQ(operations(sys::IoKind::kReceive), 1U);
}

TEST_F(ThreadContextTest, AWaitForAPeerEndsByACancelTheDeadlineAndItsOwnLimit) {
  Connection connection;
  std::atomic<bool> began{false};
  int64_t got = 0;
  const Body wait = [&](TaskContext& context) {
    began = true;
    got = connection.Read(context);
    return context.Stop();
  };
  Submit([&](TaskContext& context) {
    got = connection.Read(context, 1'000'000);
    return TaskOutcome::kSucceeded;
  });
  EXPECT_EQ(TurnToEnd().state, TaskState::kSucceeded);
  EXPECT_EQ(got, -ETIME);
  Submit(wait, 20'000'000);
  EXPECT_EQ(TurnToEnd().state, TaskState::kExpired);
  // Last, for all have one id.
  began = false;
  Submit(wait);
  TurnUntil([&] { return began.load(); });
  Cancel();
  EXPECT_EQ(TurnToEnd().state, TaskState::kCancelled);
  EXPECT_EQ(got, -ECANCELED);
}

// Of the calling thread; negative where a seccomp filter keeps it from being asked.
int64_t IoPriority() { return ::syscall(SYS_ioprio_get, 1, 0); }

TEST_F(ThreadContextTest, AThreadTakesOnTheIoPriorityOfEachTask) {
  // The kernel is the only one to ask, and a container's seccomp filter may not let us.
  if (IoPriority() < 0) GTEST_SKIP() << "ioprio_get is refused";
  for (const Priority level : {Priority::kHigh, Priority::kLow, Priority::kNormal}) {
    int64_t seen = 0;
    Submit(
        [&](TaskContext&) {
          seen = IoPriority();
          return TaskOutcome::kSucceeded;
        },
        0, level);
    EXPECT_EQ(TurnToEnd().state, TaskState::kSucceeded);
    EXPECT_EQ(seen, sys::KernelIoPriority(static_cast<uint8_t>(level)));
  }
}

// How often a thread has gone to sleep by itself.
uint64_t Sleeps(int thread_id) {
  std::ifstream status("/proc/self/task/" + std::to_string(thread_id) + "/status");
  constexpr std::string_view kLabel = "voluntary_ctxt_switches:";
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with(kLabel)) return std::stoull(line.substr(kLabel.size()));
  }
  return 0;
}

TEST_F(ThreadContextTest, TellsACoreWhoseInboxIsFullAgainAndAgainUntilThereIsRoom) {
  std::atomic<bool> began{false};
  std::atomic<bool> let_go{false};
  Submit([&](TaskContext& context) {
    began = true;
    while (!let_go) std::this_thread::yield();
    context.output() = "told";
    return TaskOutcome::kSucceeded;
  });
  TurnUntil([&] { return began.load(); });
  const Message nothing = {.entry = &twin_, .kind = MessageKind::kRelease};
  while (core_->Post({&nothing, 1}) == 1) {
  }
  let_go = true;
  while (core_->blocking().busy() > 0) std::this_thread::yield();
  // It sleeps between two tries.
  const int thread_id = core_->blocking().thread(0).thread_id();
  const uint64_t before = Sleeps(thread_id);
  while (Sleeps(thread_id) < before + 5) std::this_thread::yield();
  EXPECT_EQ(core_->SlotState(kSlot), TaskState::kRunning);
  const Completion done = TurnToEnd();
  EXPECT_EQ(done.state, TaskState::kSucceeded);
  EXPECT_EQ(done.output(), "told");
}

TEST_F(ThreadContextTest, GivesUpOnACoreThatStopsWithAFullInbox) {
  std::atomic<bool> began{false};
  Submit([&](TaskContext& context) {
    began = true;
    while (!context.ShouldStop()) std::this_thread::yield();
    return context.Stop();
  });
  TurnUntil([&] { return began.load(); });
  const Message nothing = {.entry = &twin_, .kind = MessageKind::kRelease};
  while (core_->Post({&nothing, 1}) == 1) {
  }
  core_->SetCancel(kSlot, id_, CancelReason::kShutdown);
  // Waits for the thread, which nobody listens to any more.
  core_.reset();
}

}  // namespace
}  // namespace weft

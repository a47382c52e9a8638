// Proves that tasks which tasks spawn, and what they wait for, allocate nothing once an executor
// was made and each kind of it was met once: spawning into slots, joins, aborts, detached tasks,
// timers, locks, channels that are there; and that the calls of the C interface which say that they
// are cheap do so.
#include <gtest/gtest.h>

#include <cstdint>
#include <ctime>
#include <memory>
#include <utility>

#include "alloc_guard.h"
#include "async/local_channel.h"
#include "async/spawn_family.h"
#include "async/sync.h"
#include "async/timing.h"
#include "embed/turned_executor.h"
#include "weft/weft.h"

namespace weft {
namespace {

constexpr timespec kAtOnce = {};

class AsyncAllocTest : public testing::Test {
 protected:
  AsyncAllocTest() : executor_(*TurnedExecutor::Make()) {}

  void TurnUntilNoneLives() {
    while (executor_->live() > 0) ASSERT_TRUE(executor_->Run(64).ok());
  }
  // Calls it once to have all places made, and then without an allocation.
  template <class F>
  void ExpectNoAllocation(F once) {
    if (!AllocGuard::IsInstalled()) GTEST_SKIP() << "sanitizers have an allocator of their own";
    once();
    TurnUntilNoneLives();
    const AllocGuard guard;
    for (int i = 0; i < 1'000; ++i) {
      once();
      TurnUntilNoneLives();
    }
    EXPECT_EQ(guard.count(), 0U) << guard.DescribeFirst();
  }

  const std::unique_ptr<TurnedExecutor> executor_;
};

TEST_F(AsyncAllocTest, OfSpawnsJoinsAbortsAndTimersThereAreNone) {
  int sum = 0;
  ExpectNoAllocation([&] {
    ASSERT_TRUE(SpawnDetached(executor_->host(), [&](TaskContext& context) {
                  auto value = Spawn(context.host(), [] { return 1; });
                  auto slept = Spawn(context.host(), [](TaskContext& inner) {
                    return inner.SleepFor(1'000) == WakeReason::kElapsed ? 1 : 0;
                  });
                  auto aborted = Spawn(context.host(), [](TaskContext& inner) {
                    inner.SleepFor(3'600'000'000'000);
                  });
                  context.Yield();
                  aborted->Abort();
                  (void)aborted->Join(context);
                  sum += value->Join(context).value_or(0) + slept->Join(context).value_or(0);
                }).ok());
  });
  EXPECT_EQ(sum, AllocGuard::IsInstalled() ? 2'002 : 0);
}

TEST_F(AsyncAllocTest, OfLocksPermitsAndChannelsThereAreNone) {
  Mutex mutex(executor_->host());
  Semaphore semaphore(executor_->host(), 1);
  LocalChannel<int> channel(executor_->host(), 2);
  int sum = 0;
  ExpectNoAllocation([&] {
    ASSERT_TRUE(SpawnDetached(executor_->host(), [&](TaskContext& context) {
                  for (int i = 0; i < 8; ++i) (void)channel.Send(context, 1);
                }).ok());
    for (int task = 0; task < 2; ++task) {
      ASSERT_TRUE(SpawnDetached(executor_->host(), [&](TaskContext& context) {
                    (void)mutex.Lock(context);
                    (void)semaphore.Acquire(context);
                    for (int i = 0, item = 0; i < 4; ++i) {
                      (void)channel.Receive(context, &item);
                      sum += item;
                    }
                    semaphore.Release();
                    mutex.Unlock(context);
                  }).ok());
    }
  });
  EXPECT_EQ(sum, AllocGuard::IsInstalled() ? 8 * 1'001 : 0);
}

TEST_F(AsyncAllocTest, OfTheCheapCallsOfTheCInterfaceThereAreNone) {
  if (!AllocGuard::IsInstalled()) GTEST_SKIP() << "sanitizers have an allocator of their own";
  weft_executor* executor = nullptr;
  ASSERT_EQ(weft_executor_create(&executor, nullptr).code, WEFT_OK);
  weft_task_attr attr = {};
  attr.code = [](weft_context* context, void*) {
    (void)weft_should_stop(context);
    (void)weft_now(context);
    (void)weft_yield(context);
    return weft_suspend_for_duration(context, 1'000);
  };
  weft_task* task = nullptr;
  ASSERT_EQ(weft_task_create(&task, &attr).code, WEFT_OK);
  int failures = 0;
  const auto once = [&] {
    failures += weft_task_set(task, &attr).code == WEFT_OK ? 0 : 1;
    failures += weft_task_attach(executor, task).code == WEFT_OK ? 0 : 1;
    while (weft_task_is_done(task).value == 0) (void)weft_executor_run(executor, 8, &kAtOnce);
    weft_task_times times = {};
    failures += weft_task_get_times(task, &times).code == WEFT_OK ? 0 : 1;
    failures += weft_task_result(task).code == WEFT_OK ? 0 : 1;
    (void)weft_task_cancel(task);
    (void)weft_executor_live(executor);
  };
  once();
  {
    const AllocGuard guard;
    for (int i = 0; i < 1'000; ++i) once();
    EXPECT_EQ(guard.count(), 0U) << guard.DescribeFirst();
  }
  EXPECT_EQ(failures, 0);
  EXPECT_EQ(weft_task_destroy(task).code, WEFT_OK);
  EXPECT_EQ(weft_executor_destroy(executor).code, WEFT_OK);
}

}  // namespace
}  // namespace weft

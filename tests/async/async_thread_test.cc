// The same across real threads, for ThreadSanitizer: joins, aborts, tokens, trackers and permits
// race with the ends of their tasks.
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "async/spawn_family.h"
#include "async_thread_fixture.h"

namespace weft {
namespace {

constexpr int kRounds = 2'000;

TEST_F(AsyncThreadTest, AThreadBlocksOnTasksOfEachHost) {
  for (int round = 0; round < kRounds; ++round) {
    const auto value = BlockOn(host(static_cast<size_t>(round % 3)), [round] { return round; });
    ASSERT_TRUE(value.ok()) << value.status();
    ASSERT_EQ(*value, round);
  }
}

TEST_F(AsyncThreadTest, TasksOfOneCoreJoinThoseOfTheOtherAndOfThePool) {
  const auto sum = BlockOn(host(0), [&](TaskContext& context) {
    int all = 0;
    for (int round = 0; round < kRounds; ++round) {
      auto far = Spawn(host(1), [](TaskContext& inner) {
        inner.Yield();
        return 1;
      });
      auto pooled = Spawn(pool(), [](TaskContext& inner) {
        inner.SleepFor(1'000);
        return 1;
      });
      EXPECT_TRUE(far.ok() && pooled.ok());
      all += *far->Join(context) + *pooled->Join(context);
    }
    return all;
  });
  ASSERT_TRUE(sum.ok()) << sum.status();
  EXPECT_EQ(*sum, 2 * kRounds);
}

TEST_F(AsyncThreadTest, AbortsAndDetachesRaceWithTheEnd) {
  std::atomic<int> ended{0};
  const TaskTracker tracker;
  for (int round = 0; round < kRounds; ++round) {
    auto handle = SpawnTracked(host(0), tracker, [&ended, round](TaskContext& context) {
      context.SleepFor(round % 3 * 2'000);
      ended.fetch_add(1);
    });
    if (!handle.ok()) {
      std::this_thread::yield();
      continue;
    }
    if (round % 2 == 0) handle->Abort();
    if (round % 5 == 0) {
      handle->Detach();
    } else {
      const absl::Status status = handle->BlockingJoin();
      EXPECT_TRUE(status.ok() || absl::IsCancelled(status)) << status;
    }
  }
  EXPECT_EQ(tracker.BlockingDrain(), WaitResult::kDone);
  EXPECT_GT(ended.load(), 0);
  // All frames go once the last of task and handle has; the task's goes a little after its end.
  while (host(0).frames()->outstanding() != 0) std::this_thread::yield();
}

TEST_F(AsyncThreadTest, ACancelStopsThoseThatWaitOnEveryHost) {
  for (int round = 0; round < kRounds / 10; ++round) {
    const CancellationToken token;
    const TaskTracker tracker;
    std::atomic<int> listening{0};
    std::atomic<int> cancelled{0};
    std::atomic<int> told{0};
    for (size_t index = 0; index < 3; ++index) {
      auto handle =
          SpawnCancellableTracked(host(index), token.Child(), tracker, [&](TaskContext& context) {
            listening.fetch_add(1);
            if (context.SleepFor(10'000'000'000) == WakeReason::kCancelled) cancelled.fetch_add(1);
          });
      EXPECT_TRUE(handle.ok()) << handle.status();
      auto waiter = SpawnTracked(host(index), tracker, [&](TaskContext& context) {
        if (token.Wait(context) == WaitResult::kDone) told.fetch_add(1);
      });
      EXPECT_TRUE(waiter.ok()) << waiter.status();
    }
    // Every other time at once: one that has not begun then never does.
    const bool at_once = round % 2 == 0;
    while (!at_once && listening.load() < 3) std::this_thread::yield();
    token.Cancel();
    EXPECT_EQ(tracker.BlockingDrain(), WaitResult::kDone);
    EXPECT_EQ(told.load(), 3);
    EXPECT_EQ(cancelled.load(), at_once ? listening.load() : 3);
  }
}

TEST_F(AsyncThreadTest, WaitsThatElapseRaceWithTheEnd) {
  for (int round = 0; round < kRounds; ++round) {
    const auto result = BlockOn(host(0), [&](TaskContext& context) {
      auto far = Spawn(host(1), [](TaskContext& inner) { inner.SleepFor(5'000); });
      if (!far.ok()) return true;
      const int64_t until_ns = context.NowNs() + 10'000 + round % 40 * 1'000;
      const absl::Status status = far->Join(context, until_ns);
      return status.ok() || absl::IsDeadlineExceeded(status);
    });
    ASSERT_TRUE(result.ok() && *result);
  }
}

TEST_F(AsyncThreadTest, PermitsOfOneCoreBoundTasksOfTheOther) {
  const auto most = BlockOn(host(0), [&](TaskContext& context) {
    Semaphore semaphore(context.host(), 4);
    std::atomic<int> under_way{0};
    std::atomic<int> highest{0};
    for (int round = 0; round < kRounds; ++round) {
      const auto handle = SpawnBounded(context, semaphore, host(1), [&](TaskContext& inner) {
        const int now = under_way.fetch_add(1) + 1;
        if (now > highest.load()) highest.store(now);
        inner.Yield();
        under_way.fetch_sub(1);
      });
      EXPECT_TRUE(handle.ok()) << handle.status();
    }
    EXPECT_EQ(semaphore.Acquire(context, 4), WaitResult::kDone) << "all have ended";
    return highest.load();
  });
  ASSERT_TRUE(most.ok()) << most.status();
  EXPECT_LE(*most, 4);
}

}  // namespace
}  // namespace weft

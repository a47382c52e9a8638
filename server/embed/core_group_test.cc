// Cores with threads of their own: what a program spawns on them from without, and how they end.
#include "embed/core_group.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "async/spawn_family.h"
#include "async/timing.h"

namespace weft {
namespace {

using ::testing::ElementsAre;
using ::testing::Pair;

std::unique_ptr<CoreGroup> StartGroup(const CoreGroupOptions& options = {}) {
  auto group = CoreGroup::Start(options);
  EXPECT_TRUE(group.ok()) << group.status();
  return *std::move(group);
}

TaskHost& CoreOf(const std::unique_ptr<CoreGroup>& group, size_t index) {
  return **group->CoreAt(index);
}

TEST(CoreGroup, RunsTasksOnTheirCoresAndInThePool) {
  const auto group = StartGroup({.blocking_threads = 2});
  EXPECT_EQ(group->size(), 1U);
  EXPECT_EQ(*BlockOn(CoreOf(group, 0), [] { return 1; }), 1);
  ASSERT_NE(group->pool(), nullptr);
  const auto thread = BlockOn(*group->pool(), [] { return std::this_thread::get_id(); });
  const auto core = BlockOn(CoreOf(group, 0), [] { return std::this_thread::get_id(); });
  EXPECT_NE(*thread, *core);
  EXPECT_TRUE(group->Quiesce(10'000'000'000)->is_none());
}

TEST(CoreGroup, TasksFindWhatTheProgramGaveTheirHost) {
  const auto group = StartGroup();
  std::string state = "state";
  CoreOf(group, 0).set_user_state(&state);
  const auto found = BlockOn(CoreOf(group, 0), [](TaskContext& context) {
    return *static_cast<std::string*>(context.host().user_state());
  });
  EXPECT_EQ(*found, "state");
}

TEST(CoreGroup, AnIndexOutOfRangeIsRefused) {
  const auto group = StartGroup();
  EXPECT_TRUE(group->CoreAt(0).ok());
  EXPECT_EQ(group->refused_indexes(), 0U);
  const absl::Status status = group->CoreAt(1).status();
  EXPECT_EQ(status, absl::OutOfRangeError("core 1 is not there, expected 0 to 0"));
  EXPECT_EQ(group->pool(), nullptr);
  std::vector<std::pair<size_t, size_t>> told;
  const auto with_pool =
      StartGroup({.blocking_threads = 1, .on_refused_index = [&told](size_t index, size_t cores) {
                    told.emplace_back(index, cores);
                  }});
  EXPECT_TRUE(absl::IsOutOfRange(with_pool->CoreAt(1).status())) << "the pool is no core";
  EXPECT_TRUE(absl::IsOutOfRange(with_pool->CoreAt(SIZE_MAX).status()));
  EXPECT_EQ(with_pool->refused_indexes(), 2U);
  EXPECT_TRUE(with_pool->CoreAt(0).ok());
  EXPECT_THAT(told, ElementsAre(Pair(1, 1), Pair(SIZE_MAX, 1)));
}

TEST(CoreGroup, OptionsOutOfRangeAndCpusNotGrantedAreNamed) {
  EXPECT_TRUE(absl::IsInvalidArgument(CoreGroup::Start({.executor = {.tasks = 0}}).status()));
  const absl::Status threads = CoreGroup::Start({.blocking_threads = 5000}).status();
  EXPECT_EQ(threads,
            absl::InvalidArgumentError("blocking_threads: 5000 is not right, expected 0 to 4096"));
  EXPECT_FALSE(CoreGroup::Start({.cpus = {100'000}}).ok());
}

TEST(CoreGroup, QuiesceEndsWhatListensAndTellsWhatDoesNot) {
  const auto group = StartGroup({.blocking_threads = 1});
  std::atomic<int> listening{0};
  std::atomic<int> stopped{0};
  for (TaskHost* host : {&CoreOf(group, 0), group->pool()}) {
    ASSERT_TRUE(SpawnCancellable(*host, group->shutdown(), [&](TaskContext& context) {
                  ++listening;
                  stopped += context.SleepFor(60'000'000'000) == WakeReason::kCancelled ? 1 : 0;
                }).ok());
  }
  std::atomic<bool> has_begun = false;
  auto deaf = Spawn(CoreOf(group, 0), [&](TaskContext& context) {
    has_begun = true;
    context.SleepFor(60'000'000'000);
  });
  while (!has_begun.load() || listening.load() < 2) std::this_thread::yield();
  HeldTasks held = *group->Quiesce(1'000'000);
  EXPECT_GE(held.live, 1U);
  EXPECT_TRUE(deaf->Abort());
  EXPECT_TRUE(deaf->BlockingJoin().ok());
  EXPECT_TRUE(group->Quiesce(10'000'000'000)->is_none());
  EXPECT_EQ(stopped.load(), 2);
  const auto within = BlockOn(
      CoreOf(group, 0), [&] { return absl::IsFailedPrecondition(group->Quiesce(1).status()); });
  EXPECT_TRUE(*within) << "one of its own threads would wait for itself";
}

TEST(CoreGroup, EndsWhileTasksOfOneCoreWaitForThoseOfTheOtherAndInThePool) {
  auto group = StartGroup({.cpus = {-1, -1}, .blocking_threads = 2});
  const CancellationToken token;
  const TaskTracker tracker;
  std::atomic<int> waiting{0};
  auto sleeper = Spawn(CoreOf(group, 1), [&](TaskContext& context) {
    ++waiting;
    context.SleepFor(60'000'000'000);
  });
  auto joiner = SpawnTracked(CoreOf(group, 0), tracker, [&](TaskContext& context) {
    ++waiting;
    EXPECT_FALSE(sleeper->Await(context).ok());
  });
  auto pooled = SpawnTracked(*group->pool(), tracker, [&](TaskContext& context) {
    ++waiting;
    EXPECT_EQ(token.Wait(context), WaitResult::kCancelled) << "its host stops";
  });
  while (waiting.load() < 3) std::this_thread::yield();
  group.reset();
  EXPECT_TRUE(absl::IsUnavailable(sleeper->BlockingJoin()));
  EXPECT_TRUE(pooled->BlockingJoin().ok());
  EXPECT_EQ(tracker.BlockingDrain(), WaitResult::kDone);
  token.Cancel();
}

TEST(CoreGroup, ATimeoutOfAPoolThatStopsStillWaitsForItsWork) {
  auto group = StartGroup({.blocking_threads = 2});
  std::atomic<bool> has_begun = false;
  std::atomic<bool> may_end = false;
  std::atomic<bool> has_returned = false;
  ASSERT_TRUE(SpawnDetached(*group->pool(), [&](TaskContext& context) {
                const auto value = Timeout(context, 60'000'000'000, [&](TaskContext&) {
                  has_begun = true;
                  while (!may_end.load()) std::this_thread::yield();
                  return 5;
                });
                // The second when the core had not stopped yet.
                EXPECT_TRUE(absl::IsCancelled(value.status()) || *value == 5) << value.status();
                has_returned = true;
              }).ok());
  while (!has_begun.load()) std::this_thread::yield();
  std::thread closer([&] { group.reset(); });
  for (int i = 0; i < 2'000; ++i) std::this_thread::yield();
  EXPECT_FALSE(has_returned.load()) << "what it runs lies on its stack";
  may_end = true;
  closer.join();
  EXPECT_TRUE(has_returned.load());
}

TEST(CoreGroup, WhatIsLeftIsToldToWhoJoins) {
  auto group = StartGroup();
  auto handle =
      Spawn(CoreOf(group, 0), [](TaskContext& context) { context.SleepFor(60'000'000'000); });
  ASSERT_TRUE(handle.ok());
  const auto home = CoreOf(group, 0).frames()->shared_from_this();
  group.reset();
  EXPECT_TRUE(absl::IsUnavailable(handle->BlockingJoin()));
  const ShutdownStats stats = home->shutdown_stats();
  EXPECT_EQ(stats.aborted_unwinds + stats.undrained_entries, 1U);
}

}  // namespace
}  // namespace weft

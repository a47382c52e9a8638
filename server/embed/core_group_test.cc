// Cores with threads of their own: what a program spawns on them from without, and how they end.
#include "embed/core_group.h"

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "async/spawn_family.h"

namespace weft {
namespace {

std::unique_ptr<CoreGroup> StartGroup(const CoreGroupOptions& options = {}) {
  auto group = CoreGroup::Start(options);
  EXPECT_TRUE(group.ok()) << group.status();
  return *std::move(group);
}

TEST(CoreGroup, RunsTasksOnTheirCoresAndInThePool) {
  const auto group = StartGroup({.blocking_threads = 2});
  EXPECT_EQ(group->size(), 1U);
  EXPECT_EQ(*BlockOn(group->core(0), [] { return 1; }), 1);
  ASSERT_NE(group->pool(), nullptr);
  const auto thread = BlockOn(*group->pool(), [] { return std::this_thread::get_id(); });
  const auto core = BlockOn(group->core(0), [] { return std::this_thread::get_id(); });
  EXPECT_NE(*thread, *core);
  EXPECT_TRUE(group->Quiesce(10'000'000'000)->is_none());
}

TEST(CoreGroup, TasksFindWhatTheProgramGaveTheirHost) {
  const auto group = StartGroup();
  std::string state = "state";
  group->core(0).set_user_state(&state);
  const auto found = BlockOn(group->core(0), [](TaskContext& context) {
    return *static_cast<std::string*>(context.host().user_state());
  });
  EXPECT_EQ(*found, "state");
}

TEST(CoreGroup, AnIndexOutOfRangeIsRefused) {
  const auto group = StartGroup();
  EXPECT_TRUE(group->CoreAt(0).ok());
  const absl::Status status = group->CoreAt(1).status();
  EXPECT_EQ(status, absl::OutOfRangeError("core 1 is not there, expected 0 to 0"));
  EXPECT_EQ(group->pool(), nullptr);
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
  std::atomic<int> stopped{0};
  for (TaskHost* host : {&group->core(0), group->pool()}) {
    ASSERT_TRUE(SpawnCancellable(*host, group->shutdown(), [&](TaskContext& context) {
                  stopped += context.SleepFor(60'000'000'000) == WakeReason::kCancelled ? 1 : 0;
                }).ok());
  }
  std::atomic<bool> has_begun = false;
  auto deaf = Spawn(group->core(0), [&](TaskContext& context) {
    has_begun = true;
    context.SleepFor(60'000'000'000);
  });
  while (!has_begun.load()) std::this_thread::yield();
  HeldTasks held = *group->Quiesce(1'000'000);
  EXPECT_GE(held.live, 1U);
  EXPECT_TRUE(deaf->Abort());
  EXPECT_TRUE(deaf->BlockingJoin().ok());
  EXPECT_TRUE(group->Quiesce(10'000'000'000)->is_none());
  const auto within = BlockOn(
      group->core(0), [&] { return absl::IsFailedPrecondition(group->Quiesce(1).status()); });
  EXPECT_TRUE(*within) << "one of its own threads would wait for itself";
}

TEST(CoreGroup, EndsWhileTasksOfOneCoreWaitForThoseOfTheOtherAndInThePool) {
  auto group = StartGroup({.cpus = {-1, -1}, .blocking_threads = 2});
  const CancellationToken token;
  const TaskTracker tracker;
  std::atomic<int> waiting{0};
  auto sleeper = Spawn(group->core(1), [&](TaskContext& context) {
    ++waiting;
    context.SleepFor(60'000'000'000);
  });
  auto joiner = SpawnTracked(group->core(0), tracker, [&](TaskContext& context) {
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

TEST(CoreGroup, WhatIsLeftIsToldToWhoJoins) {
  auto group = StartGroup();
  auto handle =
      Spawn(group->core(0), [](TaskContext& context) { context.SleepFor(60'000'000'000); });
  ASSERT_TRUE(handle.ok());
  const auto home = group->core(0).frames()->shared_from_this();
  group.reset();
  EXPECT_TRUE(absl::IsUnavailable(handle->BlockingJoin()));
  const ShutdownStats stats = home->shutdown_stats();
  EXPECT_EQ(stats.aborted_unwinds + stats.undrained_entries, 1U);
}

}  // namespace
}  // namespace weft

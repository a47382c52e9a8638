// A tracker counts what it was told of until it is over, whatever way that ends.
#include "async/task_tracker.h"

#include <optional>
#include <stdexcept>

#include "async/spawn_family.h"
#include "async_fixture.h"

namespace weft {
namespace {

using TaskTrackerTest = AsyncTest;

TEST_F(TaskTrackerTest, ADrainWaitsForAll) {
  const TaskTracker tracker;
  for (const int64_t ns : {1'000'000, 3'000'000}) {
    EXPECT_TRUE(
        SpawnTracked(host(), tracker, [ns](TaskContext& context) { context.SleepFor(ns); }).ok());
  }
  std::optional<WaitResult> result;
  Go([&](TaskContext& context) { result = tracker.Drain(context); });
  Settle();
  EXPECT_EQ(tracker.count(), 2U);
  Advance(2'000'000);
  EXPECT_EQ(tracker.count(), 1U);
  EXPECT_FALSE(result.has_value());
  Advance(2'000'000);
  EXPECT_EQ(result, WaitResult::kDone);
}

TEST_F(TaskTrackerTest, ADrainMayElapseOrBeCancelledAndIsDoneAtOnceWithoutTasks) {
  const TaskTracker tracker;
  const TaskTracker none;
  WaitResult elapsed = WaitResult::kDone;
  WaitResult cancelled = WaitResult::kDone;
  EXPECT_TRUE(SpawnTracked(host(), tracker, [](TaskContext& context) {
                context.SleepFor(10'000'000);
              }).ok());
  Go([&](TaskContext& context) {
    EXPECT_EQ(none.Drain(context), WaitResult::kDone);
    elapsed = tracker.Drain(context, NowNs() + 1'000'000);
  });
  auto handle = Spawn(host(), [&](TaskContext& context) { cancelled = tracker.Drain(context); });
  Settle();
  handle->Abort();
  Advance(2'000'000);
  EXPECT_EQ(elapsed, WaitResult::kElapsed);
  EXPECT_EQ(cancelled, WaitResult::kCancelled);
  EXPECT_EQ(tracker.BlockingDrain(), WaitResult::kElsewhere) << "this thread runs tasks";
  Advance(10'000'000);
}

TEST_F(TaskTrackerTest, WhatThrowsWasRefusedOrAbortedIsCountedOff) {
  const TaskTracker tracker;
  const CancellationToken token;
  EXPECT_TRUE(SpawnTracked(host(), tracker, [] { throw std::runtime_error("broken"); }).ok());
  auto aborted = SpawnCancellableTracked(host(), token, tracker, [] {});
  token.Cancel();
  sys::Ticks now = 1;
  Core<ManualEnv> full(
      [] {
        CoreOptions options;
        options.local_slots = 0;
        options.remote_slots = 0;
        return options;
      }(),
      ManualEnv(&now), doorbell_);
  ASSERT_TRUE(full.Prepare().ok());
  EXPECT_TRUE(absl::IsResourceExhausted(SpawnTracked(full, tracker, [] {}).status()));
  EXPECT_EQ(tracker.count(), 2U);
  Settle();
  EXPECT_EQ(tracker.count(), 0U);
  EXPECT_TRUE(absl::IsCancelled(aborted->BlockingJoin()));
}

TEST_F(TaskTrackerTest, ATrackerMayGoBeforeItsTasks) {
  bool ended = false;
  {
    const TaskTracker tracker;
    EXPECT_TRUE(SpawnTracked(host(), tracker, [&](TaskContext& context) {
                  context.SleepFor(1'000'000);
                  ended = true;
                }).ok());
    Settle();
  }
  Advance(2'000'000);
  EXPECT_TRUE(ended);
}

}  // namespace
}  // namespace weft

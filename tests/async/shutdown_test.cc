// What is left when a host goes is told and counted, each counter by a way that reaches it, and
// handles that outlive it are answered.
#include "async/frame_home.h"

#include <memory>
#include <utility>

#include "async/spawn_family.h"
#include "async_fixture.h"
#include "executor/task_io.h"

namespace weft {
namespace {

class ShutdownTest : public AsyncTest {
 protected:
  // What the host found, read when it is gone.
  ShutdownStats EndHost() {
    const std::shared_ptr<FrameHome> kept = home().shared_from_this();
    core_.reset();
    return kept->shutdown_stats();
  }
};

TEST_F(ShutdownTest, ACleanEndCountsNothing) {
  auto handle = Spawn(host(), [] { return 1; });
  Settle();
  EXPECT_EQ(*handle->BlockingJoin(), 1);
  const ShutdownStats stats = EndHost();
  EXPECT_EQ(stats.aborted_unwinds, 0U);
  EXPECT_EQ(stats.leaked_heap_tasks, 0U);
  EXPECT_EQ(stats.unbalanced_shutdowns, 0U);
  EXPECT_EQ(stats.undrained_entries, 0U);
}

TEST_F(ShutdownTest, AHandleThatOutlivesTheHostIsCountedAndStillHasItsValue) {
  auto handle = Spawn(host(), [] { return 5; });
  Settle();
  EXPECT_EQ(EndHost().unbalanced_shutdowns, 1U);
  EXPECT_FALSE(handle->Abort());
  EXPECT_EQ(*handle->BlockingJoin(), 5);
}

TEST_F(ShutdownTest, WhatNeverBeganIsToldAndItsCallableGoes) {
  auto kept = std::make_shared<int>(1);
  auto handle = Spawn(host(), [kept] { return *kept; });
  EXPECT_EQ(kept.use_count(), 2);
  const ShutdownStats stats = EndHost();
  EXPECT_EQ(kept.use_count(), 1);
  EXPECT_EQ(stats.aborted_unwinds, 0U);
  EXPECT_TRUE(absl::IsUnavailable(handle->BlockingJoin().status()));
}

TEST_F(ShutdownTest, WhatIsSuspendedIsAnAbortedUnwind) {
  bool went_on = false;
  auto handle = SpawnOnHeap(host(), [&](TaskContext& context) {
    context.SleepFor(1'000'000);
    went_on = true;
  });
  Settle();
  const ShutdownStats stats = EndHost();
  EXPECT_FALSE(went_on);
  EXPECT_EQ(stats.aborted_unwinds, 1U);
  EXPECT_EQ(stats.leaked_heap_tasks, 1U);
  EXPECT_TRUE(absl::IsUnavailable(handle->BlockingJoin()));
}

TEST_F(ShutdownTest, SpawnsAndMailThatCameTooLateAreUndrained) {
  auto sleeper = Spawn(host(), [](TaskContext& context) { context.SleepFor(1'000'000); });
  absl::StatusOr<JoinHandle<int>> handle;
  Settle();
  Elsewhere([&] {
    handle = Spawn(host(), [] { return 1; });
    EXPECT_TRUE(sleeper->Abort());
  });
  ASSERT_TRUE(handle.ok());
  EXPECT_EQ(EndHost().undrained_entries, 2U);
  EXPECT_TRUE(absl::IsUnavailable(handle->BlockingJoin().status()));
  EXPECT_FALSE(sleeper->Abort());
}

TEST_F(ShutdownTest, WhatASuspendedTaskHasLinkedElsewhereStaysTouchable) {
  const CancellationToken token;
  const TaskTracker tracker;
  auto cancellable = SpawnCancellableTracked(
      host(), token, tracker, [](TaskContext& context) { context.SleepFor(1'000'000); });
  auto waiting = Spawn(host(), [&](TaskContext& context) { token.Wait(context); });
  auto joining = Spawn(host(), [&](TaskContext& context) {
    EXPECT_TRUE(absl::IsUnavailable(cancellable->Await(context))) << "never reached";
  });
  Settle();
  EXPECT_EQ(tracker.count(), 1U);
  EXPECT_EQ(EndHost().aborted_unwinds, 3U);
  EXPECT_EQ(tracker.count(), 0U) << "what its callable owned is gone";
  token.Cancel();
  Elsewhere([&] { EXPECT_TRUE(absl::IsUnavailable(cancellable->BlockingJoin())); });
}

TEST_F(ShutdownTest, AHostEndsWithAFileOperationUnderWay) {
  auto handle = Spawn(host(), [](TaskContext& context) {
    char byte = 0;
    TaskIo(context).Read(3, {&byte, 1}, 0);
  });
  Settle();
  ASSERT_EQ(system_.under_way.size(), 1U);
  Elsewhere([&] { EXPECT_TRUE(handle->Abort()); });
  const ShutdownStats stats = EndHost();
  EXPECT_TRUE(system_.shut_down);
  EXPECT_EQ(stats.aborted_unwinds, 1U);
  EXPECT_EQ(stats.undrained_entries, 1U) << "the abort";
  EXPECT_TRUE(system_.cancels.empty()) << "the ring is gone";
}

TEST_F(ShutdownTest, AnAbortAfterTheEndReachesNobody) {
  auto handle = Spawn(host(), [](TaskContext& context) { context.SleepFor(1'000'000); });
  Settle();
  EndHost();
  Elsewhere([&] { EXPECT_FALSE(handle->Abort()); });
  handle->Detach();
}

}  // namespace
}  // namespace weft

// An executor in a program's own loop: what a run does and answers, how it waits, and how it ends.
#include "embed/turned_executor.h"

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "embed/core_group.h"

namespace weft {
namespace {

std::unique_ptr<TurnedExecutor> MakeExecutor(const ExecutorOptions& options = {}) {
  auto executor = TurnedExecutor::Make(options);
  EXPECT_TRUE(executor.ok()) << executor.status();
  return *std::move(executor);
}

TEST(TurnedExecutor, RunsNoMoreItemsThanItMayAndCountsThem) {
  const auto executor = MakeExecutor();
  int ran = 0;
  for (int i = 0; i < 5; ++i) {
    ASSERT_TRUE(SpawnDetached(executor->host(), [&](TaskContext& context) {
                  ++ran;
                  context.Yield();
                }).ok());
  }
  EXPECT_EQ(executor->live(), 5U);
  EXPECT_TRUE(executor->has_ready());
  EXPECT_EQ(*executor->Run(3), 3U);
  EXPECT_EQ(ran, 3) << "a launch is an item";
  size_t items = 3;
  while (executor->live() > 0) items += *executor->Run(4);
  EXPECT_EQ(ran, 5);
  EXPECT_EQ(items, 10U) << "and so is a resumption";
  EXPECT_FALSE(executor->has_ready());
  EXPECT_EQ(executor->outstanding(), 0U);
}

TEST(TurnedExecutor, AZeroTimeoutPollsAndTellsTheNextTimer) {
  const auto executor = MakeExecutor();
  EXPECT_EQ(*executor->Run(64, 0), 0U);
  EXPECT_EQ(executor->PollOnce()->next_ns, kNoEnd);
  ASSERT_TRUE(SpawnDetached(executor->host(), [](TaskContext& context) {
                context.SleepFor(60'000'000'000);
              }).ok());
  const int64_t before_ns = executor->host().HostNowNs();
  const auto polled = executor->PollOnce();
  EXPECT_EQ(polled->items, 1U);
  EXPECT_LE(polled->next_ns, before_ns + 61'000'000'000);
  EXPECT_GT(polled->next_ns, before_ns);
}

TEST(TurnedExecutor, WithoutATimeoutItWaitsForATimer) {
  const auto executor = MakeExecutor();
  bool woke = false;
  ASSERT_TRUE(SpawnDetached(executor->host(), [&](TaskContext& context) {
                woke = context.SleepFor(2'000'000) == WakeReason::kElapsed;
              }).ok());
  EXPECT_EQ(*executor->Run(64), 1U);
  EXPECT_FALSE(woke);
  EXPECT_EQ(*executor->Run(64), 1U);
  EXPECT_TRUE(woke);
}

TEST(TurnedExecutor, WaitsForWhatAnotherThreadSpawns) {
  const auto executor = MakeExecutor();
  int ran = 0;
  std::thread other([&] { EXPECT_TRUE(SpawnDetached(executor->host(), [&] { ++ran; }).ok()); });
  EXPECT_EQ(*executor->Run(64), 1U);
  other.join();
  EXPECT_EQ(ran, 1);
}

TEST(TurnedExecutor, AWakeEndsTheWait) {
  const auto executor = MakeExecutor();
  executor->Wake();
  executor->Wake();
  EXPECT_EQ(*executor->Run(64), 0U) << "it came before";
  std::thread other([&] { executor->Wake(); });
  EXPECT_EQ(*executor->Run(64), 0U);
  other.join();
}

TEST(TurnedExecutor, RefusesOtherThreadsItsOwnTasksAndWrongArguments) {
  const auto executor = MakeExecutor();
  std::thread([&] {
    EXPECT_TRUE(absl::IsFailedPrecondition(executor->Run(1, 0).status()));
  }).join();
  ASSERT_TRUE(SpawnDetached(executor->host(), [&] {
                EXPECT_TRUE(absl::IsFailedPrecondition(executor->Run(1, 0).status()));
                EXPECT_TRUE(absl::IsFailedPrecondition(executor->BlockOn([] {})));
              }).ok());
  EXPECT_EQ(*executor->Run(1), 1U);
  EXPECT_TRUE(absl::IsInvalidArgument(executor->Run(0).status()));
  EXPECT_TRUE(absl::IsInvalidArgument(executor->Run(1, -1).status()));
}

TEST(TurnedExecutor, IsNotMadeOrTurnedWithinATaskOfAGroup) {
  const auto group = *CoreGroup::Start();
  const auto own = MakeExecutor();
  absl::Status refused;
  absl::Status turned;
  auto task = Spawn(**group->CoreAt(0), [&](TaskContext& context) {
    refused = TurnedExecutor::Make().status();
    turned = own->Run(1).status();
    context.Yield();
  });
  EXPECT_TRUE(task->BlockingJoin().ok()) << "the thread turns nothing at this moment";
  EXPECT_TRUE(absl::IsFailedPrecondition(refused)) << refused;
  EXPECT_TRUE(absl::IsFailedPrecondition(turned)) << turned;
}

TEST(TurnedExecutor, IsNotMadeOrTurnedWithinATaskOfAnother) {
  const auto outer = MakeExecutor();
  const auto inner = MakeExecutor();
  ASSERT_TRUE(SpawnDetached(outer->host(), [&](TaskContext& context) {
                EXPECT_TRUE(absl::IsFailedPrecondition(TurnedExecutor::Make().status()));
                EXPECT_TRUE(absl::IsFailedPrecondition(inner->Run(1, 0).status()));
                EXPECT_EQ(context.SleepFor(1), WakeReason::kElapsed);
              }).ok());
  while (outer->live() > 0) ASSERT_TRUE(outer->Run(64).ok());
  EXPECT_EQ(*inner->BlockOn([] { return 1; }), 1) << "two take turns on one thread";
  EXPECT_EQ(*outer->BlockOn([] { return 2; }), 2);
}

TEST(TurnedExecutor, OptionsOutOfRangeAreNamed) {
  const auto expect = [](const ExecutorOptions& options, std::string_view message) {
    const auto made = TurnedExecutor::Make(options);
    EXPECT_TRUE(absl::IsInvalidArgument(made.status()));
    EXPECT_EQ(std::string(made.status().message()), message);
  };
  expect({.tasks = 0}, "tasks: 0 is not right, expected 1 to 1000000");
  expect({.remote_tasks = 1'000'001}, "remote_tasks: 1000001 is not right, expected 1 to 1000000");
  expect({.stacks = 0}, "stacks: 0 is not right, expected 1 to 1000000");
  expect({.stack_bytes = 100}, "stack_bytes: 100 is not right, expected 16384 to 67108864");
  expect({.io = {.ring_entries = 0}}, "io.ring_entries: 0 is not right, expected 8 to 4096");
  expect({.io = {.threads = 0}}, "io.threads: 0 is not right, expected 1 to 256");
}

TEST(TurnedExecutor, MoreTasksThanItHoldsAreRefused) {
  const auto executor = MakeExecutor({.tasks = 2, .remote_tasks = 1});
  std::vector<JoinHandle<void>> handles;
  for (int i = 0; i < 2; ++i) handles.push_back(*Spawn(executor->host(), [] {}));
  EXPECT_TRUE(absl::IsResourceExhausted(Spawn(executor->host(), [] {}).status()));
  std::thread([&] {
    EXPECT_TRUE(SpawnDetached(executor->host(), [] {}).ok());
    EXPECT_TRUE(absl::IsResourceExhausted(SpawnDetached(executor->host(), [] {})));
  }).join();
  while (executor->live() > 0) EXPECT_TRUE(executor->Run(64, 0).ok());
  EXPECT_TRUE(SpawnDetached(executor->host(), [] {}).ok());
}

TEST(TurnedExecutor, BlockOnTurnsUntilTheValueIsThere) {
  const auto executor = MakeExecutor();
  const auto value = executor->BlockOn([&](TaskContext& context) {
    auto inner = Spawn(context.host(), [](TaskContext& child) {
      child.SleepFor(100'000);
      return 20;
    });
    return *inner->Join(context) + 1;
  });
  EXPECT_EQ(*value, 21);
}

TEST(TurnedExecutor, QuiesceEndsWhatListensToTheShutdown) {
  const auto executor = MakeExecutor();
  int stopped = 0;
  ASSERT_TRUE(SpawnDetached(executor->host(), [&](TaskContext& context) {
                stopped += executor->shutdown().Wait(context) == WaitResult::kDone ? 1 : 0;
              }).ok());
  ASSERT_TRUE(SpawnCancellable(executor->host(), executor->shutdown(), [&](TaskContext& context) {
                stopped += context.SleepFor(60'000'000'000) == WakeReason::kCancelled ? 1 : 0;
              }).ok());
  EXPECT_EQ(*executor->Run(64), 2U);
  const auto held = executor->Quiesce(10'000'000'000);
  EXPECT_TRUE(held->is_none());
  EXPECT_EQ(stopped, 2);
}

TEST(TurnedExecutor, QuiesceTellsWhatIsStillHeld) {
  auto executor = MakeExecutor();
  auto ended = Spawn(executor->host(), [] { return 1; });
  auto deaf =
      Spawn(executor->host(), [](TaskContext& context) { context.SleepFor(60'000'000'000); });
  const auto held = executor->Quiesce(1'000'000);
  EXPECT_EQ(held->live, 1U);
  EXPECT_EQ(held->handles, 1U);
  EXPECT_TRUE(deaf->Abort());
  deaf->Detach();
  ended->Detach();
  EXPECT_TRUE(executor->Quiesce(10'000'000'000)->is_none());
  const auto home = executor->host().frames()->shared_from_this();
  executor.reset();
  EXPECT_EQ(home->shutdown_stats().aborted_unwinds, 0U);
  EXPECT_EQ(home->shutdown_stats().unbalanced_shutdowns, 0U);
}

TEST(TurnedExecutor, QuiesceIsNotHungByAHandleElsewhere) {
  const auto executor = MakeExecutor();
  auto handle = Spawn(executor->host(), [] { return 1; });
  EXPECT_EQ(*executor->Run(1), 1U);
  std::atomic<bool> began{false};
  std::thread other([&, handle = std::move(*handle)]() mutable {
    began.store(true);
    began.notify_one();
    handle.Detach();
  });
  began.wait(false);
  EXPECT_TRUE(executor->Quiesce(10'000'000'000)->is_none());
  other.join();
}

}  // namespace
}  // namespace weft

#include "executor/future_bridge.h"

#include <gtest/gtest.h>

#include <future>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>

#include "executor/asio_executor.h"
#include "executor/fallback_executor.h"

// Proves that a task waits for a std::future without holding its executor's thread and hears
// values, exceptions and broken promises; and that a task's own future has exactly what came of the
// task, also when it was refused or dropped. Time is moved by hand but where threads meet.
namespace weft {
namespace {

struct Clock {
  int64_t now_ns = 0;
  FallbackOptions Options() {
    return {.now_ns = [](void* self) { return static_cast<Clock*>(self)->now_ns; },
            .argument = this};
  }
};

ExecutorError FailureOf(std::future<int> future) {
  try {
    future.get();
  } catch (const ExecutorFailure& failure) {
    return failure.error();
  }
  return ExecutorError::kNone;
}

TEST(FutureBody, WaitsByLooksAndLetsOthersRun) {
  Clock clock;
  FallbackExecutor executor(clock.Options());
  std::promise<int> promise;
  int got = 0;
  FutureBody waits(promise.get_future(), [&](std::future<int> ready) { got = ready.get(); });
  ASSERT_EQ(executor.Spawn(waits), ExecutorError::kNone);
  EXPECT_EQ(executor.PollOnce().next_ns, kFutureLookNs);
  clock.now_ns = kFutureLookNs;
  EXPECT_EQ(executor.PollOnce().next_ns, 2 * kFutureLookNs);
  EXPECT_EQ(SpawnForFuture(executor, [] { return 1; }).valid(), true);
  executor.PollOnce();
  EXPECT_EQ(executor.task_count(), 1u);
  promise.set_value(42);
  executor.PollOnce();
  EXPECT_EQ(got, 42);
  EXPECT_TRUE(waits.has_ended());
  EXPECT_EQ(waits.end(), ExecutorError::kNone);
}

TEST(FutureBody, HearsExceptionsAndBrokenPromises) {
  FallbackExecutor executor;
  std::string heard;
  const auto hear = [&](std::future<int> ready) {
    try {
      ready.get();
    } catch (const std::future_error& error) {
      heard = error.code() == std::future_errc::broken_promise ? "broken" : "other";
    } catch (const std::exception& error) {
      heard = error.what();
    }
  };
  std::promise<int> thrown;
  FutureBody first(thrown.get_future(), hear);
  thrown.set_exception(std::make_exception_ptr(std::runtime_error("out of paper")));
  EXPECT_EQ(executor.BlockOn(first), ExecutorError::kNone);
  EXPECT_EQ(heard, "out of paper");
  auto abandoned = std::make_unique<std::promise<int>>();
  FutureBody second(abandoned->get_future(), hear);
  ASSERT_EQ(executor.Spawn(second), ExecutorError::kNone);
  executor.PollOnce();
  EXPECT_FALSE(second.has_ended());
  abandoned.reset();
  executor.PollOnce();
  EXPECT_EQ(heard, "broken");
}

TEST(FutureBody, WhatItsFunctionThrowsIsAPanicAndAShutdownDropsIt) {
  FallbackExecutor executor;
  std::promise<int> promise;
  promise.set_value(1);
  FutureBody rethrows(promise.get_future(),
                      [](std::future<int>) { throw std::runtime_error("no"); });
  EXPECT_EQ(executor.BlockOn(rethrows), ExecutorError::kTaskPanicked);
  std::promise<int> never;
  bool is_called = false;
  FutureBody waits(never.get_future(), [&](std::future<int>) { is_called = true; });
  ASSERT_EQ(executor.Spawn(waits), ExecutorError::kNone);
  executor.Shutdown();
  EXPECT_EQ(waits.end(), ExecutorError::kNotRunning);
  EXPECT_FALSE(is_called);
}

TEST(FutureBody, WaitsForAnotherThread) {
  AsioExecutor executor({.runs = AsioRuns::kOwnThread});
  std::promise<int> promise;
  int got = 0;
  FutureBody waits(promise.get_future(), [&](std::future<int> ready) { got = ready.get(); });
  std::thread other([&] { promise.set_value(7); });
  EXPECT_EQ(executor.BlockOn(waits), ExecutorError::kNone);
  other.join();
  EXPECT_EQ(got, 7);
}

TEST(SpawnForFuture, HasTheValueOnceTheTaskHasEnded) {
  FallbackExecutor executor;
  std::future<std::string> text = SpawnForFuture(executor, [] { return std::string("done"); });
  std::future<void> nothing = SpawnForFuture(executor, [] {});
  EXPECT_FALSE(IsReady(text));
  executor.PollOnce();
  ASSERT_TRUE(IsReady(text) && IsReady(nothing));
  EXPECT_EQ(text.get(), "done");
  nothing.get();
}

TEST(SpawnForFuture, HasWhatWasThrown) {
  FallbackExecutor executor;
  std::future<int> future =
      SpawnForFuture(executor, []() -> int { throw std::runtime_error("out of paper"); });
  executor.PollOnce();
  EXPECT_THROW(future.get(), std::runtime_error);
}

TEST(SpawnForFuture, TellsWhyItWasRefusedOrDroppedAndIsNeverBroken) {
  FallbackExecutor executor;
  std::future<int> dropped = SpawnForFuture(executor, [] { return 1; });
  for (size_t i = 1; i < FallbackExecutor::kMostTasks; ++i) SpawnForFuture(executor, [] {});
  EXPECT_EQ(FailureOf(SpawnForFuture(executor, [] { return 1; })), ExecutorError::kOutOfResources);
  executor.Shutdown();
  EXPECT_EQ(FailureOf(std::move(dropped)), ExecutorError::kNotRunning);
  EXPECT_EQ(FailureOf(SpawnForFuture(executor, [] { return 1; })), ExecutorError::kNotRunning);
}

TEST(SpawnForFuture, ATaskMayHaveNobodyWhoWaits) {
  FallbackExecutor executor;
  bool ran = false;
  {
    const auto future = SpawnForFuture(executor, [&] { ran = true; });
  }
  executor.PollOnce();
  EXPECT_TRUE(ran);
}

TEST(SpawnForFuture, CrossesThreads) {
  AsioExecutor executor({.runs = AsioRuns::kOwnThread});
  int sum = 0;
  for (int i = 0; i < 200; ++i) sum += SpawnForFuture(executor, [i] { return i; }).get();
  EXPECT_EQ(sum, 199 * 100);
}

}  // namespace
}  // namespace weft

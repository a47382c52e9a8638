#include <gtest/gtest.h>

#include <atomic>
#include <deque>
#include <future>
#include <stdexcept>
#include <thread>

#include "executor/function_body.h"
#include "thread_executor.h"

// Proves that the example that people copy keeps what executor/executor.h promises.
namespace weft {
namespace {

using own::ThreadExecutor;

TEST(OwnExecutor, RunsPollsAgainAndTellsPanics) {
  ThreadExecutor executor;
  int polls = 0;
  FunctionBody thrice([&] { return ++polls == 3 ? BodyStep::Done() : BodyStep::Again(); });
  EXPECT_EQ(executor.BlockOn(thrice), ExecutorError::kNone);
  EXPECT_EQ(polls, 3);
  FunctionBody thrower([]() -> BodyStep { throw std::runtime_error("no"); });
  EXPECT_EQ(executor.BlockOn(thrower), ExecutorError::kTaskPanicked);
}

TEST(OwnExecutor, WaitsForTimesAndWakes) {
  ThreadExecutor executor;
  int64_t until_ns = 0;
  int64_t ended_ns = 0;
  FunctionBody sleeper([&](const BodyContext& context) {
    if (until_ns == 0) until_ns = context.now_ns + 1'000'000;
    ended_ns = context.now_ns;
    return context.now_ns >= until_ns ? BodyStep::Done() : BodyStep::At(until_ns);
  });
  EXPECT_EQ(executor.BlockOn(sleeper), ExecutorError::kNone);
  EXPECT_GE(ended_ns, until_ns);
  for (int round = 0; round < 100; ++round) {
    std::promise<BodyWaker> wakers;
    bool is_told = false;
    std::atomic<bool> is_over = false;
    FunctionBody waiter([&](const BodyContext& context) {
      if (!is_told) wakers.set_value(context.waker);
      is_told = true;
      return is_over ? BodyStep::Done() : BodyStep::OnWake();
    });
    std::thread waking([&] {
      const BodyWaker waker = wakers.get_future().get();
      is_over = true;
      waker.Wake();
    });
    EXPECT_EQ(executor.BlockOn(waiter), ExecutorError::kNone);
    waking.join();
  }
}

TEST(OwnExecutor, RefusesBeyondItsBoundAndFromItsOwnThread) {
  ThreadExecutor executor;
  std::atomic<bool> is_over = false;
  const auto wait = [&] { return is_over ? BodyStep::Done() : BodyStep::Again(); };
  std::deque<FunctionBody<decltype(wait)>> bodies;
  for (size_t i = 0; i < ThreadExecutor::kMostTasks; ++i) {
    ASSERT_EQ(executor.Spawn(bodies.emplace_back(wait)), ExecutorError::kNone);
  }
  FunctionBody late([] {});
  EXPECT_EQ(executor.Spawn(late), ExecutorError::kOutOfResources);
  is_over = true;
  while (executor.BlockOn(late) == ExecutorError::kOutOfResources) std::this_thread::yield();
  FunctionBody inner([&] {
    EXPECT_EQ(executor.BlockOn(late), ExecutorError::kNotSupported);
    EXPECT_EQ(executor.Shutdown(), ExecutorError::kNotSupported);
  });
  EXPECT_EQ(executor.BlockOn(inner), ExecutorError::kNone);
}

TEST(OwnExecutor, AShutdownPollsOnceMoreAndDropsWhatIsNotDone) {
  ThreadExecutor executor;
  FunctionBody obedient([](const BodyContext& context) {
    return context.should_stop ? BodyStep::Done() : BodyStep::OnWake();
  });
  FunctionBody deaf([] { return BodyStep::OnWake(); });
  ASSERT_EQ(executor.Spawn(obedient), ExecutorError::kNone);
  ASSERT_EQ(executor.Spawn(deaf), ExecutorError::kNone);
  EXPECT_EQ(executor.Shutdown(), ExecutorError::kNone);
  EXPECT_TRUE(obedient.has_ended() && deaf.has_ended());
  EXPECT_EQ(obedient.end(), ExecutorError::kNone);
  EXPECT_EQ(deaf.end(), ExecutorError::kNotRunning);
  EXPECT_EQ(executor.Spawn(deaf), ExecutorError::kNotRunning);
  EXPECT_EQ(executor.Shutdown(), ExecutorError::kNotRunning);
}

}  // namespace
}  // namespace weft

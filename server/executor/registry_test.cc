#include "executor/registry.h"

#include <gtest/gtest.h>

#include <atomic>
#include <barrier>
#include <set>
#include <thread>
#include <vector>

#include "executor/function_body.h"

// Proves that a registry decides once, whoever comes first, and tells whoever comes second why not.
namespace weft {
namespace {

TEST(ExecutorRegistry, GivesTheRegisteredOne) {
  ExecutorRegistry registry;
  FallbackExecutor mine;
  EXPECT_TRUE(registry.IsUsingFallback());
  EXPECT_EQ(registry.Register(mine), RegisterAnswer::kRegistered);
  EXPECT_FALSE(registry.IsUsingFallback());
  EXPECT_EQ(&registry.Current(), &mine);
}

TEST(ExecutorRegistry, RefusesASecondOneWhetherTheFirstWasUsedOrNot) {
  ExecutorRegistry registry;
  FallbackExecutor first;
  FallbackExecutor second;
  ASSERT_EQ(registry.Register(first), RegisterAnswer::kRegistered);
  EXPECT_EQ(registry.Register(second), RegisterAnswer::kAlreadyRegistered);
  EXPECT_EQ(registry.Register(first), RegisterAnswer::kAlreadyRegistered);
  EXPECT_EQ(&registry.Current(), &first);
  EXPECT_EQ(registry.Register(second), RegisterAnswer::kAlreadyRegistered);
  EXPECT_EQ(&registry.Current(), &first);
}

TEST(ExecutorRegistry, RefusesOneThatComesAfterTheFirstUse) {
  ExecutorRegistry registry;
  FallbackExecutor late;
  Executor& fallback = registry.Current();
  EXPECT_EQ(registry.Register(late), RegisterAnswer::kTooLate);
  EXPECT_TRUE(registry.IsUsingFallback());
  EXPECT_EQ(&registry.Current(), &fallback);
  EXPECT_TRUE(fallback.IsRunning());
}

TEST(ExecutorRegistry, AskingWhetherItIsTheFallbackDecidesNothing) {
  ExecutorRegistry registry;
  FallbackExecutor mine;
  EXPECT_TRUE(registry.IsUsingFallback());
  EXPECT_EQ(registry.Register(mine), RegisterAnswer::kRegistered);
}

TEST(ExecutorRegistry, ThreadsThatRaceAgreeOnOne) {
  constexpr int kThreads = 4;
  for (int round = 0; round < 200; ++round) {
    ExecutorRegistry registry;
    std::vector<FallbackExecutor> mine(kThreads);
    std::vector<Executor*> seen(kThreads);
    std::atomic<int> registered = 0;
    std::barrier start(kThreads);
    std::vector<std::thread> threads;
    for (int i = 0; i < kThreads; ++i) {
      threads.emplace_back([&, i] {
        start.arrive_and_wait();
        // Half of them only ask.
        if (i % 2 == 0 && registry.Register(mine[i]) == RegisterAnswer::kRegistered) {
          registered.fetch_add(1);
        }
        seen[i] = &registry.Current();
      });
    }
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(std::set<Executor*>(seen.begin(), seen.end()).size(), 1u);
    EXPECT_EQ(registered, registry.IsUsingFallback() ? 0 : 1);
  }
}

TEST(ExecutorRegistry, TheProcesssFallbackKnowsTheTime) {
  ExecutorRegistry& registry = ProcessExecutors();
  EXPECT_TRUE(registry.IsUsingFallback());
  int64_t began_ns = 0;
  int64_t ended_ns = 0;
  FunctionBody body([&](const BodyContext& context) {
    ended_ns = context.now_ns;
    if (began_ns == 0) began_ns = context.now_ns;
    const int64_t until_ns = began_ns + 3'000'000;
    return context.now_ns >= until_ns ? BodyStep::Done() : BodyStep::At(until_ns);
  });
  EXPECT_EQ(registry.Current().BlockOn(body), ExecutorError::kNone);
  EXPECT_GE(ended_ns - began_ns, 3'000'000);
}

}  // namespace
}  // namespace weft

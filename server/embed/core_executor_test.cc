#include "embed/core_executor.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <deque>
#include <future>
#include <memory>
#include <set>
#include <stdexcept>
#include <thread>
#include <vector>

#include "executor/function_body.h"
#include "executor/registry.h"

// Proves that cores keep the promises of executor/executor.h, with threads of their own and turned
// by the program: bodies run, wait for times and for wakes of other threads and lose none; panics
// are told, bounds kept, and a shutdown ends all that is held. Runs under ThreadSanitizer again and
// again.
namespace weft {
namespace {

constexpr int64_t kHour = 3'600'000'000'000;

// One of both kinds, and what it stands on.
struct Cores {
  static Cores WithThreads(ExecutorOptions options = {}) {
    Cores cores;
    cores.group = *CoreGroup::Start({.executor = options, .cpus = {-1, -1}});
    cores.executor = std::make_unique<CoreExecutor>(*cores.group);
    return cores;
  }
  static Cores Turned(ExecutorOptions options = {}) {
    Cores cores;
    cores.turned = *TurnedExecutor::Make(options);
    cores.executor = std::make_unique<CoreExecutor>(*cores.turned);
    return cores;
  }

  std::unique_ptr<CoreGroup> group;
  std::unique_ptr<TurnedExecutor> turned;
  std::unique_ptr<CoreExecutor> executor;
};

class CoreExecutorTest : public testing::TestWithParam<bool> {
 protected:
  static Cores Make(ExecutorOptions options = {}) {
    return GetParam() ? Cores::WithThreads(options) : Cores::Turned(options);
  }
  // Until all bodies have ended, though not all may have heard it.
  static void AwaitAll(Cores& cores) {
    while (cores.executor->task_count() > 0) {
      if (cores.turned != nullptr) {
        ASSERT_EQ(cores.executor->PollOnce().error, ExecutorError::kNone);
      } else {
        std::this_thread::yield();
      }
    }
  }
};

TEST(CoreExecutor, TurnedRunsOnWhoeverPolls) {
  const Cores cores = Cores::Turned();
  std::thread::id ran_on;
  FunctionBody body([&] { ran_on = std::this_thread::get_id(); });
  ASSERT_EQ(cores.executor->Spawn(body), ExecutorError::kNone);
  EXPECT_EQ(cores.executor->task_count(), 1U);
  EXPECT_FALSE(body.has_ended());
  const PollResult result = cores.executor->PollOnce();
  EXPECT_EQ(result.error, ExecutorError::kNone);
  EXPECT_EQ(result.polled, 1U);
  EXPECT_EQ(result.next_ns, kPollOnWake);
  EXPECT_TRUE(body.has_ended());
  EXPECT_EQ(ran_on, std::this_thread::get_id());
  EXPECT_EQ(cores.executor->task_count(), 0U);
}

TEST(CoreExecutor, TellsWhenItWantsToBePolled) {
  const Cores cores = Cores::Turned();
  int polls = 0;
  int64_t until_ns = 0;
  FunctionBody body([&](const BodyContext& context) {
    if (++polls == 1) return BodyStep::Again();
    until_ns = context.now_ns + kHour;
    return BodyStep::At(until_ns);
  });
  ASSERT_EQ(cores.executor->Spawn(body), ExecutorError::kNone);
  EXPECT_EQ(cores.executor->PollOnce().next_ns, kPollNow);
  EXPECT_EQ(polls, 1) << "once is not twice";
  const PollResult result = cores.executor->PollOnce();
  EXPECT_LE(result.next_ns, until_ns);
  EXPECT_GT(result.next_ns, until_ns - kHour);
  EXPECT_EQ(cores.executor->PollOnce().polled, 0U);
  EXPECT_EQ(cores.executor->Shutdown(), ExecutorError::kNone);
}

TEST(CoreExecutor, ALateWakeDoesNotReachThePlacesNextTask) {
  const Cores cores = Cores::Turned();
  BodyWaker old;
  FunctionBody first([&](const BodyContext& context) { old = context.waker; });
  EXPECT_EQ(cores.executor->BlockOn(first), ExecutorError::kNone);
  int polls = 0;
  FunctionBody second([&] { return ++polls, BodyStep::OnWake(); });
  ASSERT_EQ(cores.executor->Spawn(second), ExecutorError::kNone);
  cores.executor->PollOnce();
  old.Wake();
  cores.executor->PollOnce();
  EXPECT_EQ(polls, 1);
  EXPECT_EQ(cores.executor->Shutdown(), ExecutorError::kNone);
}

TEST_P(CoreExecutorTest, NoBodyIsTakenOnThatMightWaitForAStackForEver) {
  Cores cores = Make({.stacks = 2});
  std::deque<FunctionBody<BodyStep (*)(const BodyContext&)>> waiting;
  const auto wait = [](const BodyContext&) { return BodyStep::OnWake(); };
  ExecutorError refusal = ExecutorError::kNone;
  while (refusal == ExecutorError::kNone) {
    refusal = cores.executor->Spawn(waiting.emplace_back(wait));
  }
  EXPECT_EQ(refusal, ExecutorError::kOutOfResources);
  EXPECT_EQ(waiting.size() - 1, GetParam() ? 4U : 2U);
  EXPECT_EQ(cores.executor->Shutdown(), ExecutorError::kNone);
  EXPECT_EQ(waiting.front().end(), ExecutorError::kNotRunning);
}

TEST(CoreExecutor, GoesOnceNobodyBlocksOnItAnyMore) {
  for (int round = 0; round < 50; ++round) {
    Cores cores = Cores::WithThreads();
    std::promise<void> begun;
    bool is_told = false;
    FunctionBody body([&] {
      if (!is_told) begun.set_value();
      is_told = true;
      return BodyStep::OnWake();
    });
    ExecutorError answer = ExecutorError::kNone;
    std::thread blocked([&] { answer = cores.executor->BlockOn(body); });
    begun.get_future().wait();
    // Shuts down, while the other is still to hear of it.
    cores.executor.reset();
    blocked.join();
    EXPECT_EQ(answer, ExecutorError::kNotRunning);
  }
}

TEST(CoreExecutor, ABodyThatWakesItselfLetsOthersGoFirst) {
  const Cores cores = Cores::Turned();
  int polls = 0;
  FunctionBody restless([&](const BodyContext& context) {
    ++polls;
    context.waker.Wake();
    return context.should_stop ? BodyStep::Done() : BodyStep::OnWake();
  });
  FunctionBody other([] {});
  ASSERT_EQ(cores.executor->Spawn(restless), ExecutorError::kNone);
  ASSERT_EQ(cores.executor->Spawn(other), ExecutorError::kNone);
  const PollResult result = cores.executor->PollOnce();
  EXPECT_EQ(result.polled, 2U);
  EXPECT_EQ(result.next_ns, kPollNow);
  EXPECT_EQ(polls, 1);
  EXPECT_TRUE(other.has_ended());
  EXPECT_EQ(cores.executor->Shutdown(), ExecutorError::kNone);
}

TEST(CoreExecutor, TurnsItsOwnAlsoWhenTheThreadHasTurnedAnother) {
  Cores first = Cores::Turned();
  FunctionBody body([] {});
  EXPECT_EQ(first.executor->BlockOn(body), ExecutorError::kNone);
  const Cores second = Cores::Turned();
  const Cores group = Cores::WithThreads();
  EXPECT_EQ(group.executor->BlockOn(body), ExecutorError::kNone);
  EXPECT_EQ(second.executor->BlockOn(body), ExecutorError::kNone);
  first.executor.reset();
}

TEST(CoreExecutor, ABodyGoesToWhicheverCoreHasRoom) {
  Cores cores = Cores::WithThreads({.remote_tasks = 2});
  std::atomic<bool> is_over = false;
  std::atomic<int> ended = 0;
  const auto wait = [&] { return is_over.load() ? BodyStep::Done() : BodyStep::Again(); };
  const auto brief = [&] { ++ended; };
  FunctionBody long_one(wait);
  FunctionBody long_two(wait);
  FunctionBody short_one(brief);
  FunctionBody short_two(brief);
  for (TaskBody* const body :
       std::initializer_list<TaskBody*>{&long_one, &short_one, &long_two, &short_two}) {
    ASSERT_EQ(cores.executor->Spawn(*body), ExecutorError::kNone);
  }
  while (cores.executor->task_count() > 2) std::this_thread::yield();
  // The first core has both of the long ones.
  FunctionBody more(brief);
  for (int i = 0; i < 4; ++i) {
    while (cores.executor->BlockOn(more) != ExecutorError::kNone) std::this_thread::yield();
  }
  EXPECT_EQ(ended, 6);
  is_over = true;
  EXPECT_EQ(cores.executor->Shutdown(), ExecutorError::kNone);
}

TEST(CoreExecutor, OnlyItsThreadTurnsIt) {
  const Cores cores = Cores::Turned();
  std::thread([&] {
    FunctionBody body([] {});
    EXPECT_EQ(cores.executor->BlockOn(body), ExecutorError::kNotSupported);
    EXPECT_EQ(cores.executor->PollOnce().error, ExecutorError::kNotSupported);
    EXPECT_EQ(cores.executor->Shutdown(), ExecutorError::kNotSupported);
  }).join();
  EXPECT_TRUE(cores.executor->IsRunning());
}

TEST(CoreExecutor, AGroupSpreadsBodiesAndIsNotPolled) {
  const Cores cores = Cores::WithThreads();
  EXPECT_EQ(cores.executor->PollOnce().error, ExecutorError::kNotSupported);
  std::set<std::thread::id> threads;
  for (int i = 0; i < 4; ++i) {
    FunctionBody body([&] { threads.insert(std::this_thread::get_id()); });
    EXPECT_EQ(cores.executor->BlockOn(body), ExecutorError::kNone);
  }
  EXPECT_EQ(threads.size(), 2U);
}

TEST(CoreExecutor, IsWhatTheRegistryGivesOnceRegistered) {
  const Cores cores = Cores::WithThreads();
  ExecutorRegistry registry;
  EXPECT_EQ(registry.Register(*cores.executor), RegisterAnswer::kRegistered);
  EXPECT_FALSE(registry.IsUsingFallback());
  int ran = 0;
  FunctionBody body([&] { ++ran; });
  EXPECT_EQ(registry.Current().BlockOn(body), ExecutorError::kNone);
  EXPECT_EQ(ran, 1);
}

TEST_P(CoreExecutorTest, ABodyWaitsForATime) {
  Cores cores = Make();
  int64_t until_ns = 0;
  int64_t ended_ns = 0;
  FunctionBody body([&](const BodyContext& context) {
    if (until_ns == 0) until_ns = context.now_ns + 2'000'000;
    ended_ns = context.now_ns;
    return context.now_ns >= until_ns ? BodyStep::Done() : BodyStep::At(until_ns);
  });
  EXPECT_EQ(cores.executor->BlockOn(body), ExecutorError::kNone);
  EXPECT_GE(ended_ns, until_ns);
}

TEST_P(CoreExecutorTest, RefusesBeyondItsBoundAndHasRoomOnceTasksHaveEnded) {
  Cores cores = Make({.tasks = 2, .remote_tasks = 2});
  std::atomic<bool> is_over = false;
  const auto wait = [&] { return is_over.load() ? BodyStep::Done() : BodyStep::Again(); };
  std::deque<FunctionBody<decltype(wait)>> waiting;
  ExecutorError refusal = ExecutorError::kNone;
  while (refusal == ExecutorError::kNone)
    refusal = cores.executor->Spawn(waiting.emplace_back(wait));
  EXPECT_EQ(refusal, ExecutorError::kOutOfResources);
  EXPECT_EQ(waiting.size() - 1, GetParam() ? 4U : 2U);
  EXPECT_FALSE(waiting.back().has_ended());
  is_over = true;
  AwaitAll(cores);
  FunctionBody body([] {});
  // A slot is free again when its task's thread has left it, a little after the end.
  while (cores.executor->BlockOn(body) != ExecutorError::kNone) std::this_thread::yield();
}

TEST_P(CoreExecutorTest, TellsWhatThrowsAsPanickedAndGoesOn) {
  Cores cores = Make();
  FunctionBody thrower([]() -> BodyStep { throw std::runtime_error("out of paper"); });
  FunctionBody quitter([] { return BodyStep::Panicked(); });
  FunctionBody sound([] {});
  EXPECT_EQ(cores.executor->BlockOn(thrower), ExecutorError::kTaskPanicked);
  EXPECT_EQ(cores.executor->BlockOn(quitter), ExecutorError::kTaskPanicked);
  EXPECT_EQ(cores.executor->BlockOn(sound), ExecutorError::kNone);
}

TEST_P(CoreExecutorTest, BlockOnIsRefusedWithinABody) {
  Cores cores = Make();
  FunctionBody inner([] {});
  std::vector<ExecutorError> answers;
  FunctionBody body([&] {
    answers = {cores.executor->BlockOn(inner), cores.executor->PollOnce().error,
               cores.executor->Shutdown()};
  });
  EXPECT_EQ(cores.executor->BlockOn(body), ExecutorError::kNone);
  EXPECT_EQ(answers, std::vector<ExecutorError>(3, ExecutorError::kNotSupported));
  EXPECT_FALSE(inner.has_ended());
  EXPECT_TRUE(cores.executor->IsRunning());
}

// Each of several threads gives a body news many times.
TEST_P(CoreExecutorTest, LosesNoWake) {
  constexpr int kWakers = 3;
  constexpr int kNews = 300;
  Cores cores = Make();
  std::atomic<int> news = 0;
  std::promise<BodyWaker> wakers;
  int polls = 0;
  FunctionBody body([&](const BodyContext& context) {
    if (++polls == 1) {
      wakers.set_value(context.waker);
      return BodyStep::OnWake();
    }
    return news.load(std::memory_order_relaxed) == kWakers * kNews ? BodyStep::Done()
                                                                   : BodyStep::OnWake();
  });
  std::vector<std::thread> threads;
  const std::shared_future<BodyWaker> waker = wakers.get_future().share();
  for (int i = 0; i < kWakers; ++i) {
    threads.emplace_back([&] {
      for (int k = 0; k < kNews; ++k) {
        news.fetch_add(1, std::memory_order_relaxed);
        waker.get().Wake();
      }
    });
  }
  EXPECT_EQ(cores.executor->BlockOn(body), ExecutorError::kNone);
  for (std::thread& thread : threads) thread.join();
  EXPECT_GE(polls, 2);
}

TEST_P(CoreExecutorTest, AShutdownPollsOnceMoreAndDropsWhatIsNotDone) {
  Cores cores = Make();
  FunctionBody obedient([](const BodyContext& context) {
    return context.should_stop ? BodyStep::Done() : BodyStep::OnWake();
  });
  FunctionBody deaf([] { return BodyStep::OnWake(); });
  FunctionBody busy([] { return BodyStep::Again(); });
  FunctionBody late(
      [](const BodyContext& context) { return BodyStep::At(context.now_ns + kHour); });
  for (TaskBody* const body : std::initializer_list<TaskBody*>{&obedient, &deaf, &busy, &late}) {
    ASSERT_EQ(cores.executor->Spawn(*body), ExecutorError::kNone);
  }
  EXPECT_EQ(cores.executor->Shutdown(), ExecutorError::kNone);
  EXPECT_TRUE(obedient.has_ended() && deaf.has_ended() && busy.has_ended() && late.has_ended());
  EXPECT_EQ(obedient.end(), ExecutorError::kNone);
  EXPECT_EQ(deaf.end(), ExecutorError::kNotRunning);
  EXPECT_EQ(busy.end(), ExecutorError::kNotRunning);
  EXPECT_EQ(late.end(), ExecutorError::kNotRunning);
  EXPECT_FALSE(cores.executor->IsRunning());
  EXPECT_EQ(cores.executor->task_count(), 0U);
  EXPECT_EQ(cores.executor->Spawn(late), ExecutorError::kNotRunning);
  EXPECT_EQ(cores.executor->BlockOn(late), ExecutorError::kNotRunning);
  EXPECT_EQ(cores.executor->Shutdown(), ExecutorError::kNotRunning);
}

TEST(CoreExecutor, AShutdownEndsABlockOnOfAnotherThread) {
  const Cores cores = Cores::WithThreads();
  std::promise<void> begun;
  bool is_told = false;
  FunctionBody body([&] {
    if (!is_told) begun.set_value();
    is_told = true;
    return BodyStep::OnWake();
  });
  ExecutorError answer = ExecutorError::kNone;
  std::thread blocked([&] { answer = cores.executor->BlockOn(body); });
  begun.get_future().wait();
  EXPECT_EQ(cores.executor->Shutdown(), ExecutorError::kNone);
  blocked.join();
  EXPECT_EQ(answer, ExecutorError::kNotRunning);
}

TEST(CoreExecutor, ManyThreadsSpawnAndEachBodyEndsOnce) {
  constexpr int kThreads = 3;
  constexpr int kEach = 200;
  const Cores cores = Cores::WithThreads();
  std::atomic<int> ran = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&] {
      for (int k = 0; k < kEach; ++k) {
        int polls = 0;
        FunctionBody body([&] {
          if (++polls < 3) return BodyStep::Again();
          ran.fetch_add(1);
          return BodyStep::Done();
        });
        EXPECT_EQ(cores.executor->BlockOn(body), ExecutorError::kNone);
        EXPECT_EQ(polls, 3);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(ran, kThreads * kEach);
  EXPECT_EQ(cores.executor->task_count(), 0U);
}

INSTANTIATE_TEST_SUITE_P(Kinds, CoreExecutorTest, testing::Bool(),
                         [](const auto& kind) { return kind.param ? "WithThreads" : "Turned"; });

}  // namespace
}  // namespace weft

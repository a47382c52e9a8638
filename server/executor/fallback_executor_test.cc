#include "executor/fallback_executor.h"

#include <gtest/gtest.h>

#include <atomic>
#include <deque>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "executor/function_body.h"

// Proves that a turn polls each task once in the order of spawning, that the 33rd is refused and a
// place is used again, how tasks end, what is refused within a poll and after the shutdown, and
// when the owner is asked to poll again. The clock is moved by hand.
namespace weft {
namespace {

struct Clock {
  int64_t now_ns = 1'000;
  std::vector<int64_t> waits;
  std::atomic<int> wakes = 0;

  FallbackOptions Options() {
    return {.now_ns = [](void* self) { return static_cast<Clock*>(self)->now_ns; },
            .wait_until =
                [](void* self, int64_t time_ns) {
                  static_cast<Clock*>(self)->waits.push_back(time_ns);
                  static_cast<Clock*>(self)->now_ns = time_ns;
                },
            .woken = [](void* self) { static_cast<Clock*>(self)->wakes.fetch_add(1); },
            .argument = this};
  }
};

TEST(FallbackExecutor, PollsEachTaskOnceATurnInTheOrderOfSpawning) {
  FallbackExecutor executor;
  std::string order;
  int left = 3;
  FunctionBody a([&] { order += 'a'; });
  FunctionBody b([&] {
    order += 'b';
    return --left == 0 ? BodyStep::Done() : BodyStep::Again();
  });
  // It waits for a wake that never comes, and is polled all the same.
  FunctionBody c([&] {
    order += 'c';
    return order.size() > 5 ? BodyStep::Done() : BodyStep::OnWake();
  });
  EXPECT_EQ(executor.Spawn(a), ExecutorError::kNone);
  EXPECT_EQ(executor.Spawn(b), ExecutorError::kNone);
  EXPECT_EQ(executor.Spawn(c), ExecutorError::kNone);
  EXPECT_EQ(order, "");
  EXPECT_EQ(executor.PollOnce().polled, 3u);
  EXPECT_EQ(order, "abc");
  EXPECT_EQ(executor.PollOnce().polled, 2u);
  EXPECT_EQ(order, "abcbc");
  EXPECT_EQ(executor.PollOnce().polled, 2u);
  EXPECT_EQ(order, "abcbcbc");
  EXPECT_TRUE(a.has_ended() && b.has_ended() && c.has_ended());
  EXPECT_EQ(executor.task_count(), 0u);
  EXPECT_EQ(executor.PollOnce().polled, 0u);
  EXPECT_EQ(executor.turn_count(), 4u);
}

TEST(FallbackExecutor, ATaskSpawnedInATurnIsPolledInTheNext) {
  FallbackExecutor executor;
  int polls = 0;
  FunctionBody child([&] { ++polls; });
  FunctionBody parent([&] { EXPECT_EQ(executor.Spawn(child), ExecutorError::kNone); });
  ASSERT_EQ(executor.Spawn(parent), ExecutorError::kNone);
  EXPECT_EQ(executor.PollOnce().polled, 1u);
  EXPECT_EQ(polls, 0);
  EXPECT_EQ(executor.PollOnce().polled, 1u);
  EXPECT_EQ(polls, 1);
  EXPECT_TRUE(child.has_ended());
}

TEST(FallbackExecutor, RefusesThe33rdTaskAndTakesItOnceOneHasEnded) {
  FallbackExecutor executor;
  size_t done = 0;
  const auto wait = [&] { return done > 0 ? BodyStep::Done() : BodyStep::Again(); };
  std::deque<FunctionBody<decltype(wait)>> bodies;
  for (size_t i = 0; i < FallbackExecutor::kMostTasks; ++i) {
    ASSERT_EQ(executor.Spawn(bodies.emplace_back(wait)), ExecutorError::kNone) << i;
  }
  FunctionBody late([] {});
  EXPECT_EQ(executor.Spawn(late), ExecutorError::kOutOfResources);
  EXPECT_EQ(executor.PollOnce().polled, 32u);
  EXPECT_EQ(executor.Spawn(late), ExecutorError::kOutOfResources);
  EXPECT_EQ(executor.BlockOn(late), ExecutorError::kOutOfResources);
  EXPECT_FALSE(late.has_ended());
  done = 1;
  EXPECT_EQ(executor.PollOnce().polled, 32u);
  EXPECT_EQ(executor.task_count(), 0u);
  EXPECT_EQ(executor.Spawn(late), ExecutorError::kNone);
  executor.PollOnce();
  EXPECT_TRUE(late.has_ended());
}

TEST(FallbackExecutor, APlaceIsFreeAfterTheTurnThatEndedItsTask) {
  FallbackExecutor executor;
  std::deque<FunctionBody<BodyStep (*)()>> bodies;
  FunctionBody first([] {});
  ASSERT_EQ(executor.Spawn(first), ExecutorError::kNone);
  for (size_t i = 2; i < FallbackExecutor::kMostTasks; ++i) {
    ASSERT_EQ(executor.Spawn(bodies.emplace_back(+[] { return BodyStep::OnWake(); })),
              ExecutorError::kNone);
  }
  FunctionBody child([] {});
  ExecutorError within = ExecutorError::kNone;
  FunctionBody parent([&] { within = executor.Spawn(child); });
  ASSERT_EQ(executor.Spawn(parent), ExecutorError::kNone);
  executor.PollOnce();
  EXPECT_EQ(within, ExecutorError::kOutOfResources) << "the first had ended in this very turn";
  EXPECT_EQ(executor.Spawn(child), ExecutorError::kNone);
}

TEST(FallbackExecutor, TellsATaskThatThrowsOrGivesUpAsPanickedAndGoesOn) {
  FallbackExecutor executor;
  FunctionBody thrower([]() -> BodyStep { throw std::runtime_error("out of paper"); });
  FunctionBody quitter([] { return BodyStep::Panicked(); });
  FunctionBody sound([] {});
  ASSERT_EQ(executor.Spawn(thrower), ExecutorError::kNone);
  ASSERT_EQ(executor.Spawn(quitter), ExecutorError::kNone);
  ASSERT_EQ(executor.Spawn(sound), ExecutorError::kNone);
  EXPECT_EQ(executor.PollOnce().error, ExecutorError::kNone);
  EXPECT_TRUE(thrower.has_ended());
  EXPECT_EQ(thrower.end(), ExecutorError::kTaskPanicked);
  EXPECT_EQ(quitter.end(), ExecutorError::kTaskPanicked);
  EXPECT_EQ(sound.end(), ExecutorError::kNone);
  EXPECT_EQ(executor.BlockOn(thrower), ExecutorError::kTaskPanicked);
}

TEST(FallbackExecutor, SaysWhenItWantsToBePolledAgain) {
  Clock clock;
  FallbackExecutor executor(clock.Options());
  EXPECT_EQ(executor.PollOnce().next_ns, kPollOnWake);
  BodyWaker waker;
  bool is_over = false;
  FunctionBody waiter([&](const BodyContext& context) {
    waker = context.waker;
    return is_over ? BodyStep::Done() : BodyStep::OnWake();
  });
  FunctionBody sleeper([&](const BodyContext& context) {
    return context.now_ns >= 2'000 ? BodyStep::Done() : BodyStep::At(2'000);
  });
  ASSERT_EQ(executor.Spawn(waiter), ExecutorError::kNone);
  ASSERT_EQ(executor.Spawn(sleeper), ExecutorError::kNone);
  EXPECT_EQ(executor.PollOnce().next_ns, 2'000);
  clock.now_ns = 2'000;
  EXPECT_EQ(executor.PollOnce().next_ns, kPollOnWake);
  EXPECT_TRUE(sleeper.has_ended());
  FunctionBody busy([] { return BodyStep::Again(); });
  ASSERT_EQ(executor.Spawn(busy), ExecutorError::kNone);
  EXPECT_EQ(executor.PollOnce().next_ns, kPollNow);
  is_over = true;
  std::thread([waker] { waker.Wake(); }).join();
  EXPECT_EQ(clock.wakes, 1);
  executor.PollOnce();
  EXPECT_TRUE(waiter.has_ended());
}

TEST(FallbackExecutor, AWakeWithinATurnAsksForTheNextAtOnce) {
  FallbackExecutor executor;
  BodyWaker waker;
  FunctionBody first([&](const BodyContext& context) {
    waker = context.waker;
    return BodyStep::OnWake();
  });
  FunctionBody second([&] { waker.Wake(); });
  ASSERT_EQ(executor.Spawn(first), ExecutorError::kNone);
  ASSERT_EQ(executor.Spawn(second), ExecutorError::kNone);
  EXPECT_EQ(executor.PollOnce().next_ns, kPollNow);
  EXPECT_EQ(executor.PollOnce().next_ns, kPollOnWake);
}

TEST(FallbackExecutor, BlockOnPollsAllUntilItsOwnTaskIsDone) {
  Clock clock;
  FallbackExecutor executor(clock.Options());
  int others = 0;
  FunctionBody other([&] {
    ++others;
    return BodyStep::OnWake();
  });
  ASSERT_EQ(executor.Spawn(other), ExecutorError::kNone);
  FunctionBody body([](const BodyContext& context) {
    return context.now_ns >= 5'000 ? BodyStep::Done() : BodyStep::At(5'000);
  });
  EXPECT_EQ(executor.BlockOn(body), ExecutorError::kNone);
  EXPECT_TRUE(body.has_ended());
  EXPECT_EQ(clock.waits, std::vector<int64_t>{5'000})
      << "it waits only for what nobody needs sooner";
  EXPECT_EQ(others, 2);
  EXPECT_EQ(executor.task_count(), 1u);
}

TEST(FallbackExecutor, RefusesWhatWouldReenterIt) {
  FallbackExecutor executor;
  FunctionBody inner([] {});
  std::vector<ExecutorError> answers;
  FunctionBody body([&] {
    answers = {executor.PollOnce().error, executor.BlockOn(inner), executor.Shutdown()};
  });
  EXPECT_EQ(executor.BlockOn(body), ExecutorError::kNone);
  EXPECT_EQ(answers, std::vector<ExecutorError>(3, ExecutorError::kNotSupported));
  EXPECT_FALSE(inner.has_ended());
  EXPECT_TRUE(executor.IsRunning());
}

TEST(FallbackExecutor, AShutdownPollsOnceMoreAndDropsWhatIsNotDone) {
  FallbackExecutor executor;
  FunctionBody obedient([](const BodyContext& context) {
    return context.should_stop ? BodyStep::Done() : BodyStep::OnWake();
  });
  FunctionBody deaf([] { return BodyStep::Again(); });
  ExecutorError spawned = ExecutorError::kNone;
  FunctionBody late([] {});
  FunctionBody parent([&](const BodyContext& context) {
    if (context.should_stop) spawned = executor.Spawn(late);
    return BodyStep::Again();
  });
  ASSERT_EQ(executor.Spawn(obedient), ExecutorError::kNone);
  ASSERT_EQ(executor.Spawn(deaf), ExecutorError::kNone);
  ASSERT_EQ(executor.Spawn(parent), ExecutorError::kNone);
  executor.PollOnce();
  EXPECT_EQ(executor.Shutdown(), ExecutorError::kNone);
  EXPECT_EQ(obedient.end(), ExecutorError::kNone);
  ASSERT_TRUE(deaf.has_ended());
  EXPECT_EQ(deaf.end(), ExecutorError::kNotRunning);
  EXPECT_EQ(spawned, ExecutorError::kNotRunning);
  EXPECT_FALSE(executor.IsRunning());
  EXPECT_EQ(executor.task_count(), 0u);
  EXPECT_EQ(executor.Spawn(late), ExecutorError::kNotRunning);
  EXPECT_EQ(executor.BlockOn(late), ExecutorError::kNotRunning);
  EXPECT_EQ(executor.PollOnce().error, ExecutorError::kNotRunning);
  EXPECT_EQ(executor.Shutdown(), ExecutorError::kNotRunning);
}

TEST(FallbackExecutor, ABodyMayBeGoneOnceItHasEnded) {
  struct Owned : TaskBody {
    explicit Owned(int* alive_in)
        : TaskBody{
              .poll = [](TaskBody&, const BodyContext&) { return BodyStep::Done(); },
              .ended = [](TaskBody& self, ExecutorError) { delete &static_cast<Owned&>(self); }},
          alive(alive_in) {
      ++*alive;
    }
    ~Owned() { --*alive; }
    int* alive;
  };
  FallbackExecutor executor;
  int alive = 0;
  ASSERT_EQ(executor.Spawn(*new Owned(&alive)), ExecutorError::kNone);
  ASSERT_EQ(executor.Spawn(*new Owned(&alive)), ExecutorError::kNone);
  executor.PollOnce();
  EXPECT_EQ(alive, 0);
  ASSERT_EQ(executor.Spawn(*new Owned(&alive)), ExecutorError::kNone);
  executor.Shutdown();
  EXPECT_EQ(alive, 0);
}

TEST(Executor, NamesEachError) {
  EXPECT_EQ(ExecutorErrorName(ExecutorError::kNone), "NONE");
  EXPECT_EQ(ExecutorErrorName(ExecutorError::kOutOfResources), "OUT_OF_RESOURCES");
  EXPECT_EQ(ExecutorErrorName(ExecutorError::kNotRunning), "NOT_RUNNING");
  EXPECT_EQ(ExecutorErrorName(ExecutorError::kNotSupported), "NOT_SUPPORTED");
  EXPECT_EQ(ExecutorErrorName(ExecutorError::kTaskPanicked), "TASK_PANICKED");
}

TEST(Executor, WhatIsNotOverriddenIsNotSupported) {
  class Empty final : public Executor {};
  Empty executor;
  FunctionBody body([] {});
  EXPECT_EQ(executor.Spawn(body), ExecutorError::kNotSupported);
  EXPECT_EQ(executor.BlockOn(body), ExecutorError::kNotSupported);
  EXPECT_EQ(executor.PollOnce().error, ExecutorError::kNotSupported);
  EXPECT_FALSE(executor.IsRunning());
  EXPECT_EQ(executor.Shutdown(), ExecutorError::kNotSupported);
}

}  // namespace
}  // namespace weft

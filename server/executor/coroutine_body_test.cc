#include "executor/coroutine_body.h"

#include <gtest/gtest.h>

#include <coroutine>
#include <future>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "executor/asio_executor.h"
#include "executor/fallback_executor.h"
#include "executor/registry.h"
#include "executor/run_on.h"

// Proves that coroutines run as tasks, one poll after another, with waits for times, for others,
// for futures, for tasks of executors and for awaitables that know nothing of executors; that
// exceptions arrive where they belong; and what becomes of all sides when one of them goes away
// first.
namespace weft {
namespace {

struct Clock {
  int64_t now_ns = 0;
  FallbackOptions Options() {
    return {.now_ns = [](void* self) { return static_cast<Clock*>(self)->now_ns; },
            .argument = this};
  }
};

// Counts those alive, to see that frames go with what they hold.
struct Guest {
  explicit Guest(int* alive_in) : alive(alive_in) { ++*alive; }
  Guest(const Guest&) = delete;
  ~Guest() { --*alive; }
  int* alive;
};

// An awaitable of somebody else's: whoever holds the desk answers, or destroys who waits.
struct Desk {
  std::coroutine_handle<> waiting;
  int answer = 0;

  void Answer(int value) {
    answer = value;
    std::exchange(waiting, nullptr).resume();
  }
  void Abandon() { std::exchange(waiting, nullptr).destroy(); }
};
struct AtDesk {
  Desk* desk;
  bool await_ready() const { return false; }
  void await_suspend(std::coroutine_handle<> waiting) const { desk->waiting = waiting; }
  int await_resume() const {
    if (desk->answer < 0) throw std::runtime_error("the desk is closed");
    return desk->answer;
  }
};

CoroutineTask<int> Value(int value) { co_return value; }
CoroutineTask<int> Throw() {
  throw std::runtime_error("out of paper");
  co_return 0;
}

TEST(CoroutineBody, BeginsWhenItIsFirstPolledAndEndsInOneWhenItWaitsForNothing) {
  FallbackExecutor executor;
  bool has_begun = false;
  auto make = [](bool* begun) -> CoroutineTask<std::string> {
    *begun = true;
    co_return "done";
  };
  CoroutineBody body(make(&has_begun));
  ASSERT_EQ(executor.Spawn(body), ExecutorError::kNone);
  EXPECT_FALSE(has_begun);
  executor.PollOnce();
  EXPECT_TRUE(body.has_ended());
  EXPECT_EQ(body.end(), ExecutorError::kNone);
  EXPECT_EQ(body.Result(), "done");
}

TEST(CoroutineBody, TwoTakeTurnsByNextPoll) {
  FallbackExecutor executor;
  std::string order;
  auto make = [](char name, std::string* log) -> CoroutineTask<void> {
    for (int i = 0; i < 3; ++i) {
      *log += name;
      co_await NextPoll();
    }
  };
  CoroutineBody a(make('a', &order));
  CoroutineBody b(make('b', &order));
  ASSERT_EQ(executor.Spawn(a), ExecutorError::kNone);
  ASSERT_EQ(executor.Spawn(b), ExecutorError::kNone);
  for (int i = 0; i < 4; ++i) executor.PollOnce();
  EXPECT_EQ(order, "ababab");
  EXPECT_TRUE(a.has_ended() && b.has_ended());
}

TEST(CoroutineBody, SleepsUntilItsTimeHoweverOftenItIsPolled) {
  Clock clock;
  FallbackExecutor executor(clock.Options());
  auto make = []() -> CoroutineTask<bool> { co_return co_await SleepFor(1'000); };
  CoroutineBody body(make());
  ASSERT_EQ(executor.Spawn(body), ExecutorError::kNone);
  EXPECT_EQ(executor.PollOnce().next_ns, 1'000);
  clock.now_ns = 999;
  EXPECT_EQ(executor.PollOnce().next_ns, 1'000);
  clock.now_ns = 1'000;
  executor.PollOnce();
  ASSERT_TRUE(body.has_ended());
  EXPECT_TRUE(body.Result());
}

TEST(CoroutineBody, ASleepThatAShutdownCutsSaysSo) {
  FallbackExecutor executor(FallbackOptions{.now_ns = [](void*) { return int64_t{0}; }});
  auto make = []() -> CoroutineTask<bool> { co_return co_await SleepFor(kPollOnWake); };
  CoroutineBody body(make());
  ASSERT_EQ(executor.Spawn(body), ExecutorError::kNone);
  executor.PollOnce();
  executor.Shutdown();
  EXPECT_EQ(body.end(), ExecutorError::kNone);
  EXPECT_FALSE(body.Result());
}

TEST(CoroutineBody, WaitsThatAreOverAtOnceLetOthersGoFirstNowAndThen) {
  FallbackExecutor executor;
  int rounds = 0;
  auto make = [](int* count) -> CoroutineTask<void> {
    for (; *count < 1'000; ++*count) co_await SleepFor(0);
  };
  CoroutineBody body(make(&rounds));
  ASSERT_EQ(executor.Spawn(body), ExecutorError::kNone);
  EXPECT_EQ(executor.PollOnce().next_ns, kPollNow);
  EXPECT_LT(rounds, CoroutineDriver<void>::kResumesMax);
  EXPECT_EQ(executor.BlockOn(*std::make_unique<CoroutineBody<int>>(Value(1))),
            ExecutorError::kNone);
  while (!body.has_ended()) executor.PollOnce();
  EXPECT_EQ(rounds, 1'000);
}

TEST(CoroutineBody, AwaitsAnotherCoroutineAndItsException) {
  FallbackExecutor executor;
  auto make = []() -> CoroutineTask<int> {
    int sum = co_await Value(40);
    try {
      sum += co_await Throw();
    } catch (const std::runtime_error&) {
      sum += 2;
    }
    co_return sum;
  };
  CoroutineBody body(make());
  EXPECT_EQ(executor.BlockOn(body), ExecutorError::kNone);
  EXPECT_EQ(body.Result(), 42);
}

TEST(CoroutineBody, WhatItThrowsIsAPanicAndItsResultThrowsIt) {
  FallbackExecutor executor;
  CoroutineBody body(Throw());
  EXPECT_EQ(executor.BlockOn(body), ExecutorError::kTaskPanicked);
  EXPECT_THROW(body.Result(), std::runtime_error);
}

TEST(CoroutineBody, AShutdownDropsTheFrameWithAllItHolds) {
  FallbackExecutor executor;
  int alive = 0;
  auto inner = [](int* count) -> CoroutineTask<void> {
    const Guest guest(count);
    while (true) co_await NextPoll();
  };
  auto make = [&inner](int* count) -> CoroutineTask<void> {
    const Guest guest(count);
    co_await inner(count);
  };
  CoroutineBody body(make(&alive));
  ASSERT_EQ(executor.Spawn(body), ExecutorError::kNone);
  executor.PollOnce();
  EXPECT_EQ(alive, 2);
  executor.Shutdown();
  EXPECT_EQ(alive, 0);
  EXPECT_EQ(body.end(), ExecutorError::kNotRunning);
  EXPECT_THROW(body.Result(), ExecutorFailure);
}

TEST(CoroutineBody, AwaitsAFutureWithoutHoldingTheThread) {
  Clock clock;
  FallbackExecutor executor(clock.Options());
  std::promise<int> promise;
  auto make = [](std::future<int> future) -> CoroutineTask<int> {
    co_return co_await WhenReady(std::move(future));
  };
  CoroutineBody body(make(promise.get_future()));
  ASSERT_EQ(executor.Spawn(body), ExecutorError::kNone);
  EXPECT_EQ(executor.PollOnce().next_ns, kFutureLookNs);
  promise.set_value(5);
  executor.PollOnce();
  ASSERT_TRUE(body.has_ended());
  EXPECT_EQ(body.Result(), 5);
}

TEST(CoroutineBody, ABrokenPromiseIsThrownAtWhoeverAwaitsItsFuture) {
  FallbackExecutor executor;
  auto promise = std::make_unique<std::promise<void>>();
  auto make = [](std::future<void> future) -> CoroutineTask<void> {
    co_await WhenReady(std::move(future));
  };
  CoroutineBody body(make(promise->get_future()));
  ASSERT_EQ(executor.Spawn(body), ExecutorError::kNone);
  executor.PollOnce();
  promise.reset();
  executor.PollOnce();
  EXPECT_EQ(body.end(), ExecutorError::kTaskPanicked);
  EXPECT_THROW(body.Result(), std::future_error);
}

// ---- Awaitables that know nothing of executors.

TEST(ForeignWait, GoesOnByAPollWhoeverAnswers) {
  FallbackExecutor executor;
  Desk desk;
  CoroutineBody body(TaskOf(AtDesk{&desk}));
  ASSERT_EQ(executor.Spawn(body), ExecutorError::kNone);
  EXPECT_EQ(executor.PollOnce().next_ns, kPollOnWake);
  std::thread([&] { desk.Answer(9); }).join();
  EXPECT_FALSE(body.has_ended());
  executor.PollOnce();
  ASSERT_TRUE(body.has_ended());
  EXPECT_EQ(body.Result(), 9);
}

TEST(ForeignWait, ItsExceptionIsThrownInTheTask) {
  FallbackExecutor executor;
  Desk desk;
  CoroutineBody body(TaskOf(AtDesk{&desk}));
  ASSERT_EQ(executor.Spawn(body), ExecutorError::kNone);
  executor.PollOnce();
  desk.Answer(-1);
  executor.PollOnce();
  EXPECT_EQ(body.end(), ExecutorError::kTaskPanicked);
  EXPECT_THROW(body.Result(), std::runtime_error);
}

TEST(ForeignWait, OneThatIsAbandonedIsThrownAsThat) {
  FallbackExecutor executor;
  Desk desk;
  CoroutineBody body(TaskOf(AtDesk{&desk}));
  ASSERT_EQ(executor.Spawn(body), ExecutorError::kNone);
  executor.PollOnce();
  desk.Abandon();
  executor.PollOnce();
  EXPECT_EQ(body.end(), ExecutorError::kTaskPanicked);
  EXPECT_THROW(body.Result(), AwaitAbandoned);
}

TEST(ForeignWait, AnAnswerThatComesAfterTheTaskReachesNobody) {
  Desk desk;
  {
    FallbackExecutor executor;
    CoroutineBody body(TaskOf(AtDesk{&desk}));
    ASSERT_EQ(executor.Spawn(body), ExecutorError::kNone);
    executor.PollOnce();
    executor.Shutdown();
    EXPECT_EQ(body.end(), ExecutorError::kNotRunning);
  }
  desk.Answer(1);  // Under AddressSanitizer: touches neither the task nor its executor.
}

TEST(ForeignWait, OneThatIsReadyAtOnceTakesNoSecondTurn) {
  FallbackExecutor executor;
  auto make = []() -> CoroutineTask<void> { co_await std::suspend_never(); };
  CoroutineBody body(make());
  ASSERT_EQ(executor.Spawn(body), ExecutorError::kNone);
  executor.PollOnce();
  EXPECT_TRUE(body.has_ended());
}

// ---- Tasks of executors, awaited.

TEST(RunOn, ATaskIsAwaitedInTheSameExecutor) {
  FallbackExecutor executor;
  auto make = [](Executor* on) -> CoroutineTask<int> {
    co_return co_await RunOn(*on, [] { return 6; }) * 7;
  };
  CoroutineBody body(make(&executor));
  EXPECT_EQ(executor.BlockOn(body), ExecutorError::kNone);
  EXPECT_EQ(body.Result(), 42);
}

TEST(RunOn, GoesThereAndComesBack) {
  AsioExecutor there({.runs = AsioRuns::kOwnThread});
  AsioExecutor here;
  struct Threads {
    std::thread::id before, during, after;
  };
  auto make = [](Executor* on) -> CoroutineTask<Threads> {
    Threads threads;
    threads.before = std::this_thread::get_id();
    threads.during = co_await RunOn(*on, [] { return std::this_thread::get_id(); });
    threads.after = std::this_thread::get_id();
    co_return threads;
  };
  for (int i = 0; i < 100; ++i) {
    CoroutineBody body(make(&there));
    ASSERT_EQ(here.BlockOn(body), ExecutorError::kNone);
    const Threads threads = body.Result();
    EXPECT_EQ(threads.before, std::this_thread::get_id());
    EXPECT_EQ(threads.after, std::this_thread::get_id());
    EXPECT_NE(threads.during, std::this_thread::get_id());
  }
}

TEST(RunOn, ThrowsWhatTheTaskThrowsAndWhyItIsRefused) {
  FallbackExecutor executor;
  FallbackExecutor closed;
  closed.Shutdown();
  auto make = [](Executor* open, Executor* shut) -> CoroutineTask<std::string> {
    std::string heard;
    try {
      co_await RunOn(*open, [] { throw std::runtime_error("out of paper"); });
    } catch (const std::runtime_error& error) {
      heard = error.what();
    }
    try {
      co_await RunOn(*shut, [] {});
    } catch (const ExecutorFailure& failure) {
      heard += std::string(", ") + std::string(ExecutorErrorName(failure.error()));
    }
    co_return heard;
  };
  CoroutineBody body(make(&executor, &closed));
  EXPECT_EQ(executor.BlockOn(body), ExecutorError::kNone);
  EXPECT_EQ(body.Result(), "out of paper, NOT_RUNNING");
}

TEST(RunOn, ATaskThatIsDroppedIsThrownAsThat) {
  FallbackExecutor here;
  FallbackExecutor there;
  auto make = [](Executor* on) -> CoroutineTask<ExecutorError> {
    try {
      co_await RunOn(*on, [] {});
    } catch (const ExecutorFailure& failure) {
      co_return failure.error();
    }
    co_return ExecutorError::kNone;
  };
  CoroutineBody body(make(&there));
  ASSERT_EQ(here.Spawn(body), ExecutorError::kNone);
  here.PollOnce();
  there.Shutdown();
  here.PollOnce();
  ASSERT_TRUE(body.has_ended());
  EXPECT_EQ(body.Result(), ExecutorError::kNotRunning);
}

TEST(SpawnForFuture, OfACoroutineHasItsValueItsExceptionOrTheRefusal) {
  FallbackExecutor executor;
  std::future<int> value = SpawnForFuture(executor, Value(3));
  std::future<int> thrown = SpawnForFuture(executor, Throw());
  auto endless = []() -> CoroutineTask<int> {
    while (true) co_await NextPoll();
  };
  std::future<int> dropped = SpawnForFuture(executor, endless());
  executor.PollOnce();
  EXPECT_EQ(value.get(), 3);
  EXPECT_THROW(thrown.get(), std::runtime_error);
  executor.Shutdown();
  EXPECT_THROW(dropped.get(), ExecutorFailure);
  EXPECT_THROW(SpawnForFuture(executor, Value(1)).get(), ExecutorFailure);
}

// What the reference calls with_async.
TEST(CoroutineBody, IsRunToItsValueByTheExecutorThatIsCurrent) {
  auto hello = []() -> CoroutineTask<std::string> {
    const bool has_slept = co_await SleepFor(1'000'000);
    co_return has_slept ? "hello" : "cut short";
  };
  CoroutineBody body(hello());
  EXPECT_EQ(ProcessExecutors().Current().BlockOn(body), ExecutorError::kNone);
  EXPECT_EQ(body.Result(), "hello");
  CoroutineBody thrower(Throw());
  EXPECT_EQ(ProcessExecutors().Current().BlockOn(thrower), ExecutorError::kTaskPanicked);
  EXPECT_THROW(thrower.Result(), std::runtime_error);
}

TEST(SpawnForFuture, ManyCoroutinesSleepAndMeetOnOneThread) {
  AsioExecutor executor({.runs = AsioRuns::kOwnThread});
  auto make = [](int value) -> CoroutineTask<int> {
    co_await SleepFor(value % 7 * 10'000);
    co_await NextPoll();
    co_return value;
  };
  std::vector<std::future<int>> futures;
  for (int i = 0; i < 200; ++i) futures.push_back(SpawnForFuture(executor, make(i)));
  int sum = 0;
  for (std::future<int>& future : futures) sum += future.get();
  EXPECT_EQ(sum, 199 * 100);
}

}  // namespace
}  // namespace weft

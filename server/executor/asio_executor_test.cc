#include "executor/asio_executor.h"

#include <gtest/gtest.h>

#include <atomic>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <deque>
#include <future>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "executor/function_body.h"

// Proves each way to run the context, polled, on a thread of its own and lent: that bodies run,
// wait for times and for wakes from other threads, never lose a wake and are never polled twice at
// once; that panics are told, bounds kept, and a shutdown ends all that is held. Runs under
// ThreadSanitizer again and again. The one real clock is Boost.Asio's; nothing is asserted of how
// long anything took.
namespace weft {
namespace {

using boost::asio::io_context;

// Threads that run a context until this goes.
class Lender {
 public:
  explicit Lender(int threads) : guard_(context_.get_executor()) {
    for (int i = 0; i < threads; ++i) threads_.emplace_back([this] { context_.run(); });
  }
  ~Lender() {
    guard_.reset();
    for (std::thread& thread : threads_) thread.join();
  }
  io_context& context() { return context_; }

 private:
  io_context context_;
  boost::asio::executor_work_guard<io_context::executor_type> guard_;
  std::vector<std::thread> threads_;
};

TEST(AsioExecutor, PolledRunsOnWhoeverPolls) {
  AsioExecutor executor;
  std::thread::id ran_on;
  FunctionBody body([&] { ran_on = std::this_thread::get_id(); });
  ASSERT_EQ(executor.Spawn(body), ExecutorError::kNone);
  EXPECT_EQ(executor.task_count(), 1u);
  EXPECT_FALSE(body.has_ended());
  const PollResult result = executor.PollOnce();
  EXPECT_EQ(result.error, ExecutorError::kNone);
  EXPECT_EQ(result.polled, 1u);
  EXPECT_EQ(result.next_ns, kPollOnWake);
  EXPECT_TRUE(body.has_ended());
  EXPECT_EQ(ran_on, std::this_thread::get_id());
  EXPECT_EQ(executor.task_count(), 0u);
}

TEST(AsioExecutor, OnePollOncePollsEachReadyBodyOnce) {
  AsioExecutor executor;
  std::string order;
  FunctionBody a(
      [&] { return order += 'a', order.size() > 3 ? BodyStep::Done() : BodyStep::Again(); });
  FunctionBody b([&] { return order += 'b', BodyStep::OnWake(); });
  FunctionBody child([&] { order += 'c'; });
  FunctionBody parent([&] {
    order += 'p';
    EXPECT_EQ(executor.Spawn(child), ExecutorError::kNone);
  });
  ASSERT_EQ(executor.Spawn(a), ExecutorError::kNone);
  ASSERT_EQ(executor.Spawn(b), ExecutorError::kNone);
  ASSERT_EQ(executor.Spawn(parent), ExecutorError::kNone);
  PollResult result = executor.PollOnce();
  EXPECT_EQ(order, "abp");
  EXPECT_EQ(result.polled, 3u);
  EXPECT_EQ(result.next_ns, kPollNow);
  result = executor.PollOnce();
  EXPECT_EQ(order, "abpac") << "b waits for a wake, and Boost.Asio need not poll it";
  EXPECT_EQ(result.polled, 2u);
  EXPECT_EQ(result.next_ns, kPollOnWake);
}

TEST(AsioExecutor, TellsWhenATimerIsDueAndWaitsForIt) {
  AsioExecutor executor;
  int64_t until_ns = 0;
  int64_t ended_ns = 0;
  FunctionBody body([&](const BodyContext& context) {
    if (until_ns == 0) until_ns = context.now_ns + 2'000'000;
    ended_ns = context.now_ns;
    return context.now_ns >= until_ns ? BodyStep::Done() : BodyStep::At(until_ns);
  });
  ASSERT_EQ(executor.Spawn(body), ExecutorError::kNone);
  const int64_t next_ns = executor.PollOnce().next_ns;
  EXPECT_TRUE(next_ns == until_ns || next_ns == kPollNow);
  FunctionBody other([] {});
  EXPECT_EQ(executor.BlockOn(other), ExecutorError::kNone);
  while (!body.has_ended()) EXPECT_EQ(executor.PollOnce().error, ExecutorError::kNone);
  EXPECT_GE(ended_ns, until_ns);
  EXPECT_EQ(executor.PollOnce().next_ns, kPollOnWake);
}

TEST(AsioExecutor, AWakeBeforeTheTimeEndsTheWait) {
  AsioExecutor executor;
  BodyWaker waker;
  bool is_woken = false;
  FunctionBody body([&](const BodyContext& context) {
    waker = context.waker;
    return is_woken ? BodyStep::Done() : BodyStep::At(context.now_ns + int64_t{3'600'000'000'000});
  });
  ASSERT_EQ(executor.Spawn(body), ExecutorError::kNone);
  executor.PollOnce();
  is_woken = true;
  waker.Wake();
  EXPECT_EQ(executor.PollOnce().polled, 1u);
  EXPECT_TRUE(body.has_ended());
  EXPECT_EQ(executor.PollOnce().next_ns, kPollOnWake) << "the timer is gone with it";
  waker.Wake();
  EXPECT_EQ(executor.PollOnce().polled, 0u) << "a wake that comes late names nobody";
}

TEST(AsioExecutor, ALateWakeDoesNotReachThePlacesNextTask) {
  AsioExecutor executor({.tasks_max = 1});
  BodyWaker old;
  FunctionBody first([&](const BodyContext& context) { old = context.waker; });
  EXPECT_EQ(executor.BlockOn(first), ExecutorError::kNone);
  int polls = 0;
  FunctionBody second([&] { return ++polls, BodyStep::OnWake(); });
  ASSERT_EQ(executor.Spawn(second), ExecutorError::kNone);
  executor.PollOnce();
  old.Wake();
  executor.PollOnce();
  EXPECT_EQ(polls, 1);
}

TEST(AsioExecutor, RefusesBeyondItsBoundAndHasRoomOnceATaskIsHeardToHaveEnded) {
  AsioExecutor executor({.runs = AsioRuns::kOwnThread, .tasks_max = 2});
  std::atomic<bool> is_over = false;
  const auto wait = [&] { return is_over.load() ? BodyStep::Done() : BodyStep::Again(); };
  FunctionBody first(wait);
  ASSERT_EQ(executor.Spawn(first), ExecutorError::kNone);
  FunctionBody second([] {});
  for (int i = 0; i < 100; ++i) ASSERT_EQ(executor.BlockOn(second), ExecutorError::kNone) << i;
  FunctionBody third(wait);
  ASSERT_EQ(executor.Spawn(third), ExecutorError::kNone);
  EXPECT_EQ(executor.Spawn(second), ExecutorError::kOutOfResources);
  EXPECT_EQ(executor.BlockOn(second), ExecutorError::kOutOfResources);
  is_over = true;
  while (executor.task_count() > 0) std::this_thread::yield();
  EXPECT_EQ(executor.BlockOn(second), ExecutorError::kNone);
}

TEST(AsioExecutor, TellsWhatThrowsAsPanickedAndGoesOn) {
  for (const AsioRuns runs : {AsioRuns::kPolled, AsioRuns::kOwnThread}) {
    AsioExecutor executor({.runs = runs});
    FunctionBody thrower([]() -> BodyStep { throw std::runtime_error("out of paper"); });
    FunctionBody quitter([] { return BodyStep::Panicked(); });
    FunctionBody sound([] {});
    EXPECT_EQ(executor.BlockOn(thrower), ExecutorError::kTaskPanicked);
    EXPECT_EQ(executor.BlockOn(quitter), ExecutorError::kTaskPanicked);
    EXPECT_EQ(executor.BlockOn(sound), ExecutorError::kNone);
  }
}

TEST(AsioExecutor, BlockOnIsRefusedOnItsOwnThread) {
  Lender lender(1);
  const AsioOptions all[] = {{.runs = AsioRuns::kPolled},
                             {.runs = AsioRuns::kOwnThread},
                             {.runs = AsioRuns::kLent, .context = &lender.context()}};
  for (const AsioOptions& options : all) {
    AsioExecutor executor(options);
    FunctionBody inner([] {});
    std::vector<ExecutorError> answers;
    FunctionBody body([&] {
      answers = {executor.BlockOn(inner), executor.PollOnce().error, executor.Shutdown()};
    });
    EXPECT_EQ(executor.BlockOn(body), ExecutorError::kNone);
    EXPECT_EQ(answers, std::vector<ExecutorError>(3, ExecutorError::kNotSupported));
    EXPECT_FALSE(inner.has_ended());
    EXPECT_TRUE(executor.IsRunning());
  }
}

TEST(AsioExecutor, PollOnceIsForWhoeverOwnsTheRunning) {
  AsioExecutor own({.runs = AsioRuns::kOwnThread});
  EXPECT_EQ(own.PollOnce().error, ExecutorError::kNotSupported);
  Lender lender(1);
  AsioExecutor lent({.runs = AsioRuns::kLent, .context = &lender.context()});
  EXPECT_EQ(lent.PollOnce().error, ExecutorError::kNotSupported);
}

TEST(AsioExecutor, BlockOnOfAPolledOneSleepsUntilAnotherThreadWakesIt) {
  AsioExecutor executor;
  std::promise<BodyWaker> wakers;
  std::atomic<bool> is_over = false;
  bool is_told = false;
  FunctionBody body([&](const BodyContext& context) {
    if (!is_told) wakers.set_value(context.waker);
    is_told = true;
    return is_over.load(std::memory_order_relaxed) ? BodyStep::Done() : BodyStep::OnWake();
  });
  std::thread other([&] {
    const BodyWaker waker = wakers.get_future().get();
    is_over.store(true, std::memory_order_relaxed);
    waker.Wake();
  });
  EXPECT_EQ(executor.BlockOn(body), ExecutorError::kNone);
  other.join();
}

// Each of several threads gives a body news many times; plain variables show any lack of order.
TEST(AsioExecutor, LosesNoWakeAndPollsNoBodyTwiceAtOnce) {
  constexpr int kWakers = 3;
  constexpr int kNews = 300;
  Lender lender(2);
  const AsioOptions all[] = {{.runs = AsioRuns::kOwnThread},
                             {.runs = AsioRuns::kLent, .context = &lender.context()}};
  for (const AsioOptions& options : all) {
    AsioExecutor executor(options);
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
    EXPECT_EQ(executor.BlockOn(body), ExecutorError::kNone);
    for (std::thread& thread : threads) thread.join();
    EXPECT_GE(polls, 2);
  }
}

TEST(AsioExecutor, ManyThreadsSpawnAndEachBodyEndsOnce) {
  constexpr int kThreads = 3;
  constexpr int kEach = 200;
  Lender lender(2);
  AsioExecutor executor({.runs = AsioRuns::kLent, .context = &lender.context()});
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
        EXPECT_EQ(executor.BlockOn(body), ExecutorError::kNone);
        EXPECT_EQ(polls, 3);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(ran, kThreads * kEach);
  EXPECT_EQ(executor.task_count(), 0u);
}

TEST(AsioExecutor, AShutdownPollsOnceMoreAndDropsWhatIsNotDone) {
  Lender lender(2);
  io_context idle;  // Nobody runs it.
  const AsioOptions all[] = {{.runs = AsioRuns::kPolled},
                             {.runs = AsioRuns::kOwnThread},
                             {.runs = AsioRuns::kLent, .context = &lender.context()},
                             {.runs = AsioRuns::kLent, .context = &idle}};
  for (const AsioOptions& options : all) {
    AsioExecutor executor(options);
    FunctionBody obedient([](const BodyContext& context) {
      return context.should_stop ? BodyStep::Done() : BodyStep::OnWake();
    });
    FunctionBody deaf([] { return BodyStep::OnWake(); });
    FunctionBody busy([] { return BodyStep::Again(); });
    FunctionBody late([](const BodyContext& context) {
      return BodyStep::At(context.now_ns + int64_t{3'600'000'000'000});
    });
    for (TaskBody* const body : std::initializer_list<TaskBody*>{&obedient, &deaf, &busy, &late}) {
      ASSERT_EQ(executor.Spawn(*body), ExecutorError::kNone);
    }
    EXPECT_EQ(executor.Shutdown(), ExecutorError::kNone);
    EXPECT_TRUE(obedient.has_ended() && deaf.has_ended() && busy.has_ended() && late.has_ended());
    EXPECT_EQ(obedient.end(), ExecutorError::kNone);
    EXPECT_EQ(deaf.end(), ExecutorError::kNotRunning);
    EXPECT_EQ(busy.end(), ExecutorError::kNotRunning);
    EXPECT_EQ(late.end(), ExecutorError::kNotRunning);
    EXPECT_FALSE(executor.IsRunning());
    EXPECT_EQ(executor.task_count(), 0u);
    EXPECT_EQ(executor.Spawn(late), ExecutorError::kNotRunning);
    EXPECT_EQ(executor.BlockOn(late), ExecutorError::kNotRunning);
    EXPECT_EQ(executor.Shutdown(), ExecutorError::kNotRunning);
  }
}

TEST(AsioExecutor, AShutdownEndsABlockOnOfAnotherThread) {
  AsioExecutor executor({.runs = AsioRuns::kOwnThread});
  std::promise<void> begun;
  bool is_told = false;
  FunctionBody body([&] {
    if (!is_told) begun.set_value();
    is_told = true;
    return BodyStep::OnWake();
  });
  ExecutorError answer = ExecutorError::kNone;
  std::thread blocked([&] { answer = executor.BlockOn(body); });
  begun.get_future().wait();
  EXPECT_EQ(executor.Shutdown(), ExecutorError::kNone);
  blocked.join();
  EXPECT_EQ(answer, ExecutorError::kNotRunning);
}

TEST(AsioExecutor, ALentContextServesItsLenderAsWell) {
  Lender lender(1);
  AsioExecutor executor({.runs = AsioRuns::kLent, .context = &lender.context()});
  std::promise<std::thread::id> theirs;
  boost::asio::post(lender.context(), [&] { theirs.set_value(std::this_thread::get_id()); });
  std::thread::id ours;
  FunctionBody body([&] { ours = std::this_thread::get_id(); });
  EXPECT_EQ(executor.BlockOn(body), ExecutorError::kNone);
  EXPECT_EQ(theirs.get_future().get(), ours);
}

}  // namespace
}  // namespace weft

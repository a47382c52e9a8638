// Bridges across real threads, for ThreadSanitizer: bodies are woken on other threads while they
// are polled, wait, end and give their place to others; futures and awaitables are answered there.
// A wake-up that is lost ends a test by its timeout.
#include <gtest/gtest.h>

#include <atomic>
#include <coroutine>
#include <cstdint>
#include <future>
#include <memory>
#include <utility>

#include "async/bridge.h"
#include "async/spawn_family.h"
#include "async_thread_fixture.h"

namespace weft {
namespace {

using BridgeThreadTest = AsyncThreadTest;

constexpr int kRounds = 300;

// What a body waits for and a task of another host writes.
struct Answer {
  std::atomic<bool> is_there{false};
  int value = 0;
};

// Has a task there answer and wake, and wake once more when the body may have ended long ago.
bool Ask(TaskHost& host, const std::shared_ptr<Answer>& answer, BodyWaker waker) {
  return SpawnDetached(host,
                       [answer, waker](TaskContext& context) {
                         answer->value = 1;
                         answer->is_there.store(true, std::memory_order_release);
                         waker.Wake();
                         context.SleepFor(1'000);
                         waker.Wake();
                       })
      .ok();
}

int AskedThere(TaskContext& context, TaskHost& there) {
  const auto answer = std::make_shared<Answer>();
  bool has_asked = false;
  FunctionBody body([&](const BodyContext& poll) {
    if (!has_asked) has_asked = Ask(there, answer, poll.waker);
    if (!has_asked) return BodyStep::At(poll.now_ns + 10'000);
    return answer->is_there.load(std::memory_order_acquire) ? BodyStep::Done() : BodyStep::OnWake();
  });
  EXPECT_EQ(RunBody(context, body), ExecutorError::kNone);
  return answer->value;
}

TEST_F(BridgeThreadTest, NoWakeOfAnotherThreadIsLostAndLateOnesHarmNobody) {
  for (size_t index = 0; index < 3; ++index) {
    TaskHost& there = host((index + 1) % 3);
    const auto asked = BlockOn(host(index), [&there](TaskContext& context) {
      int count = 0;
      for (int round = 0; round < kRounds; ++round) count += AskedThere(context, there);
      return count;
    });
    ASSERT_TRUE(asked.ok()) << asked.status();
    EXPECT_EQ(*asked, kRounds);
  }
}

TEST_F(BridgeThreadTest, WakesRaceWithTimesThatPass) {
  const auto ended = BlockOn(host(0), [this](TaskContext& context) {
    int count = 0;
    for (int round = 0; round < kRounds; ++round) {
      const auto answer = std::make_shared<Answer>();
      bool has_asked = false;
      FunctionBody body([&](const BodyContext& poll) {
        if (!has_asked) has_asked = Ask(host(1), answer, poll.waker);
        return answer->is_there.load(std::memory_order_acquire) ? BodyStep::Done()
                                                                : BodyStep::OnWake();
      });
      const int64_t until_ns = context.NowNs() + round % 40 * 500;
      const ExecutorError end = RunBody(context, body, until_ns);
      EXPECT_TRUE(end == ExecutorError::kNone || end == ExecutorError::kNotRunning);
      ++count;
    }
    return count;
  });
  ASSERT_TRUE(ended.ok()) << ended.status();
  EXPECT_EQ(*ended, kRounds);
}

TEST_F(BridgeThreadTest, AThreadOfThePoolThatWaitsIsToldWhenItsHostStops) {
  std::promise<BodyWaker> begins;
  auto ended = SpawnForFuture(pool(), [&begins](TaskContext& context) {
    FunctionBody body([&begins](const BodyContext& poll) {
      if (!poll.should_stop) begins.set_value(poll.waker);
      return BodyStep::OnWake();
    });
    return RunBody(context, body);
  });
  ASSERT_TRUE(ended.ok()) << ended.status();
  const BodyWaker waker = begins.get_future().get();
  static_cast<RealCore&>(pool()).Stop();
  EXPECT_EQ(ended->get(), ExecutorError::kNotRunning);
  waker.Wake();
}

TEST_F(BridgeThreadTest, TasksOfEveryHostAreAwaitedAsFutures) {
  for (size_t index = 0; index < 3; ++index) {
    TaskHost& there = host((index + 1) % 3);
    const auto sum = BlockOn(host(index), [&there](TaskContext& context) {
      int total = 0;
      for (int round = 0; round < kRounds / 10; ++round) {
        auto future = SpawnForFuture(there, [](TaskContext& inner) {
          inner.SleepFor(20'000);
          return std::make_unique<int>(1);
        });
        EXPECT_TRUE(future.ok()) << future.status();
        if (future.ok()) total += **AwaitFuture(context, *future);
      }
      return total;
    });
    ASSERT_TRUE(sum.ok()) << sum.status();
    EXPECT_EQ(*sum, kRounds / 10);
  }
}

TEST_F(BridgeThreadTest, AThreadThatRunsNoTasksBlocksOnItsFuture) {
  for (int round = 0; round < kRounds; ++round) {
    auto future = SpawnForFuture(host(static_cast<size_t>(round % 3)), [round] { return round; });
    ASSERT_TRUE(future.ok()) << future.status();
    EXPECT_EQ(future->get(), round);
  }
}

// Resumes whoever awaits it as a task of another host.
struct GoThere {
  TaskHost* host;
  bool await_ready() const { return false; }
  bool await_suspend(std::coroutine_handle<> waiting) const {
    return SpawnDetached(*host, [waiting] { waiting.resume(); }).ok();
  }
  TaskHost* await_resume() const { return TaskHost::Here(); }
};

TEST_F(BridgeThreadTest, AwaitablesAnswerOnOtherHostsAlsoWhenNobodyWaits) {
  for (size_t index = 0; index < 3; ++index) {
    TaskHost& there = host((index + 1) % 3);
    const auto answered = BlockOn(host(index), [&there](TaskContext& context) {
      int count = 0;
      for (int round = 0; round < kRounds; ++round) {
        const bool has_end = round % 2 == 1;
        const int64_t until_ns = has_end ? context.NowNs() + round % 20 * 1'000 : kNoEnd;
        const auto answer = Await(context, GoThere{&there}, until_ns);
        EXPECT_TRUE(answer.ok() || (has_end && absl::IsDeadlineExceeded(answer.status())))
            << answer.status();
        count += answer.ok() ? 1 : 0;
      }
      return count;
    });
    ASSERT_TRUE(answered.ok()) << answered.status();
    EXPECT_GE(*answered, kRounds / 2);
  }
}

}  // namespace
}  // namespace weft

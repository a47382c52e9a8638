// Channels across real threads, for ThreadSanitizer: between two cores, the blocking pool and
// threads that run no tasks, small so that both sides wait often; while waits elapse, tasks are
// aborted and ends go. Nothing is lost, doubled or out of its sender's order, and nobody sleeps
// beside something that is there: a wake-up that is lost ends a test by its timeout.
#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>
#include <thread>
#include <utility>
#include <vector>

#include "async/byte_channel.h"
#include "async/mpsc_channel.h"
#include "async/spawn.h"
#include "async/spsc_channel.h"
#include "async_thread_fixture.h"

namespace weft {
namespace {

using ChannelThreadTest = AsyncThreadTest;

constexpr int kItems = 4'000;

template <class Receiver>
int64_t ReceiveAll(TaskContext& context, Receiver& receiver) {
  int64_t sum = 0;
  int expected = 0;
  int item = 0;
  while (receiver.Receive(context, &item) == WaitResult::kDone) {
    EXPECT_EQ(item, expected++);
    sum += item;
  }
  return sum;
}

constexpr int64_t kSum = int64_t{kItems} * (kItems - 1) / 2;

TEST_F(ChannelThreadTest, OneCoreSendsTheOtherReceives) {
  auto ends = OpenSpscChannel<int>(4);
  auto received =
      Spawn(host(1), [receiver = std::move(ends.receiver)](TaskContext& context) mutable {
        return ReceiveAll(context, receiver);
      });
  auto sent = Spawn(host(0), [sender = std::move(ends.sender)](TaskContext& context) mutable {
    for (int i = 0; i < kItems; ++i) {
      EXPECT_EQ(sender.Send(context, int{i}), WaitResult::kDone);
    }
  });
  ASSERT_TRUE(received.ok() && sent.ok());
  EXPECT_TRUE(sent->BlockingJoin().ok());
  EXPECT_EQ(*received->BlockingJoin(), kSum);
}

TEST_F(ChannelThreadTest, ThePoolSendsAThreadReceives) {
  auto ends = OpenSpscChannel<int>(2);
  auto sent = Spawn(pool(), [sender = std::move(ends.sender)](TaskContext& context) mutable {
    for (int i = 0; i < kItems; ++i) {
      EXPECT_EQ(sender.Send(context, int{i}), WaitResult::kDone);
    }
  });
  ASSERT_TRUE(sent.ok());
  int64_t sum = 0;
  int item = 0;
  while (ends.receiver.BlockingReceive(&item) == WaitResult::kDone) sum += item;
  EXPECT_EQ(sum, kSum);
  EXPECT_TRUE(sent->BlockingJoin().ok());
}

TEST_F(ChannelThreadTest, WordsGoBackAndForth) {
  auto there = OpenSpscChannel<int>(2);
  auto back = OpenSpscChannel<int>(2);
  auto echo = Spawn(host(1), [&](TaskContext& context) {
    int item = 0;
    while (there.receiver.Receive(context, &item) == WaitResult::kDone) {
      EXPECT_EQ(back.sender.Send(context, item + 1), WaitResult::kDone);
    }
  });
  ASSERT_TRUE(echo.ok());
  int item = 0;
  for (int i = 0; i < kItems / 4; ++i) {
    EXPECT_EQ(there.sender.BlockingSend(int{i}), WaitResult::kDone);
    EXPECT_EQ(back.receiver.BlockingReceive(&item), WaitResult::kDone);
    EXPECT_EQ(item, i + 1);
  }
  there.sender.channel().Close();
  EXPECT_TRUE(echo->BlockingJoin().ok());
}

// Each sender's own order is kept, and what it counts as sent is what comes.
TEST_F(ChannelThreadTest, ManySendersOfEveryKind) {
  constexpr int kSenders = 8;
  auto ends = OpenMpscChannel<std::pair<int, int>>(2);
  std::vector<JoinHandle<void>> tasks;
  std::vector<std::thread> threads;
  for (int number = 0; number < kSenders; ++number) {
    auto body = [number, sender = ends.sender](TaskContext* context) mutable {
      for (int i = 0; i < kItems / kSenders; ++i) {
        std::pair<int, int> item(number, i);
        const WaitResult sent = context == nullptr ? sender.BlockingSend(std::move(item))
                                                   : sender.Send(*context, std::move(item));
        EXPECT_EQ(sent, WaitResult::kDone);
      }
    };
    if (number % 4 == 3) {
      threads.emplace_back([body = std::move(body)]() mutable { body(nullptr); });
      continue;
    }
    auto task = Spawn(host(static_cast<size_t>(number % 4)),
                      [body = std::move(body)](TaskContext& context) mutable { body(&context); });
    ASSERT_TRUE(task.ok()) << task.status();
    tasks.push_back(*std::move(task));
  }
  { const auto gone = std::move(ends.sender); }
  std::array<int, kSenders> next{};
  std::pair<int, int> item;
  while (ends.receiver.BlockingReceive(&item) == WaitResult::kDone) {
    EXPECT_EQ(item.second, next[static_cast<size_t>(item.first)]++);
  }
  for (const int count : next) EXPECT_EQ(count, kItems / kSenders);
  for (auto& task : tasks) EXPECT_TRUE(task.BlockingJoin().ok());
  for (auto& thread : threads) thread.join();
}

// What was sent in spite of waits that end is what is received.
TEST_F(ChannelThreadTest, WaitsThatElapseAndTasksThatAreAbortedLoseNothing) {
  std::atomic<int> sent{0};
  auto ends = OpenMpscChannel<int>(2);
  std::vector<JoinHandle<void>> tasks;
  for (size_t number = 0; number < 6; ++number) {
    auto task =
        Spawn(host(number % 3), [&sent, sender = ends.sender](TaskContext& context) mutable {
          for (int i = 0; i < kItems / 8; ++i) {
            const int64_t until_ns = context.NowNs() + i % 5 * 10'000;
            const WaitResult result = sender.Send(context, 1, until_ns);
            if (result == WaitResult::kDone) sent.fetch_add(1);
            if (result == WaitResult::kCancelled) return;
          }
        });
    ASSERT_TRUE(task.ok()) << task.status();
    tasks.push_back(*std::move(task));
  }
  { const auto gone = std::move(ends.sender); }
  int received = 0;
  int item = 0;
  WaitResult result = WaitResult::kDone;
  while (result != WaitResult::kClosed) {
    result = ends.receiver.BlockingReceive(&item, RemoteWaiter::ThreadNowNs() + 20'000);
    if (result == WaitResult::kDone) ++received;
    if (received == kItems / 16) tasks.front().Abort();
  }
  for (auto& task : tasks) (void)task.BlockingJoin();
  EXPECT_EQ(received, sent.load());
}

// Whoever is told kDone was received, though the channel is closed from elsewhere at any moment.
TEST_F(ChannelThreadTest, ClosingRacesWithSendersAndTheReceiver) {
  for (int round = 0; round < 300; ++round) {
    std::atomic<int> sent{0};
    auto ends = OpenMpscChannel<int>(2);
    std::vector<JoinHandle<void>> tasks;
    for (size_t number = 0; number < 3; ++number) {
      auto task = Spawn(host(number), [&sent, sender = ends.sender](TaskContext& context) mutable {
        while (sender.Send(context, 1) == WaitResult::kDone) sent.fetch_add(1);
      });
      ASSERT_TRUE(task.ok()) << task.status();
      tasks.push_back(*std::move(task));
    }
    auto received = Spawn(host(1), [&](TaskContext& context) {
      int count = 0;
      int item = 0;
      while (ends.receiver.Receive(context, &item) == WaitResult::kDone) ++count;
      return count;
    });
    ASSERT_TRUE(received.ok()) << received.status();
    while (sent.load() < round % 30) std::this_thread::yield();
    ends.sender.channel().Close();
    const auto count = received->BlockingJoin();
    for (auto& task : tasks) EXPECT_TRUE(task.BlockingJoin().ok());
    EXPECT_EQ(*count, sent.load());
  }
}

TEST_F(ChannelThreadTest, TheReceiverThatGoesRacesWithSenders) {
  for (int round = 0; round < 300; ++round) {
    auto ends = OpenMpscChannel<int>(2);
    std::vector<JoinHandle<void>> tasks;
    for (size_t number = 0; number < 3; ++number) {
      auto task = Spawn(host(number), [sender = ends.sender](TaskContext& context) mutable {
        WaitResult result = WaitResult::kDone;
        while (result == WaitResult::kDone) result = sender.Send(context, 1);
        EXPECT_EQ(result, WaitResult::kClosed);
      });
      ASSERT_TRUE(task.ok()) << task.status();
      tasks.push_back(*std::move(task));
    }
    int item = 0;
    for (int i = 0; i < round % 10; ++i) (void)ends.receiver.BlockingReceive(&item);
    { const auto gone = std::move(ends.receiver); }
    for (auto& task : tasks) EXPECT_TRUE(task.BlockingJoin().ok());
  }
}

// Pieces of every length, through a stream that is shorter than most.
TEST_F(ChannelThreadTest, AStreamOfBytesComesAsItWasWritten) {
  auto ends = OpenByteChannel(16);
  auto written = Spawn(host(0), [writer = std::move(ends.sender)](TaskContext& context) mutable {
    uint8_t next = 0;
    std::array<std::byte, 40> piece;
    for (size_t bytes = 0; bytes < kItems; bytes += 1) {
      const auto length = bytes % piece.size();
      for (size_t i = 0; i < length; ++i) piece[i] = static_cast<std::byte>(next++);
      size_t count = 0;
      EXPECT_EQ(writer.channel().WriteAll(context, std::span(piece).first(length), &count),
                WaitResult::kDone);
    }
  });
  ASSERT_TRUE(written.ok()) << written.status();
  uint8_t expected = 0;
  uint64_t bytes = 0;
  std::array<std::byte, 24> piece;
  size_t count = 0;
  while (ends.receiver.channel().BlockingRead(
             std::span(piece).first(1 + static_cast<size_t>(bytes) % piece.size()), &count) ==
         WaitResult::kDone) {
    for (size_t i = 0; i < count; ++i) {
      ASSERT_EQ(static_cast<uint8_t>(piece[i]), expected++);
    }
    bytes += count;
  }
  EXPECT_EQ(bytes, uint64_t{kItems} / 40 * (39 * 40 / 2));
  EXPECT_TRUE(written->BlockingJoin().ok());
}

}  // namespace
}  // namespace weft

// Channels of one host: order, who is served when it is full or empty, every way a wait may end,
// and what hears of an end that goes.
#include "async/local_channel.h"

#include <memory>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "async_fixture.h"
#include "test_seed.h"

namespace weft {
namespace {

class LocalChannelTest : public AsyncTest {
 protected:
  using Channel = LocalChannel<int>;
};

TEST_F(LocalChannelTest, GivesBackInOrderWhatWasSent) {
  Channel channel(host(), 3);
  EXPECT_EQ(channel.capacity(), 3U);
  for (int lap = 0; lap < 5; ++lap) {
    for (int i = 0; i < 3; ++i) EXPECT_EQ(channel.TrySend(lap * 3 + i), TryResult::kDone);
    EXPECT_EQ(channel.TrySend(-1), TryResult::kWouldWait) << "it is full";
    int item = 0;
    for (int i = 0; i < 3; ++i) {
      EXPECT_EQ(channel.TryReceive(&item), TryResult::kDone);
      EXPECT_EQ(item, lap * 3 + i);
    }
    EXPECT_EQ(channel.TryReceive(&item), TryResult::kWouldWait) << "it is empty";
  }
}

TEST_F(LocalChannelTest, ACapacityOfNoneIsOne) {
  Channel channel(host(), 0);
  EXPECT_EQ(channel.capacity(), 1U);
  EXPECT_EQ(channel.TrySend(1), TryResult::kDone);
  EXPECT_EQ(channel.TrySend(2), TryResult::kWouldWait);
}

TEST_F(LocalChannelTest, WhatWasNotSentIsStillTheSenders) {
  LocalChannel<std::unique_ptr<int>> channel(host(), 1);
  EXPECT_EQ(channel.TrySend(std::make_unique<int>(1)), TryResult::kDone);
  auto kept = std::make_unique<int>(2);
  EXPECT_EQ(channel.TrySend(std::move(kept)), TryResult::kWouldWait);
  Go([&](TaskContext& context) {
    EXPECT_EQ(channel.Send(context, std::move(kept), NowNs() + 1'000), WaitResult::kElapsed);
  });
  Settle();
  Advance(2'000'000);
  channel.Close();
  // NOLINTNEXTLINE(bugprone-use-after-move): that it was not moved from is what is tested.
  EXPECT_EQ(channel.TrySend(std::move(kept)), TryResult::kClosed);
  ASSERT_NE(kept, nullptr);
  EXPECT_EQ(*kept, 2);
}

TEST_F(LocalChannelTest, ReceiversAreServedInTheOrderTheyCameAndNobodyOvertakesThem) {
  Channel channel(host(), 4);
  std::string order;
  for (const char name : {'a', 'b', 'c'}) {
    Go([&, name](TaskContext& context) {
      int item = 0;
      EXPECT_EQ(channel.Receive(context, &item), WaitResult::kDone);
      order += name + std::to_string(item) + ' ';
    });
  }
  Settle();
  for (int i = 1; i <= 3; ++i) EXPECT_EQ(channel.TrySend(int{i}), TryResult::kDone);
  int item = 0;
  EXPECT_EQ(channel.TryReceive(&item), TryResult::kWouldWait) << "all three are handed over";
  Settle();
  EXPECT_EQ(order, "a1 b2 c3 ");
}

TEST_F(LocalChannelTest, SendersAreServedInTheOrderTheyCameAndNobodyOvertakesThem) {
  Channel channel(host(), 1);
  EXPECT_EQ(channel.TrySend(0), TryResult::kDone);
  for (int i = 1; i <= 3; ++i) {
    Go([&, i](TaskContext& context) {
      EXPECT_EQ(channel.Send(context, int{i}), WaitResult::kDone);
    });
  }
  Settle();
  for (int i = 0; i <= 3; ++i) {
    int item = -1;
    EXPECT_EQ(channel.TryReceive(&item), TryResult::kDone);
    EXPECT_EQ(item, i);
    if (i < 3) {
      EXPECT_EQ(channel.TrySend(99), TryResult::kWouldWait) << "its place is taken";
    }
    Settle();
  }
}

TEST_F(LocalChannelTest, AWaitMayElapseOrBeCancelledAndTakesNothingThen) {
  Channel channel(host(), 1);
  WaitResult elapsed = WaitResult::kDone;
  WaitResult cancelled = WaitResult::kDone;
  Go([&](TaskContext& context) {
    int item = 0;
    elapsed = channel.Receive(context, &item, NowNs() + 1'000'000);
  });
  auto handle = Spawn(host(), [&](TaskContext& context) {
    int item = 0;
    cancelled = channel.Receive(context, &item);
  });
  Settle();
  Advance(2'000'000);
  EXPECT_EQ(elapsed, WaitResult::kElapsed);
  handle->Abort();
  Settle();
  EXPECT_EQ(cancelled, WaitResult::kCancelled);
  EXPECT_EQ(channel.TrySend(7), TryResult::kDone);
  EXPECT_EQ(channel.size(), 1U) << "nobody was left in its list";
}

TEST_F(LocalChannelTest, AWaitOfNoTimeElapses) {
  Channel channel(host(), 1);
  WaitResult result = WaitResult::kDone;
  Go([&](TaskContext& context) {
    int item = 0;
    result = channel.Receive(context, &item, context.NowNs());
  });
  Settle();
  Advance(1'000'000);
  EXPECT_EQ(result, WaitResult::kElapsed);
}

TEST_F(LocalChannelTest, WhatWasHandedOverCountsAlsoWhenACancelComesInTheSameTurn) {
  Channel channel(host(), 1);
  int item = 0;
  WaitResult result = WaitResult::kElapsed;
  auto handle =
      Spawn(host(), [&](TaskContext& context) { result = channel.Receive(context, &item); });
  Settle();
  EXPECT_EQ(channel.TrySend(5), TryResult::kDone);
  handle->Abort();
  Settle();
  EXPECT_EQ(result, WaitResult::kDone);
  EXPECT_EQ(item, 5);
}

TEST_F(LocalChannelTest, ClosedWhileWaitedOnItTellsReceiversAndSenders) {
  Channel empty(host(), 1);
  Channel full(host(), 1);
  EXPECT_EQ(full.TrySend(1), TryResult::kDone);
  WaitResult received = WaitResult::kDone;
  WaitResult sent = WaitResult::kDone;
  Go([&](TaskContext& context) {
    int item = 0;
    received = empty.Receive(context, &item);
  });
  Go([&](TaskContext& context) { sent = full.Send(context, 2); });
  Settle();
  empty.Close();
  full.Close();
  Settle();
  EXPECT_EQ(received, WaitResult::kClosed);
  EXPECT_EQ(sent, WaitResult::kClosed);
  full.Close();
  int item = 0;
  EXPECT_EQ(full.TryReceive(&item), TryResult::kDone) << "what was sent is still received";
  EXPECT_EQ(item, 1);
  EXPECT_EQ(full.TryReceive(&item), TryResult::kClosed);
  EXPECT_EQ(full.TrySend(3), TryResult::kClosed);
}

TEST_F(LocalChannelTest, IsRefusedToTasksOfAnotherHostAndToOtherThreads) {
  sys::Ticks now = 1;
  Core<ManualEnv> other(core_->options(), ManualEnv(&now), doorbell_);
  ASSERT_TRUE(other.Prepare().ok());
  Channel foreign(other, 1);
  Channel own(host(), 1);
  Go([&](TaskContext& context) {
    int item = 0;
    EXPECT_EQ(foreign.Send(context, 1), WaitResult::kElsewhere);
    EXPECT_EQ(foreign.Receive(context, &item), WaitResult::kElsewhere);
  });
  Settle();
  Elsewhere([&] {
    int item = 0;
    EXPECT_EQ(own.TrySend(1), TryResult::kElsewhere);
    EXPECT_EQ(own.TryReceive(&item), TryResult::kElsewhere);
  });
  EXPECT_EQ(own.size(), 0U);
}

TEST_F(LocalChannelTest, TheLastSenderThatGoesClosesIt) {
  auto [sender, receiver] = OpenLocalChannel<int>(host(), 4);
  std::vector<int> received;
  WaitResult end = WaitResult::kDone;
  Go([&, receiver = std::move(receiver)](TaskContext& context) mutable {
    int item = 0;
    while ((end = receiver.Receive(context, &item)) == WaitResult::kDone) received.push_back(item);
  });
  auto other = std::make_optional(sender);
  Go([sender = std::move(sender)](TaskContext& context) mutable {
    EXPECT_EQ(sender.Send(context, 1), WaitResult::kDone);
  });
  Settle();
  EXPECT_EQ(received, std::vector<int>{1});
  EXPECT_EQ(end, WaitResult::kDone) << "a sender is left";
  EXPECT_EQ(other->TrySend(2), TryResult::kDone);
  other.reset();
  Settle();
  EXPECT_EQ(received, (std::vector<int>{1, 2}));
  EXPECT_EQ(end, WaitResult::kClosed);
}

TEST_F(LocalChannelTest, TheReceiverThatGoesTellsSendersAndDropsWhatIsLeft) {
  auto ends = OpenLocalChannel<std::shared_ptr<int>>(host(), 2);
  const auto value = std::make_shared<int>(1);
  EXPECT_EQ(ends.sender.TrySend(std::shared_ptr<int>(value)), TryResult::kDone);
  EXPECT_EQ(ends.sender.TrySend(std::shared_ptr<int>(value)), TryResult::kDone);
  WaitResult sent = WaitResult::kDone;
  Go([&](TaskContext& context) { sent = ends.sender.Send(context, std::shared_ptr<int>(value)); });
  Settle();
  EXPECT_EQ(value.use_count(), 4);
  { const auto gone = std::move(ends.receiver); }
  Settle();
  EXPECT_EQ(sent, WaitResult::kClosed);
  EXPECT_EQ(value.use_count(), 1);
}

TEST_F(LocalChannelTest, AnEndThatGoesElsewhereDisconnectsOnTheHost) {
  auto ends = OpenLocalChannel<int>(host(), 1);
  WaitResult received = WaitResult::kDone;
  Go([&](TaskContext& context) {
    int item = 0;
    received = ends.receiver.Receive(context, &item);
  });
  Settle();
  Elsewhere([sender = std::move(ends.sender)] {});
  EXPECT_EQ(received, WaitResult::kDone) << "not before the host has looked";
  Settle();
  EXPECT_EQ(received, WaitResult::kClosed);
}

TEST_F(LocalChannelTest, EndsMayOutliveTheHostAndGoWithIt) {
  auto ends = OpenLocalChannel<std::shared_ptr<int>>(host(), 2);
  auto doomed = OpenLocalChannel<int>(host(), 1);
  const auto value = std::make_shared<int>(1);
  EXPECT_EQ(ends.sender.TrySend(std::shared_ptr<int>(value)), TryResult::kDone);
  // One waits for what another that never begins would close.
  Go([receiver = std::move(doomed.receiver)](TaskContext& context) mutable {
    int item = 0;
    (void)receiver.Receive(context, &item);
  });
  Settle();
  Go([sender = std::move(doomed.sender)] {});
  core_.reset();
  { const auto gone = std::move(ends.receiver); }
  { const auto gone = std::move(ends.sender); }
  EXPECT_EQ(value.use_count(), 1);
}

TEST_F(LocalChannelTest, AnEndThatGoesAfterTheHostWakesNobodyWhoIsGone) {
  auto ends = OpenLocalChannel<int>(host(), 1);
  Go([&](TaskContext& context) {
    int item = 0;
    (void)ends.receiver.Receive(context, &item);
  });
  Settle();
  core_.reset();
  Elsewhere([sender = std::move(ends.sender)] {});
  Elsewhere([receiver = std::move(ends.receiver)] {});
}

// What was sent, in the order in which it was or came to wait, is what was received.
class ByChanceTest : public LocalChannelTest {
 protected:
  void Step(Channel& channel, uint64_t choice) {
    const bool may_spawn = home().live() < 20;
    if (choice == 0) {
      if (channel.TrySend(int{next_}) == TryResult::kDone) sent_.push_back(next_);
      ++next_;
    } else if (choice == 1) {
      Take(channel);
    } else if (choice == 2 && may_spawn) {
      Go([&, item = next_++](TaskContext& context) {
        sent_.push_back(item);
        EXPECT_EQ(channel.Send(context, int{item}), WaitResult::kDone);
      });
    } else if (may_spawn) {
      Go([&](TaskContext& context) {
        int item = 0;
        if (channel.Receive(context, &item) == WaitResult::kDone) received_.push_back(item);
      });
    }
    // So that who was handed something notes it in its turn.
    Settle();
  }

  bool Take(Channel& channel) {
    int item = 0;
    if (channel.TryReceive(&item) != TryResult::kDone) return false;
    received_.push_back(item);
    return true;
  }

  int next_ = 0;
  std::vector<int> sent_;
  std::vector<int> received_;
};

TEST_F(ByChanceTest, DoesWhatAQueueDoesWhateverIsAsked) {
  std::mt19937_64 random(TestSeed());
  for (size_t capacity = 1; capacity <= 5; ++capacity) {
    Channel channel(host(), capacity);
    for (int step = 0; step < 400; ++step) Step(channel, random() % 4);
    // Whoever still waits to send is served, then whoever waits to receive is told.
    while (Take(channel)) Settle();
    channel.Close();
    Settle();
    EXPECT_EQ(received_, sent_) << "capacity " << capacity;
    EXPECT_EQ(home().live(), 0U);
  }
}

}  // namespace
}  // namespace weft

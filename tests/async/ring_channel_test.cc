// Channels between threads, by hand: order, refusals, every way a wait may end, and what hears of
// an end that goes. Both kinds are held to the same; threads are in channel_thread_test.cc.
#include "async/ring_channel.h"

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "async/mpsc_channel.h"
#include "async/spsc_channel.h"
#include "async_fixture.h"

namespace weft {
namespace {

template <class Channel>
class RingChannelTest : public AsyncTest {
 protected:
  // Two places.
  ChannelEnds<Channel> ends_ = OpenChannel<Channel>(2);
  Channel& channel_ = ends_.sender.channel();
};

using Kinds = testing::Types<SpscChannel<std::shared_ptr<int>>, MpscChannel<std::shared_ptr<int>>>;
TYPED_TEST_SUITE(RingChannelTest, Kinds);

using Item = std::shared_ptr<int>;

Item Of(int value) { return std::make_shared<int>(value); }

TYPED_TEST(RingChannelTest, GivesBackInOrderWhatWasSent) {
  Item item;
  for (int lap = 0; lap < 5; ++lap) {
    EXPECT_EQ(this->channel_.TryReceive(&item), TryResult::kWouldWait);
    EXPECT_EQ(this->channel_.TrySend(Of(lap)), TryResult::kDone);
    EXPECT_EQ(this->channel_.TrySend(Of(lap + 100)), TryResult::kDone);
    Item refused = Of(9);
    EXPECT_EQ(this->channel_.TrySend(std::move(refused)), TryResult::kWouldWait);
    // NOLINTNEXTLINE(bugprone-use-after-move): that it was not moved from is what is tested.
    EXPECT_EQ(*refused, 9) << "what was not sent is still the sender's";
    EXPECT_EQ(this->channel_.TryReceive(&item), TryResult::kDone);
    EXPECT_EQ(*item, lap);
    EXPECT_EQ(this->channel_.TryReceive(&item), TryResult::kDone);
    EXPECT_EQ(*item, lap + 100);
  }
}

TYPED_TEST(RingChannelTest, RoundsItsCapacityUp) {
  EXPECT_EQ(TypeParam(0).capacity(), 2U);
  EXPECT_EQ(TypeParam(2).capacity(), 2U);
  EXPECT_EQ(TypeParam(5).capacity(), 8U);
}

TYPED_TEST(RingChannelTest, AReceiverWaitsUntilSomethingIsSent) {
  std::vector<int> received;
  this->Go([&](TaskContext& context) {
    Item item;
    while (this->channel_.Receive(context, &item) == WaitResult::kDone) received.push_back(*item);
  });
  this->Settle();
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(this->channel_.TrySend(Of(i)), TryResult::kDone);
    this->Settle();
  }
  EXPECT_EQ(received, (std::vector<int>{0, 1, 2, 3, 4}));
  this->channel_.Close();
  this->Settle();
  EXPECT_EQ(this->home().live(), 0U);
}

TYPED_TEST(RingChannelTest, ASenderWaitsUntilSomethingIsTaken) {
  this->Go([&](TaskContext& context) {
    for (int i = 0; i < 5; ++i) EXPECT_EQ(this->channel_.Send(context, Of(i)), WaitResult::kDone);
  });
  this->Settle();
  EXPECT_EQ(this->home().live(), 1U);
  for (int i = 0; i < 5; ++i) {
    Item item;
    EXPECT_EQ(this->channel_.TryReceive(&item), TryResult::kDone);
    EXPECT_EQ(*item, i);
    this->Settle();
  }
  EXPECT_EQ(this->home().live(), 0U);
}

TYPED_TEST(RingChannelTest, WaitsMayElapseAndBeCancelled) {
  WaitResult elapsed = WaitResult::kDone;
  WaitResult at_once = WaitResult::kDone;
  WaitResult cancelled = WaitResult::kDone;
  auto handle = Spawn(this->host(), [&](TaskContext& context) {
    Item item;
    at_once = this->channel_.Receive(context, &item, context.NowNs());
    elapsed = this->channel_.Receive(context, &item, context.NowNs() + 1'000'000);
    cancelled = this->channel_.Receive(context, &item);
  });
  this->Settle();
  this->Advance(100'000);
  EXPECT_EQ(at_once, WaitResult::kElapsed);
  this->Advance(2'000'000);
  EXPECT_EQ(elapsed, WaitResult::kElapsed);
  handle->Abort();
  this->Settle();
  EXPECT_EQ(cancelled, WaitResult::kCancelled);
  Item item;
  EXPECT_EQ(this->channel_.TrySend(Of(1)), TryResult::kDone) << "nobody is left at its seat";
  EXPECT_EQ(this->channel_.TryReceive(&item), TryResult::kDone);
}

TYPED_TEST(RingChannelTest, WhatThereIsCountsAlsoWhenACancelComesInTheSameTurn) {
  WaitResult result = WaitResult::kCancelled;
  auto handle = Spawn(this->host(), [&](TaskContext& context) {
    Item item;
    result = this->channel_.Receive(context, &item);
  });
  this->Settle();
  EXPECT_EQ(this->channel_.TrySend(Of(1)), TryResult::kDone);
  handle->Abort();
  this->Settle();
  EXPECT_EQ(result, WaitResult::kDone);
}

TYPED_TEST(RingChannelTest, ClosedWhileWaitedOnItTellsReceiverAndSender) {
  WaitResult received = WaitResult::kDone;
  WaitResult sent = WaitResult::kDone;
  this->Go([&](TaskContext& context) {
    Item item;
    received = this->channel_.Receive(context, &item);
  });
  TypeParam full(2);
  EXPECT_EQ(full.TrySend(Of(1)), TryResult::kDone);
  EXPECT_EQ(full.TrySend(Of(2)), TryResult::kDone);
  this->Go([&](TaskContext& context) { sent = full.Send(context, Of(3)); });
  this->Settle();
  this->Elsewhere([&] {
    this->channel_.Close();
    full.Close();
    full.Close();
  });
  this->Settle();
  EXPECT_EQ(received, WaitResult::kClosed);
  EXPECT_EQ(sent, WaitResult::kClosed);
  EXPECT_TRUE(full.is_closed());
  Item item;
  EXPECT_EQ(full.TrySend(Of(4)), TryResult::kClosed);
  for (int i = 1; i <= 2; ++i) {
    EXPECT_EQ(full.TryReceive(&item), TryResult::kDone) << "what was sent is still received";
    EXPECT_EQ(*item, i);
  }
  EXPECT_EQ(full.TryReceive(&item), TryResult::kClosed);
}

TYPED_TEST(RingChannelTest, TheLastSenderThatGoesClosesItAndWhatItSentIsReceived) {
  std::optional sender(std::move(this->ends_.sender));
  EXPECT_EQ(sender->TrySend(Of(1)), TryResult::kDone);
  this->Elsewhere([&] { sender.reset(); });
  Item item;
  EXPECT_EQ(this->ends_.receiver.TryReceive(&item), TryResult::kDone);
  EXPECT_EQ(this->ends_.receiver.TryReceive(&item), TryResult::kClosed);
}

TYPED_TEST(RingChannelTest, TheReceiverThatGoesTellsTheSenderAndDropsWhatIsLeft) {
  const Item value = Of(1);
  EXPECT_EQ(this->ends_.sender.TrySend(Item(value)), TryResult::kDone);
  EXPECT_EQ(this->ends_.sender.TrySend(Item(value)), TryResult::kDone);
  WaitResult sent = WaitResult::kDone;
  this->Go([&](TaskContext& context) { sent = this->ends_.sender.Send(context, Item(value)); });
  this->Settle();
  EXPECT_EQ(value.use_count(), 4);
  this->Elsewhere([receiver = std::move(this->ends_.receiver)] {});
  this->Settle();
  EXPECT_EQ(sent, WaitResult::kClosed);
  EXPECT_EQ(value.use_count(), 1);
}

TYPED_TEST(RingChannelTest, ASecondReceiverThatWouldWaitIsRefused) {
  WaitResult first = WaitResult::kElapsed;
  WaitResult second = WaitResult::kDone;
  this->Go([&](TaskContext& context) {
    Item item;
    first = this->channel_.Receive(context, &item);
  });
  this->Go([&](TaskContext& context) {
    Item item;
    second = this->channel_.Receive(context, &item);
  });
  this->Settle();
  EXPECT_EQ(second, WaitResult::kElsewhere);
  EXPECT_EQ(this->channel_.TrySend(Of(1)), TryResult::kDone);
  this->Settle();
  EXPECT_EQ(first, WaitResult::kDone) << "the first still waits";
}

TYPED_TEST(RingChannelTest, AThreadThatRunsTasksMustNotBlockOnIt) {
  Item item;
  EXPECT_EQ(this->channel_.BlockingReceive(&item), WaitResult::kElsewhere);
  EXPECT_EQ(this->channel_.BlockingSend(Of(1)), WaitResult::kElsewhere);
  this->Elsewhere([&] {
    EXPECT_EQ(this->channel_.BlockingSend(Of(1)), WaitResult::kDone);
    EXPECT_EQ(this->channel_.BlockingReceive(&item), WaitResult::kDone);
    EXPECT_EQ(this->channel_.BlockingReceive(&item, RemoteWaiter::ThreadNowNs()),
              WaitResult::kElapsed);
  });
}

using MpscChannelTest = AsyncTest;

TEST_F(MpscChannelTest, SendersThatWaitAreServedOneAPlaceTheLongestFirst) {
  MpscChannel<int> channel(2);
  EXPECT_EQ(channel.TrySend(0), TryResult::kDone);
  EXPECT_EQ(channel.TrySend(1), TryResult::kDone);
  for (int i = 2; i < 6; ++i) {
    Go([&, i](TaskContext& context) {
      EXPECT_EQ(channel.Send(context, int{i}), WaitResult::kDone);
    });
  }
  Settle();
  for (int i = 0; i < 6; ++i) {
    int item = -1;
    EXPECT_EQ(channel.TryReceive(&item), TryResult::kDone);
    EXPECT_EQ(item, i);
    Settle();
    EXPECT_EQ(home().live(), static_cast<size_t>(std::max(0, 3 - i)));
  }
}

TEST_F(MpscChannelTest, WhoGivesUpLetsThoseBehindItThrough) {
  MpscChannel<int> channel(2);
  EXPECT_EQ(channel.TrySend(0), TryResult::kDone);
  EXPECT_EQ(channel.TrySend(1), TryResult::kDone);
  WaitResult first = WaitResult::kDone;
  WaitResult second = WaitResult::kElapsed;
  auto handle = Spawn(host(), [&](TaskContext& context) { first = channel.Send(context, 2); });
  Settle();
  Go([&](TaskContext& context) { second = channel.Send(context, 3); });
  Settle();
  handle->Abort();
  Settle();
  EXPECT_EQ(first, WaitResult::kCancelled);
  int item = 0;
  EXPECT_EQ(channel.TryReceive(&item), TryResult::kDone);
  Settle();
  EXPECT_EQ(second, WaitResult::kDone);
}

TEST_F(MpscChannelTest, EachCopyIsASenderUntilItGoes) {
  auto ends = OpenMpscChannel<int>(4);
  std::optional copy(ends.sender);
  std::optional another(*copy);
  int item = 0;
  { const auto gone = std::move(ends.sender); }
  *another = *copy;
  copy.reset();
  EXPECT_EQ(ends.receiver.TryReceive(&item), TryResult::kWouldWait);
  another.reset();
  EXPECT_EQ(ends.receiver.TryReceive(&item), TryResult::kClosed);
}

static_assert(!std::is_copy_constructible_v<SpscSender<int>>);
static_assert(std::is_copy_constructible_v<MpscSender<int>>);
static_assert(!std::is_copy_constructible_v<MpscReceiver<int>>);

}  // namespace
}  // namespace weft

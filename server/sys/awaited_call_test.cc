// A thread that waits for a peer itself: it goes on when there is something, gives up when it is
// told to, and at its limit. Nothing depends on how long that takes.
#include "sys/awaited_call.h"

#include <gtest/gtest.h>
#include <poll.h>

#include <cerrno>
#include <string>

#include "sys/loopback_fixture.h"

namespace weft::sys {
namespace {

class AwaitOnThreadTest : public testing::Test {
 protected:
  AwaitOnThreadTest() {
    receive_ = {.kind = IoKind::kReceive, .fd = pair_.near.get(), .data = &byte_, .bytes = 1};
  }

  TcpPair pair_;
  char byte_ = 0;
  IoOperation receive_;
};

// Asked for the third time, somebody sends something.
TEST_F(AwaitOnThreadTest, WaitsUntilThereIsSomething) {
  struct State {
    int far;
    int asked = 0;
  } state{pair_.far.get()};
  const auto ask = [](void* argument) {
    auto* const it = static_cast<State*>(argument);
    if (++it->asked == 3) {
      EXPECT_EQ(send(it->far, "x", 1, 0), 1);
    }
    return false;
  };
  EXPECT_EQ(RunIoOperation(receive_, {ask, &state}), 1);
  EXPECT_EQ(byte_, 'x');
  EXPECT_EQ(state.asked, 3);
}

TEST_F(AwaitOnThreadTest, GivesUpWhenToldTo) {
  int asked = 0;
  const auto ask = [](void* argument) { return ++*static_cast<int*>(argument) == 2; };
  EXPECT_EQ(RunIoOperation(receive_, {ask, &asked}), -ECANCELED);
  EXPECT_EQ(asked, 2);
}

TEST_F(AwaitOnThreadTest, GivesUpAtItsLimit) {
  receive_.time_limit_ns = 30'000'000;
  EXPECT_EQ(RunIoOperation(receive_), -ETIME);
}

TEST_F(AwaitOnThreadTest, WhatRunsToItsEndIsNotAskedToStop) {
  receive_.runs_to_end = true;
  receive_.time_limit_ns = 1;
  int asked = 0;
  const auto ask = [](void* argument) { return ++*static_cast<int*>(argument) > 0; };
  ASSERT_EQ(send(pair_.far.get(), "x", 1, 0), 1);
  EXPECT_EQ(RunIoOperation(receive_, {ask, &asked}), 1);
  EXPECT_EQ(asked, 0);
}

TEST_F(AwaitOnThreadTest, Connects) {
  const Fd listener = ListenOnLoopback();
  const NetAddress address = AddressOf(listener);
  const Fd client(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  IoOperation connect{.kind = IoKind::kConnect, .fd = client.get(), .bytes = address.bytes()};
  connect.address = address.get();
  EXPECT_EQ(RunIoOperation(connect), 0);
  const FullListener full;
  const Fd waiting(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  IoOperation in_vain{.kind = IoKind::kConnect, .fd = waiting.get(), .bytes = address.bytes()};
  in_vain.address = full.address.get();
  in_vain.time_limit_ns = 10'000'000;
  EXPECT_EQ(RunIoOperation(in_vain), -ETIME);
}

TEST_F(AwaitOnThreadTest, TellsWhatIsNoDescriptor) {
  IoOperation poll{.kind = IoKind::kPoll, .fd = 1 << 20};
  poll.events = POLLIN;
  EXPECT_EQ(RunIoOperation(poll), -EBADF);
}

}  // namespace
}  // namespace weft::sys

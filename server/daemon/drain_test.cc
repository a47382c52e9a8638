// The order of a shutdown: readiness, the first request, the second one, and the end.
#include "daemon/drain.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

namespace weft {
namespace {

TEST(Drain, IsNotReadyBeforeTheStartIsComplete) {
  Drain drain;
  EXPECT_STREQ(drain.unreadiness(), "starting");
  EXPECT_TRUE(drain.Ready());
  EXPECT_STREQ(drain.unreadiness(), "");
  EXPECT_EQ(drain.phase(), DrainPhase::kRunning);
}

TEST(Drain, StopsBeingReadyAtTheFirstRequest) {
  Drain drain;
  drain.Ready();
  EXPECT_EQ(drain.Request(), DrainAction::kBegin);
  EXPECT_STREQ(drain.unreadiness(), "draining");
  EXPECT_FALSE(drain.Ready());
  EXPECT_STREQ(drain.unreadiness(), "draining");
}

TEST(Drain, ExitsAtOnceAtTheSecondSignal) {
  Drain drain;
  drain.Ready();
  drain.Request();
  EXPECT_EQ(drain.Request(), DrainAction::kExitNow);
  EXPECT_EQ(drain.Request(), DrainAction::kExitNow);
}

TEST(Drain, CountsSignalsApartFromDrainServer) {
  Drain drain;
  drain.Ready();
  EXPECT_EQ(drain.RequestOnce(), DrainAction::kBegin);
  EXPECT_EQ(drain.RequestOnce(), DrainAction::kNone);
  EXPECT_EQ(drain.Request(), DrainAction::kNone);
  EXPECT_EQ(drain.RequestOnce(), DrainAction::kNone);
  EXPECT_EQ(drain.Request(), DrainAction::kExitNow);
}

TEST(Drain, CanBeAskedWhileStarting) {
  Drain drain;
  EXPECT_EQ(drain.Request(), DrainAction::kBegin);
  EXPECT_FALSE(drain.Ready());
  EXPECT_EQ(drain.phase(), DrainPhase::kDraining);
}

TEST(Drain, AsksForNothingOnceEnded) {
  Drain drain;
  drain.Ready();
  drain.Request();
  drain.Ended();
  EXPECT_STREQ(drain.unreadiness(), "ended");
  EXPECT_EQ(drain.Request(), DrainAction::kNone);
}

TEST(Drain, BeginsOnceHoweverManyAskAtOnce) {
  Drain drain;
  drain.Ready();
  std::atomic<int> begun{0};
  std::vector<std::thread> askers;
  for (int i = 0; i < 4; ++i) {
    askers.emplace_back([&] { begun += drain.Request() == DrainAction::kBegin ? 1 : 0; });
  }
  for (std::thread& asker : askers) asker.join();
  EXPECT_EQ(begun, 1);
}

}  // namespace
}  // namespace weft

// Which readings feed the watchdog: the Door is the first thread, a core the second.
#include "daemon/watchdog.h"

#include <gtest/gtest.h>

#include <array>

namespace weft {
namespace {

constexpr int kPatience = 3;

class WatchdogTest : public testing::Test {
 protected:
  std::optional<size_t> Look() { return watchdog_.Look(threads_); }
  // Looks while the other thread turns; true if every look fed.
  bool FedFor(int looks, LifeSign& turning) {
    bool fed = true;
    for (int i = 0; i < looks; ++i) {
      ++turning.beats;
      fed &= !Look().has_value();
    }
    return fed;
  }

  LifeSign& door() { return threads_[0]; }
  LifeSign& core() { return threads_[1]; }

  Watchdog watchdog_{kPatience};
  std::array<LifeSign, 2> threads_;
};

TEST_F(WatchdogTest, IsFedWhileDoorAndCoreTurn) {
  for (int i = 0; i < 100; ++i) {
    ++door().beats;
    ++core().beats;
    EXPECT_EQ(Look(), std::nullopt);
  }
}

TEST_F(WatchdogTest, IsNotFedOnceTheDoorHasBeenSilentForItsPatience) {
  // The first look only learns where the thread stands.
  ASSERT_TRUE(FedFor(kPatience, core()));
  ++core().beats;
  EXPECT_EQ(Look(), 0u);
}

TEST_F(WatchdogTest, IsNotFedWhenACoreIsStuckOutsideAHandler) {
  ASSERT_TRUE(FedFor(kPatience, door()));
  ++door().beats;
  EXPECT_EQ(Look(), 1u);
}

TEST_F(WatchdogTest, IsFedWhileAHandlerHoldsTheCoreForever) {
  core().held = true;
  EXPECT_TRUE(FedFor(100, door()));
}

TEST_F(WatchdogTest, IsFedWhileTheCoreSleepsForever) {
  core().resting = true;
  EXPECT_TRUE(FedFor(100, door()));
}

TEST_F(WatchdogTest, IsNotFedWhenACoreWasWokenAndDoesNotTurn) {
  core().resting = true;
  ASSERT_TRUE(FedFor(10, door()));
  core().resting = false;
  ASSERT_TRUE(FedFor(kPatience - 1, door()));
  ++door().beats;
  EXPECT_EQ(Look(), 1u);
}

TEST_F(WatchdogTest, PatienceBeginsAnewAfterEachSignOfLife) {
  for (int round = 0; round < 10; ++round) {
    core().held = true;
    ASSERT_TRUE(FedFor(1, door()));
    // Between two handlers the core is in none for a moment, at which a look may come.
    core().held = false;
    ASSERT_TRUE(FedFor(kPatience - 1, door()));
  }
}

TEST_F(WatchdogTest, IsFedAgainWhenTheThreadGoesOn) {
  FedFor(kPatience + 5, core());
  ASSERT_EQ(Look(), 0u);
  ++door().beats;
  ++core().beats;
  EXPECT_EQ(Look(), std::nullopt);
}

TEST_F(WatchdogTest, NamesTheFirstOfSeveralThatAreStuck) {
  for (int i = 0; i < kPatience; ++i) ASSERT_EQ(Look(), std::nullopt);
  EXPECT_EQ(Look(), 0u);
}

}  // namespace
}  // namespace weft

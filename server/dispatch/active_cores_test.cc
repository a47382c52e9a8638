// How many cores are active follows the load, one at a time and only when it lasts: rising,
// falling, swinging, at the edges, and with nothing to decide.
#include "dispatch/active_cores.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

namespace weft {
namespace {

using Decision = ActiveCores::Decision;
using Load = ActiveCores::Load;

constexpr Load kIdle{};

// The decision of the last of so many looks; the others must change nothing.
Decision LookOften(ActiveCores* cores, uint32_t looks, const Load& load) {
  for (uint32_t look = 1; look < looks; ++look) {
    const uint32_t before = cores->count();
    EXPECT_EQ(cores->Look(load), Decision::kStay) << "look " << look;
    EXPECT_EQ(cores->count(), before);
  }
  return cores->Look(load);
}

// Busy to that share, each of the active ones.
Load Busy(const ActiveCores& cores, uint64_t percent) {
  return {.busy_percent = percent * cores.count()};
}

TEST(ActiveCores, AreAllAtFirst) {
  const ActiveCores cores(4, 2);
  EXPECT_EQ(cores.count(), 4u);
  EXPECT_EQ(cores.least(), 2u);
  EXPECT_TRUE(cores.is_active(3));
  EXPECT_TRUE(cores.follows_load());
}

TEST(ActiveCores, AreParkedOneByOneDownToTheLeast) {
  ActiveCores cores(4, 2);
  for (const uint32_t left : {3u, 2u}) {
    EXPECT_EQ(LookOften(&cores, ActiveCores::kParkLooks, kIdle), Decision::kPark);
    EXPECT_EQ(cores.count(), left);
    EXPECT_FALSE(cores.is_active(left));
    EXPECT_TRUE(cores.is_active(left - 1));
  }
  EXPECT_EQ(LookOften(&cores, 5 * ActiveCores::kParkLooks, kIdle), Decision::kStay);
}

TEST(ActiveCores, AreTakenInOneByOneUntilAllAre) {
  ActiveCores cores(3, 1);
  while (cores.count() > 1) cores.Look(kIdle);
  for (const uint32_t active : {2u, 3u}) {
    EXPECT_EQ(LookOften(&cores, ActiveCores::kUnparkLooks, Busy(cores, 100)), Decision::kUnpark);
    EXPECT_EQ(cores.count(), active);
  }
  EXPECT_EQ(LookOften(&cores, 100, Busy(cores, 100)), Decision::kStay);
}

TEST(ActiveCores, AreTakenInForWhatWaitsWhoeverIsBusy) {
  ActiveCores cores(2, 1);
  while (cores.count() > 1) cores.Look(kIdle);
  const Load waiting{.queued = ActiveCores::kHighQueued};
  EXPECT_EQ(LookOften(&cores, ActiveCores::kUnparkLooks, waiting), Decision::kUnpark);
}

TEST(ActiveCores, StayWhileAnythingWaitsForEach) {
  ActiveCores cores(2, 1);
  EXPECT_EQ(LookOften(&cores, 100, {.queued = 2}), Decision::kStay);
  EXPECT_EQ(LookOften(&cores, ActiveCores::kParkLooks, {.queued = 1}), Decision::kPark);
}

TEST(ActiveCores, HaveThresholdsThatAreInclusive) {
  ActiveCores cores(3, 1);
  // One fewer would have been busy for just over the share, then for the share.
  EXPECT_EQ(LookOften(&cores, 100, {.busy_percent = 101}), Decision::kStay);
  EXPECT_EQ(LookOften(&cores, ActiveCores::kParkLooks, {.busy_percent = 100}), Decision::kPark);
  EXPECT_EQ(LookOften(&cores, 100, {.busy_percent = 149}), Decision::kStay);
  EXPECT_EQ(LookOften(&cores, ActiveCores::kUnparkLooks, {.busy_percent = 150}), Decision::kUnpark);
}

// Whatever steady load there is, what it has moved it does not move back.
TEST(ActiveCores, DoNotSwingUnderASteadyLoad) {
  for (uint64_t busy = 0; busy <= 800; ++busy) {
    for (const bool begins_low : {false, true}) {
      ActiveCores cores(8, 1);
      while (begins_low && cores.count() > 1) cores.Look(kIdle);
      bool parked = false;
      bool unparked = false;
      for (int look = 0; look < 400; ++look) {
        const Decision decision =
            cores.Look({.busy_percent = std::min<uint64_t>(busy, 100 * cores.count())});
        parked |= decision == Decision::kPark;
        unparked |= decision == Decision::kUnpark;
      }
      EXPECT_FALSE(parked && unparked) << busy;
    }
  }
}

TEST(ActiveCores, DoNotFollowALoadThatSwingsWithinALook) {
  ActiveCores cores(4, 1);
  while (cores.count() > 2) cores.Look(kIdle);
  for (int look = 0; look < 1'000; ++look) {
    EXPECT_EQ(cores.Look(look % 2 == 0 ? Busy(cores, 100) : kIdle), Decision::kStay) << look;
  }
}

TEST(ActiveCores, AreTakenInOnceForALoadThatSwingsSlowlyAndStay) {
  ActiveCores cores(2, 1);
  while (cores.count() > 1) cores.Look(kIdle);
  int changes = 0;
  // Busy for half a second, idle for half a second.
  for (int look = 0; look < 1'000; ++look) {
    const Load load = look / 5 % 2 == 0 ? Busy(cores, 100) : kIdle;
    if (cores.Look(load) != Decision::kStay) ++changes;
  }
  EXPECT_EQ(changes, 1);
  EXPECT_EQ(cores.count(), 2u);
}

TEST(ActiveCores, DecideNothingWhenTheLeastIsAllOrNone) {
  for (const uint32_t least : {0u, 3u, 4u, UINT32_MAX}) {
    ActiveCores cores(3, least);
    EXPECT_FALSE(cores.follows_load());
    EXPECT_EQ(cores.least(), 3u);
    EXPECT_EQ(LookOften(&cores, 100, kIdle), Decision::kStay);
    EXPECT_EQ(LookOften(&cores, 100, Busy(cores, 100)), Decision::kStay);
  }
}

TEST(ActiveCores, AreAlwaysOneWhenThereIsOne) {
  ActiveCores cores(1, 1);
  EXPECT_FALSE(cores.follows_load());
  EXPECT_EQ(LookOften(&cores, 100, kIdle), Decision::kStay);
  EXPECT_EQ(LookOften(&cores, 100, {.busy_percent = 100, .queued = 1'000}), Decision::kStay);
  EXPECT_FALSE(cores.TryUnpark());
}

TEST(ActiveCores, AreTakenInAtOnceWhenAsked) {
  ActiveCores cores(3, 1);
  while (cores.count() > 1) cores.Look(kIdle);
  EXPECT_TRUE(cores.TryUnpark());
  EXPECT_EQ(cores.count(), 2u);
  // It has to be idle for as long as ever to be parked.
  EXPECT_EQ(LookOften(&cores, ActiveCores::kParkLooks, kIdle), Decision::kPark);
}

TEST(ActiveCores, LackThoseThatANewLeastAsksFor) {
  ActiveCores cores(4, 1);
  while (cores.count() > 1) cores.Look(kIdle);
  cores.set_least(3);
  while (cores.is_below_least()) EXPECT_TRUE(cores.TryUnpark());
  EXPECT_EQ(cores.count(), 3u);
  EXPECT_EQ(LookOften(&cores, 100, kIdle), Decision::kStay);
  cores.set_least(0);
  while (cores.is_below_least()) EXPECT_TRUE(cores.TryUnpark());
  EXPECT_EQ(cores.count(), 4u);
}

TEST(ActiveCores, StayWithinTheirBoundsWhateverTheLoad) {
  const uint32_t seed = std::random_device{}();
  SCOPED_TRACE(seed);
  std::mt19937 random(seed);
  ActiveCores cores(6, 2);
  Load load;  // Lasts for some looks.
  for (int look = 0; look < 20'000; ++look) {
    const uint32_t before = cores.count();
    if (random() % 8 == 0) load = {.busy_percent = random() % 700, .queued = random() % 100};
    const Decision decision = cores.Look(load);
    const int change = decision == Decision::kPark ? -1 : decision == Decision::kUnpark ? 1 : 0;
    EXPECT_EQ(static_cast<int>(cores.count()), static_cast<int>(before) + change);
    ASSERT_GE(cores.count(), 2u);
    ASSERT_LE(cores.count(), 6u);
  }
}

}  // namespace
}  // namespace weft

// Proves that a hold is reported once, late enough, never from words that never were together, and
// that runs which no clock tells apart are not taken for one.
#include "core/stall_detector.h"

#include <gtest/gtest.h>

namespace weft {
namespace {

const TaskEntry kEntry;

std::optional<sys::Ticks> Look(StallDetector* detector, const RunningHandler& running,
                               sys::Ticks now, size_t core = 0) {
  detector->See(core, running, now);
  return detector->Look(core, now);
}

TEST(StallDetector, ReportsAHoldOnceWhenItReachesTheThreshold) {
  StallDetector detector(2, 100);
  EXPECT_FALSE(Look(&detector, {&kEntry, 1000}, 1040, 1));
  EXPECT_FALSE(Look(&detector, {&kEntry, 1000}, 1099, 1));
  EXPECT_EQ(Look(&detector, {&kEntry, 1000}, 1100, 1), 100);
  EXPECT_FALSE(Look(&detector, {&kEntry, 1000}, 1500, 1));
}

TEST(StallDetector, TheNextHoldIsReportedAgain) {
  StallDetector detector(1, 100);
  Look(&detector, {&kEntry, 0}, 50);
  EXPECT_TRUE(Look(&detector, {&kEntry, 0}, 200));
  EXPECT_FALSE(Look(&detector, {&kEntry, 300}, 350));
  EXPECT_TRUE(Look(&detector, {&kEntry, 300}, 450));
}

TEST(StallDetector, APairSeenOnlyOnceIsNotBelieved) {
  StallDetector detector(1, 100);
  EXPECT_FALSE(Look(&detector, {&kEntry, 0}, 5000));
  EXPECT_FALSE(Look(&detector, {&kEntry, 4990}, 5001));
}

TEST(StallDetector, AnIdleCoreNeverStalls) {
  StallDetector detector(1, 100);
  EXPECT_FALSE(Look(&detector, {}, 1000));
  EXPECT_FALSE(Look(&detector, {}, 9000));
}

TEST(StallDetector, ManyRunsUnderOneReadingOfTheClockAreNoHold) {
  StallDetector detector(1, 100);
  for (uint64_t run = 1; run < 100; ++run) {
    EXPECT_FALSE(Look(&detector, {&kEntry, 1000, run}, 1000 + static_cast<sys::Ticks>(run) * 50));
  }
}

TEST(StallDetector, ARunWithANumberCountsFromTheFirstLookThatSawIt) {
  StallDetector detector(1, 100);
  EXPECT_FALSE(Look(&detector, {&kEntry, 0, 6}, 150));
  EXPECT_FALSE(Look(&detector, {&kEntry, 0, 7}, 200));
  EXPECT_EQ(detector.HeldSince(0), 200);
  EXPECT_FALSE(Look(&detector, {&kEntry, 0, 7}, 299));
  EXPECT_EQ(Look(&detector, {&kEntry, 0, 7}, 300), 100);
  EXPECT_FALSE(Look(&detector, {&kEntry, 0, 7}, 500));
}

TEST(StallDetector, ARunWithANumberIsNotHeldSinceBeforeItsClock) {
  StallDetector detector(1, 100);
  detector.See(0, {&kEntry, 120, 7}, 110);
  EXPECT_EQ(detector.HeldSince(0), 120);
}

TEST(StallDetector, WhoeverAsksWhatRunsHelpsToTellSinceWhen) {
  StallDetector detector(1, 100);
  detector.See(0, {&kEntry, 0, 7}, 20);
  detector.See(0, {&kEntry, 0, 7}, 40);
  EXPECT_FALSE(Look(&detector, {&kEntry, 0, 7}, 90));
  EXPECT_EQ(Look(&detector, {&kEntry, 0, 7}, 120), 100);
}

TEST(StallDetector, AskingDoesNotMakeWhatWasSeenOnceBelieved) {
  StallDetector detector(1, 100);
  detector.See(0, {&kEntry, 0}, 5000);
  EXPECT_FALSE(detector.Look(0, 5000));
  EXPECT_TRUE(detector.Look(0, 5025));
}

}  // namespace
}  // namespace weft

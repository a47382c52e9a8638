// Proves that a hold is reported once, late enough, and never from a pair of words that never was.
#include "core/stall_detector.h"

#include <gtest/gtest.h>

namespace weft {
namespace {

const TaskEntry kEntry;

TEST(StallDetector, ReportsAHoldOnceWhenItReachesTheThreshold) {
  StallDetector detector(2, 100);
  EXPECT_FALSE(detector.Look(1, {&kEntry, 1000}, 1040));
  EXPECT_FALSE(detector.Look(1, {&kEntry, 1000}, 1099));
  EXPECT_EQ(detector.Look(1, {&kEntry, 1000}, 1100), 100);
  EXPECT_FALSE(detector.Look(1, {&kEntry, 1000}, 1500));
}

TEST(StallDetector, TheNextHoldIsReportedAgain) {
  StallDetector detector(1, 100);
  detector.Look(0, {&kEntry, 0}, 50);
  EXPECT_TRUE(detector.Look(0, {&kEntry, 0}, 200));
  EXPECT_FALSE(detector.Look(0, {&kEntry, 300}, 350));
  EXPECT_TRUE(detector.Look(0, {&kEntry, 300}, 450));
}

TEST(StallDetector, APairSeenOnlyOnceIsNotBelieved) {
  StallDetector detector(1, 100);
  EXPECT_FALSE(detector.Look(0, {&kEntry, 0}, 5000));
  EXPECT_FALSE(detector.Look(0, {&kEntry, 4990}, 5001));
}

TEST(StallDetector, AnIdleCoreNeverStalls) {
  StallDetector detector(1, 100);
  EXPECT_FALSE(detector.Look(0, {}, 1000));
  EXPECT_FALSE(detector.Look(0, {}, 9000));
}

}  // namespace
}  // namespace weft

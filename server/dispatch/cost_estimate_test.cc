#include "dispatch/cost_estimate.h"

#include <random>

#include <gtest/gtest.h>

namespace weft {
namespace {

constexpr sys::Ticks kShort = 5'000;

TEST(CostEstimates, KnowNothingOfAHandlerThatNeverRan) {
  CostEstimates costs(kShort);
  costs.Learn(3, 1'000);
  EXPECT_EQ(costs.Of(2), 0);
  EXPECT_EQ(costs.Of(kMaxHandlers - 1), 0);
}

TEST(CostEstimates, TakeTheFirstSampleWhole) {
  CostEstimates costs(kShort);
  costs.Learn(0, 123'456);
  EXPECT_EQ(costs.Of(0), 123'456);
}

TEST(CostEstimates, OutweighAColdFirstRunAtOnce) {
  CostEstimates costs(kShort);
  costs.Learn(0, 1'000'000);
  for (int i = 0; i < 32; ++i) costs.Learn(0, 1'000);
  EXPECT_LT(costs.Of(0), 100'000);
}

TEST(CostEstimates, ConvergeOnWhatStaysTheSameFromBothSides) {
  for (const sys::Ticks first : {1, 1'000'000}) {
    CostEstimates costs(kShort);
    costs.Learn(0, first);
    for (int i = 0; i < 1'000; ++i) costs.Learn(0, 3'000);
    EXPECT_NEAR(static_cast<double>(costs.Of(0)), 3'000, 1) << first;
  }
}

TEST(CostEstimates, FollowAChangeForGoodWithinAHundredTasks) {
  CostEstimates costs(kShort);
  for (int i = 0; i < 1'000; ++i) costs.Learn(0, 1'000);
  for (int i = 0; i < 100; ++i) costs.Learn(0, 10'000);
  EXPECT_GT(costs.Of(0), 9'500);
}

TEST(CostEstimates, AreMovedLittleByOneTaskThatTookFarLonger) {
  CostEstimates costs(kShort);
  for (int i = 0; i < 100; ++i) costs.Learn(0, 1'000);
  costs.Learn(0, 33'000);
  EXPECT_NEAR(static_cast<double>(costs.Of(0)), 2'000, 1);
}

TEST(CostEstimates, StayNearTheAverageOfTasksThatDiffer) {
  const unsigned seed = std::random_device()();
  SCOPED_TRACE(::testing::Message() << "seed " << seed);
  std::mt19937_64 random(seed);
  CostEstimates costs(kShort);
  double sum = 0;
  constexpr int kTasks = 10'000;
  for (int i = 0; i < kTasks; ++i) {
    costs.Learn(0, static_cast<sys::Ticks>(500 + random() % 1'001));
    if (i >= 100) sum += static_cast<double>(costs.Of(0));
  }
  EXPECT_NEAR(sum / (kTasks - 100), 1'000, 50);
}

TEST(CostEstimates, AreBoundedAndNeverBelowATick) {
  CostEstimates costs(kShort);
  costs.Learn(0, sys::kTicksForever);
  EXPECT_EQ(costs.Of(0), CostEstimates::kMost);
  for (int i = 0; i < 100; ++i) costs.Learn(0, sys::kTicksForever);
  EXPECT_EQ(costs.Of(0), CostEstimates::kMost);
  // Stamps of a clock that stood still, or that two CPUs disagree on.
  for (int i = 0; i < 2'000; ++i) costs.Learn(1, i % 2 == 0 ? 0 : -5);
  EXPECT_EQ(costs.Of(1), 1);
}

TEST(CostEstimates, CallAHandlersTasksShortOnceEnoughWere) {
  CostEstimates costs(kShort);
  for (int i = 0; i < 17; ++i) {
    EXPECT_FALSE(costs.are_short(0)) << i;
    costs.Learn(0, 100);
  }
  EXPECT_TRUE(costs.are_short(0));
  for (int i = 0; i < 17; ++i) costs.Learn(1, kShort);
  EXPECT_FALSE(costs.are_short(1));
  costs.Learn(0, 1'000 * kShort);
  EXPECT_FALSE(costs.are_short(0));
}

}  // namespace
}  // namespace weft

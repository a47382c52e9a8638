#include "dispatch/execution_window.h"

#include <gtest/gtest.h>

namespace weft {
namespace {

constexpr int64_t kSecond = 1'000'000'000;

TEST(ExecutionWindow, SumsWhatWasExecuted) {
  ExecutionWindow window;
  window.AdvanceTo(5 * kSecond);
  window.Add(10, true);
  window.Add(40, false);
  const ExecutionSums sums = window.Recent();
  EXPECT_EQ(sums.executed, 2u);
  EXPECT_EQ(sums.failed, 1u);
  EXPECT_EQ(sums.total_ns, 50u);
  EXPECT_EQ(sums.min_ns, 10u);
  EXPECT_EQ(sums.max_ns, 40u);
  EXPECT_EQ(sums.AverageNs(), 25u);
}

TEST(ExecutionWindow, ForgetsAfterTenSecondsWhatALifetimeKeeps) {
  ExecutionWindow window;
  window.AdvanceTo(5 * kSecond);
  window.Add(10, true);
  window.AdvanceTo(10 * kSecond);
  window.Add(30, true);
  window.AdvanceTo(15 * kSecond - 1);
  EXPECT_EQ(window.Recent().executed, 2u);
  window.AdvanceTo(15 * kSecond);
  EXPECT_EQ(window.Recent().executed, 1u);
  EXPECT_EQ(window.Recent().min_ns, 30u);
  window.AdvanceTo(500 * kSecond);
  EXPECT_EQ(window.Recent().executed, 0u);
  EXPECT_EQ(window.Recent().min_ns, 0u);
  EXPECT_EQ(window.Recent().AverageNs(), 0u);
  EXPECT_EQ(window.Lifetime().executed, 2u);
  EXPECT_EQ(window.Lifetime().min_ns, 10u);
}

TEST(ExecutionWindow, ALifetimeIsWhatHasLeftTheWindowAndWhatIsInIt) {
  ExecutionWindow window;
  window.AdvanceTo(5 * kSecond);
  window.Add(70, false);
  window.AdvanceTo(12 * kSecond);
  window.Add(20, true);
  window.Add(30, false);
  window.AdvanceTo(16 * kSecond);  // The first is gone, the others are not.
  window.Add(40, true);
  EXPECT_EQ(window.Recent().executed, 3u);
  const ExecutionSums sums = window.Lifetime();
  EXPECT_EQ(sums.executed, 4u);
  EXPECT_EQ(sums.failed, 2u);
  EXPECT_EQ(sums.total_ns, 160u);
  EXPECT_EQ(sums.min_ns, 20u);
  EXPECT_EQ(sums.max_ns, 70u);
}

TEST(ExecutionWindow, KeepsAZeroAsTheShortest) {
  ExecutionWindow window;
  window.Add(0, true);
  window.Add(7, true);
  EXPECT_EQ(window.Recent().min_ns, 0u);
}

}  // namespace
}  // namespace weft

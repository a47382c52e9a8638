#include "client/latency_histogram.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <limits>

// Proves that percentiles name the right rank, and how exact they are.
namespace weft {
namespace {

TEST(LatencyHistogram, IsZeroWhenEmpty) {
  const LatencyHistogram histogram;
  EXPECT_EQ(histogram.Percentile(50), 0);
  EXPECT_EQ(histogram.max_ns(), 0);
}

TEST(LatencyHistogram, GivesTheNearestRankOfSmallValues) {
  LatencyHistogram histogram;
  for (int64_t ns = 1; ns <= 100; ++ns) histogram.Add(ns);
  EXPECT_EQ(histogram.Percentile(50), 50);
  EXPECT_EQ(histogram.Percentile(90), 90);
  EXPECT_EQ(histogram.Percentile(99), 99);
  EXPECT_EQ(histogram.Percentile(99.9), 100);
  EXPECT_EQ(histogram.max_ns(), 100);
}

TEST(LatencyHistogram, IsAtMostOnePercentTooHighAndNeverTooLow) {
  for (int64_t ns = 1; ns < int64_t{1} << 60; ns = ns * 5 / 4 + 1) {
    LatencyHistogram histogram;
    histogram.Add(ns);
    histogram.Add(std::numeric_limits<int64_t>::max());
    EXPECT_GE(histogram.Percentile(50), ns);
    EXPECT_LE(static_cast<double>(histogram.Percentile(50)), static_cast<double>(ns) * 1.008);
  }
}

TEST(LatencyHistogram, NeverNamesMoreThanItsMaximum) {
  LatencyHistogram histogram;
  histogram.Add(1'000'003);
  EXPECT_EQ(histogram.Percentile(99), 1'000'003);
}

TEST(LatencyHistogram, CountsNegativeValuesAsZero) {
  LatencyHistogram histogram;
  histogram.Add(-5);
  EXPECT_EQ(histogram.count(), 1U);
  EXPECT_EQ(histogram.Percentile(100), 0);
}

TEST(LatencyHistogram, MergesAsIfAllWereAddedToOne) {
  LatencyHistogram first;
  LatencyHistogram second;
  for (int64_t ns = 1; ns <= 50; ++ns) first.Add(ns);
  for (int64_t ns = 51; ns <= 100; ++ns) second.Add(ns);
  first.Merge(second);
  EXPECT_EQ(first.count(), 100U);
  EXPECT_EQ(first.Percentile(75), 75);
  EXPECT_EQ(first.max_ns(), 100);
}

}  // namespace
}  // namespace weft

// Proves bucket edges exhaustively, and snapshots against the exact values they were made of.
#include "metrics/histogram.h"

#include <algorithm>
#include <cstdint>
#include <random>
#include <thread>
#include <vector>

#include "gtest/gtest.h"

namespace weft {
namespace {

using Buckets = HistogramBuckets;

TEST(HistogramBuckets, EveryBucketHoldsItsEdgesAndNothingElse) {
  for (size_t i = 0; i < Buckets::kCount; ++i) {
    ASSERT_EQ(Buckets::IndexOf(Buckets::LowestOf(i)), i);
    ASSERT_EQ(Buckets::IndexOf(Buckets::HighestOf(i)), i);
    ASSERT_EQ(Buckets::LowestOf(i + 1), Buckets::HighestOf(i) + 1);
  }
}

TEST(HistogramBuckets, AreAtMostAnEighthWide) {
  for (size_t i = Buckets::kSplit; i < Buckets::kCount; ++i) {
    const uint64_t width = Buckets::HighestOf(i) - Buckets::LowestOf(i) + 1;
    ASSERT_LE(width * 8, Buckets::LowestOf(i)) << i;
  }
}

TEST(HistogramBuckets, ReachBeyondSixtySeconds) {
  EXPECT_LT(Buckets::IndexOf(60'000'000'000), Buckets::kCount - 1);
}

TEST(Histogram, StartsEmpty) {
  Histogram histogram;
  const HistogramSnapshot snapshot = histogram.Snapshot();
  EXPECT_EQ(snapshot.count, 0u);
  EXPECT_EQ(snapshot.min_ns, 0u);
  EXPECT_EQ(snapshot.max_ns, 0u);
  EXPECT_EQ(snapshot.Quantile(0.5), 0u);
  EXPECT_EQ(snapshot.AverageNs(), 0u);
}

TEST(Histogram, KeepsCountSumAndExtremesExactly) {
  Histogram histogram;
  for (const int64_t ns : {1000, 3, 250'000, 999}) histogram.Record(ns);
  const HistogramSnapshot snapshot = histogram.Snapshot();
  EXPECT_EQ(snapshot.count, 4u);
  EXPECT_EQ(snapshot.sum_ns, 252'002u);
  EXPECT_EQ(snapshot.min_ns, 3u);
  EXPECT_EQ(snapshot.max_ns, 250'000u);
  EXPECT_EQ(snapshot.AverageNs(), 63'000u);
}

TEST(Histogram, TakesNegativeAsZeroAndKeepsTheHugeCountable) {
  Histogram histogram;
  histogram.Record(-7);
  histogram.Record(INT64_MAX / 2);
  const HistogramSnapshot snapshot = histogram.Snapshot();
  EXPECT_EQ(snapshot.min_ns, 0u);
  EXPECT_EQ(snapshot.max_ns, static_cast<uint64_t>(INT64_MAX / 2));
  EXPECT_EQ(snapshot.count, 2u);
  EXPECT_EQ(snapshot.CountAtMost(60'000'000'000), 1u);
  EXPECT_EQ(snapshot.Quantile(0.99), static_cast<uint64_t>(INT64_MAX / 2));
}

TEST(Histogram, QuantilesAreWithinABucketOfTheTruth) {
  std::mt19937_64 random(7);
  Histogram histogram;
  std::vector<uint64_t> values;
  for (int i = 0; i < 20'000; ++i) {
    const uint64_t ns = random() >> (random() % 32 + 29);
    values.push_back(ns);
    histogram.Record(static_cast<int64_t>(ns));
  }
  std::sort(values.begin(), values.end());
  const HistogramSnapshot snapshot = histogram.Snapshot();
  for (const double quantile : {0.0, 0.01, 0.5, 0.9, 0.99, 0.999, 1.0}) {
    const auto rank = static_cast<size_t>(quantile * static_cast<double>(values.size()));
    const uint64_t truth = values[std::min(rank, values.size() - 1)];
    const size_t bucket = Buckets::IndexOf(truth);
    const uint64_t got = snapshot.Quantile(quantile);
    EXPECT_LE(Buckets::IndexOf(got), bucket + 1) << quantile;
    EXPECT_GE(Buckets::IndexOf(got) + 1, bucket) << quantile;
  }
  EXPECT_EQ(snapshot.Quantile(0), values.front());
  EXPECT_EQ(snapshot.Quantile(1), values.back());
}

TEST(Histogram, QuantileOfEqualValuesIsThatValue) {
  Histogram histogram;
  for (int i = 0; i < 100; ++i) histogram.Record(1000);
  EXPECT_EQ(histogram.Snapshot().Quantile(0.01), 1000u);
  EXPECT_EQ(histogram.Snapshot().Quantile(0.999), 1000u);
}

TEST(Histogram, CountAtMostNeverCountsALargerValue) {
  Histogram histogram;
  for (int64_t ns = 1; ns <= 10'000; ++ns) histogram.Record(ns);
  const HistogramSnapshot snapshot = histogram.Snapshot();
  for (const uint64_t bound : {1u, 7u, 100u, 1000u, 5000u}) {
    EXPECT_LE(snapshot.CountAtMost(bound), bound);
    EXPECT_GE(snapshot.CountAtMost(bound) * 9, bound * 8 - 8) << bound;
  }
  EXPECT_EQ(snapshot.CountAtMost(20'000), 10'000u);
}

TEST(HistogramSnapshot, MergesAsIfRecordedInOne) {
  Histogram one;
  Histogram other;
  Histogram both;
  for (const int64_t ns : {5, 70, 900}) one.Record(ns), both.Record(ns);
  for (const int64_t ns : {2, 11'000}) other.Record(ns), both.Record(ns);
  HistogramSnapshot merged;
  merged.Merge(HistogramSnapshot{});
  merged.Merge(one.Snapshot());
  merged.Merge(other.Snapshot());
  const HistogramSnapshot expected = both.Snapshot();
  EXPECT_EQ(merged.buckets, expected.buckets);
  EXPECT_EQ(merged.count, expected.count);
  EXPECT_EQ(merged.sum_ns, expected.sum_ns);
  EXPECT_EQ(merged.min_ns, 2u);
  EXPECT_EQ(merged.max_ns, 11'000u);
}

TEST(HistogramSnapshot, SinceHoldsOnlyWhatCameLater) {
  Histogram histogram;
  histogram.Record(1);
  histogram.Record(1'000'000);
  const HistogramSnapshot earlier = histogram.Snapshot();
  for (const int64_t ns : {1000, 2000}) histogram.Record(ns);
  const HistogramSnapshot since = histogram.Snapshot().Since(earlier);
  EXPECT_EQ(since.count, 2u);
  EXPECT_EQ(since.sum_ns, 3000u);
  EXPECT_EQ(Buckets::IndexOf(since.min_ns), Buckets::IndexOf(1000));
  EXPECT_EQ(Buckets::IndexOf(since.max_ns), Buckets::IndexOf(2000));
  EXPECT_EQ(histogram.Snapshot().Since(histogram.Snapshot()).max_ns, 0u);
}

TEST(Histogram, MayBeReadBesideItsWriter) {
  constexpr uint64_t kRecords = 50'000;
  Histogram histogram;
  std::thread writer([&histogram] {
    for (uint64_t i = 0; i < kRecords; ++i) histogram.Record(static_cast<int64_t>(i % 1000 + 5));
  });
  uint64_t previous = 0;
  while (previous < kRecords) {
    const HistogramSnapshot snapshot = histogram.Snapshot();
    ASSERT_GE(snapshot.count, previous);
    ASSERT_LE(snapshot.min_ns, snapshot.max_ns);
    previous = snapshot.count;
  }
  writer.join();
}

TEST(Histogram, AQuantileBoundIsTheUpperEdgeOfItsBucket) {
  Histogram histogram;
  EXPECT_EQ(histogram.Snapshot().QuantileBound(0.5), 0U);
  for (int i = 0; i < 98; ++i) histogram.Record(1'000);
  histogram.Record(5'000'000);
  histogram.Record(INT64_MAX);
  const HistogramSnapshot snapshot = histogram.Snapshot();
  const auto edge_of = [](uint64_t ns) {
    return HistogramBuckets::HighestOf(HistogramBuckets::IndexOf(ns));
  };
  EXPECT_EQ(snapshot.QuantileBound(0), edge_of(1'000));
  EXPECT_EQ(snapshot.QuantileBound(0.98), edge_of(1'000));
  EXPECT_EQ(snapshot.QuantileBound(0.99), edge_of(5'000'000));
  EXPECT_EQ(snapshot.QuantileBound(1), static_cast<uint64_t>(INT64_MAX));
}

TEST(Histogram, AQuantileBoundIsNeverAboveTheLargestValue) {
  Histogram histogram;
  histogram.Record(1'025);
  EXPECT_EQ(histogram.Snapshot().QuantileBound(0.5), 1'025U);
}

}  // namespace
}  // namespace weft

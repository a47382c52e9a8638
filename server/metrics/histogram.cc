#include "metrics/histogram.h"

#include <cmath>

namespace weft {

// The edges that everything else is computed from.
static_assert(HistogramBuckets::IndexOf(0) == 0);
static_assert(HistogramBuckets::IndexOf(15) == 15);
static_assert(HistogramBuckets::IndexOf(16) == 16);
static_assert(HistogramBuckets::IndexOf(UINT64_MAX) == HistogramBuckets::kCount - 1);
static_assert(HistogramBuckets::LowestOf(HistogramBuckets::kCount) ==
              uint64_t{1} << HistogramBuckets::kRangeBits);

namespace {

// How many values a quantile has at or below it.
uint64_t RankOf(double quantile, uint64_t count) {
  const double rank = std::ceil(quantile * static_cast<double>(count));
  return std::max<uint64_t>(1, static_cast<uint64_t>(rank));
}

}  // namespace

void HistogramSnapshot::Merge(const HistogramSnapshot& other) {
  if (other.count == 0) return;
  for (size_t i = 0; i < buckets.size(); ++i) buckets[i] += other.buckets[i];
  min_ns = count == 0 ? other.min_ns : std::min(min_ns, other.min_ns);
  max_ns = std::max(max_ns, other.max_ns);
  count += other.count;
  sum_ns += other.sum_ns;
}

HistogramSnapshot HistogramSnapshot::Since(const HistogramSnapshot& earlier) const {
  HistogramSnapshot since;
  since.sum_ns = sum_ns - earlier.sum_ns;
  for (size_t i = 0; i < buckets.size(); ++i) {
    since.buckets[i] = buckets[i] - earlier.buckets[i];
    if (since.buckets[i] == 0) continue;
    if (since.count == 0) since.min_ns = std::max(HistogramBuckets::LowestOf(i), min_ns);
    // The last bucket has no upper edge of its own.
    const bool last = i + 1 == buckets.size();
    since.max_ns = last ? max_ns : std::min(HistogramBuckets::HighestOf(i), max_ns);
    since.count += since.buckets[i];
  }
  return since;
}

uint64_t HistogramSnapshot::Quantile(double quantile) const {
  if (count == 0) return 0;
  if (quantile <= 0) return min_ns;
  if (quantile >= 1) return max_ns;
  const uint64_t rank = RankOf(quantile, count);
  uint64_t below = 0;
  for (size_t i = 0; i + 1 < buckets.size(); ++i) {
    if (below + buckets[i] >= rank) {
      const uint64_t lowest = HistogramBuckets::LowestOf(i);
      const uint64_t width = HistogramBuckets::HighestOf(i) - lowest;
      const double part = static_cast<double>(rank - below) / static_cast<double>(buckets[i]);
      const auto value = lowest + static_cast<uint64_t>(part * static_cast<double>(width));
      return std::clamp(value, min_ns, max_ns);
    }
    below += buckets[i];
  }
  return max_ns;
}

uint64_t HistogramSnapshot::QuantileBound(double quantile) const {
  if (count == 0) return 0;
  const uint64_t rank = RankOf(quantile, count);
  uint64_t at_most = 0;
  for (size_t i = 0; i + 1 < buckets.size(); ++i) {
    at_most += buckets[i];
    if (at_most >= rank) return std::min(HistogramBuckets::HighestOf(i), max_ns);
  }
  return max_ns;
}

uint64_t HistogramSnapshot::CountAtMost(uint64_t ns) const {
  uint64_t at_most = 0;
  for (size_t i = 0; i + 1 < buckets.size() && HistogramBuckets::HighestOf(i) <= ns; ++i) {
    at_most += buckets[i];
  }
  return at_most;
}

HistogramSnapshot Histogram::Snapshot() const {
  HistogramSnapshot snapshot;
  // Most histograms of a daemon stay empty: one line instead of all.
  if (min_ns_.load(std::memory_order_relaxed) == UINT64_MAX) return snapshot;
  for (size_t i = 0; i < buckets_.size(); ++i) {
    snapshot.buckets[i] = buckets_[i].load(std::memory_order_relaxed);
    snapshot.count += snapshot.buckets[i];
  }
  if (snapshot.count == 0) return snapshot;
  snapshot.sum_ns = sum_ns_.load(std::memory_order_relaxed);
  snapshot.max_ns = max_ns_.load(std::memory_order_relaxed);
  // The bucket of the first value may be visible before its minimum is.
  snapshot.min_ns = std::min(min_ns_.load(std::memory_order_relaxed), snapshot.max_ns);
  return snapshot;
}

}  // namespace weft

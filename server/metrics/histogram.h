#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>

#include "metrics/cell.h"

namespace weft {

// The fixed buckets of every histogram: 0 to 15 ns one each, then each power of two split into 8
// equal parts, so a bucket is at most 12.5 % wide. What is 2^36 ns (68.7 s) or more shares the
// last.
struct HistogramBuckets {
  static constexpr int kSplitBits = 3;
  static constexpr uint64_t kSplit = uint64_t{1} << kSplitBits;
  static constexpr int kRangeBits = 36;
  static constexpr size_t kCount = (kRangeBits - kSplitBits + 1) * kSplit;

  static constexpr size_t IndexOf(uint64_t ns) {
    const uint64_t value = std::min(ns, (uint64_t{1} << kRangeBits) - 1);
    // Below 2 * kSplit the shift is 0 and the value is its own index.
    const int shift = static_cast<int>(std::bit_width(value | kSplit)) - kSplitBits - 1;
    return static_cast<size_t>((static_cast<uint64_t>(shift) << kSplitBits) + (value >> shift));
  }

  // The smallest and the largest value of a bucket. The last bucket holds larger ones, too.
  static constexpr uint64_t LowestOf(size_t index) {
    if (index < 2 * kSplit) return index;
    const auto shift = static_cast<int>(index / kSplit) - 1;
    return (kSplit + index % kSplit) << shift;
  }
  static constexpr uint64_t HighestOf(size_t index) { return LowestOf(index + 1) - 1; }
};

// What a histogram held at one moment. A plain value, about 2 KiB: any thread, may be merged.
struct HistogramSnapshot {
  std::array<uint64_t, HistogramBuckets::kCount> buckets{};
  uint64_t count = 0;
  uint64_t sum_ns = 0;
  // 0 when count is 0.
  uint64_t min_ns = 0;
  uint64_t max_ns = 0;

  void Merge(const HistogramSnapshot& other);

  // What was recorded after `earlier`, a snapshot of the same histogram. Its min and max are the
  // edges of the outermost buckets, narrowed by what the whole life of the histogram knows.
  HistogramSnapshot Since(const HistogramSnapshot& earlier) const;

  // `quantile` from 0 to 1, of the values as recorded to within a bucket's width; exact at 0 and 1.
  // 0 when count is 0.
  uint64_t Quantile(double quantile) const;

  // A value that at least that share of the values does not exceed, and that exceeds the least such
  // value by a bucket's width at most. 0 when count is 0.
  uint64_t QuantileBound(double quantile) const;

  // How many values lie in buckets that end at or below `ns`: never counts a value above it.
  uint64_t CountAtMost(uint64_t ns) const;

  // 0 when count is 0.
  uint64_t AverageNs() const { return count == 0 ? 0 : sum_ns / count; }
};

// Durations of one kind, in nanoseconds. Protocol as in cell.h: the owning thread alone records,
// any thread takes a snapshot, all orders relaxed. A snapshot beside a running writer may miss the
// newest values, and its sum may be ahead of or behind its count by them. Never allocates.
class Histogram {
 public:
  Histogram() = default;
  Histogram(const Histogram&) = delete;
  Histogram& operator=(const Histogram&) = delete;

  // Owner thread only. Negative values count as 0.
  void Record(int64_t ns) { RecordNs(ns < 0 ? 0 : static_cast<uint64_t>(ns)); }
  void RecordNs(uint64_t value) {
    cell_internal::Add(buckets_[HistogramBuckets::IndexOf(value)], 1);
    cell_internal::Add(sum_ns_, value);
    if (value > max_ns_.load(std::memory_order_relaxed)) {
      max_ns_.store(value, std::memory_order_relaxed);
    }
    if (value < min_ns_.load(std::memory_order_relaxed)) {
      min_ns_.store(value, std::memory_order_relaxed);
    }
  }

  // Any thread.
  HistogramSnapshot Snapshot() const;

 private:
  using Cell = std::atomic<uint64_t>;

  // Sum and extremes first: with the low buckets they share the line that short tasks touch.
  Cell sum_ns_{0};
  Cell min_ns_{UINT64_MAX};
  Cell max_ns_{0};
  std::array<Cell, HistogramBuckets::kCount> buckets_{};
};

}  // namespace weft

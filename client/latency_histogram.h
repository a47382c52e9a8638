#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace weft {

// Counts of latencies in nanoseconds, each bucket at most 1/128 wide of its value, so a percentile
// is at most 0.8 % too high. Fixed size, no allocation. One thread at a time.
class LatencyHistogram {
 public:
  // Negative values count as 0.
  void Add(int64_t ns);
  void Merge(const LatencyHistogram& other);

  [[nodiscard]] uint64_t count() const { return count_; }
  // Exact; 0 when empty.
  [[nodiscard]] int64_t max_ns() const { return max_ns_; }
  // Upper edge of the bucket that holds the smallest value with at least `percent` of all values at
  // or below it, never above max_ns. 0 when empty. percent in (0, 100].
  [[nodiscard]] int64_t Percentile(double percent) const;

 private:
  static constexpr int kSubBits = 7;
  static constexpr size_t kSubBuckets = size_t{1} << kSubBits;
  static constexpr size_t kBuckets = kSubBuckets * (64 - kSubBits);

  static size_t BucketOf(uint64_t value);
  static uint64_t UpperEdge(size_t bucket);

  std::array<uint64_t, kBuckets> buckets_{};
  uint64_t count_ = 0;
  int64_t max_ns_ = 0;
};

}  // namespace weft

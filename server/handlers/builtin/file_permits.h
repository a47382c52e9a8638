#pragma once

#include <atomic>
#include <cstdint>

#include "metrics/metric_source.h"

namespace weft {

// How many file tasks hold descriptors at once: the bound that keeps descriptors for those who
// connect. A task that finds none free sleeps and tries again; no order among those. Any thread.
class FilePermits final : public MetricSource {
 public:
  // Descriptors that a task with a permit has open at most: a directory and a file in it.
  static constexpr int64_t kFilesPerTask = 2;

  explicit FilePermits(int64_t most) : most_(most) {}

  bool TryTake() {
    if (taken_.fetch_add(1, std::memory_order_relaxed) < most_) return true;
    taken_.fetch_sub(1, std::memory_order_relaxed);
    return false;
  }
  void Return() { taken_.fetch_sub(1, std::memory_order_relaxed); }
  // A task has to wait.
  void CountWait() { waits_.fetch_add(1, std::memory_order_relaxed); }

  void Collect(MetricWriter& writer) const override;

 private:
  const int64_t most_;
  std::atomic<int64_t> taken_{0};
  std::atomic<uint64_t> waits_{0};
};

}  // namespace weft

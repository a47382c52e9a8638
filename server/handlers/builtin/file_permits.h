#pragma once

#include <atomic>
#include <cstdint>

#include "executor/task_context.h"
#include "metrics/metric_source.h"

namespace weft {

// How many tasks hold descriptors of files or sockets at once: the bound that keeps descriptors for
// those who connect. A task that finds none free sleeps and tries again; no order among those. Any
// thread.
class FilePermits final : public MetricSource {
 public:
  // Descriptors that a task with a permit has open at most: a directory and a file in it, or a
  // socket.
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

// A task's own permit. Lives on the task's stack, before what it opens.
class FilePermitHold {
 public:
  // permits: outlives the task; null: as many as like.
  FilePermitHold(TaskContext& context, FilePermits* permits)
      : context_(context), permits_(permits) {}
  ~FilePermitHold() {
    if (is_held_) permits_->Return();
  }
  FilePermitHold(const FilePermitHold&) = delete;
  FilePermitHold& operator=(const FilePermitHold&) = delete;

  // Waits for it. False: the task was asked to stop.
  bool Await();

 private:
  TaskContext& context_;
  FilePermits* const permits_;
  bool is_held_ = false;
};

}  // namespace weft

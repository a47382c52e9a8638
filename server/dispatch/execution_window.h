#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

namespace weft {

// What was executed in some span of time: the ExecutorStats of the API. Latency is execution
// latency.
struct ExecutionSums {
  uint64_t executed = 0;  // Started and ended.
  uint64_t failed = 0;    // The part of executed that did not succeed.
  uint64_t total_ns = 0;
  uint64_t min_ns = 0;  // 0: nothing executed.
  uint64_t max_ns = 0;

  uint64_t AverageNs() const { return executed == 0 ? 0 : total_ns / executed; }
  void Add(uint64_t latency_ns, bool succeeded) {
    min_ns = executed == 0 ? latency_ns : std::min(min_ns, latency_ns);
    max_ns = std::max(max_ns, latency_ns);
    total_ns += latency_ns;
    ++executed;
    if (!succeeded) ++failed;
  }
  void Merge(const ExecutionSums& other);
};

// The executions of the last 10 seconds, in steps of a tenth, and those of all time. Time is
// passed in and does not go back. Owned by the Dispatcher. Door thread only.
class ExecutionWindow {
 public:
  static constexpr int64_t kSpanNs = 10'000'000'000;

  // Moves the window so that it ends at now_ns.
  void AdvanceTo(int64_t now_ns);
  // Counts one that ended about where the window ends.
  void Add(uint64_t latency_ns, bool succeeded) { Here().Add(latency_ns, succeeded); }
  // Counts several at once.
  void Add(const ExecutionSums& sums) { Here().Merge(sums); }

  // The last 10 s; what is older is gone within a tenth of a second.
  ExecutionSums Recent() const;
  ExecutionSums Lifetime() const;

 private:
  static constexpr int64_t kStepNs = 100'000'000;
  static constexpr size_t kSteps = kSpanNs / kStepNs;

  ExecutionSums& Here() { return steps_[place_]; }

  std::array<ExecutionSums, kSteps> steps_{};
  int64_t step_ = 0;      // Number of the step that the window ends in,
  size_t place_ = 0;      // and its place in steps_.
  ExecutionSums before_;  // What has left the window.
};

}  // namespace weft

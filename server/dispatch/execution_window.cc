#include "dispatch/execution_window.h"

#include <algorithm>

namespace weft {

void ExecutionSums::Merge(const ExecutionSums& other) {
  if (other.executed == 0) return;
  min_ns = executed == 0 ? other.min_ns : std::min(min_ns, other.min_ns);
  max_ns = std::max(max_ns, other.max_ns);
  total_ns += other.total_ns;
  executed += other.executed;
  failed += other.failed;
}

void ExecutionWindow::AdvanceTo(int64_t now_ns) {
  const int64_t step = now_ns / kStepNs;
  if (step <= step_) return;
  const int64_t passed = std::min(step - step_, static_cast<int64_t>(kSteps));
  for (int64_t i = 0; i < passed; ++i) {
    ExecutionSums& oldest = steps_[static_cast<size_t>(step - i) % kSteps];
    before_.Merge(oldest);
    oldest = ExecutionSums{};
  }
  step_ = step;
  place_ = static_cast<size_t>(step) % kSteps;
}

ExecutionSums ExecutionWindow::Recent() const {
  ExecutionSums sums;
  for (const ExecutionSums& step : steps_) sums.Merge(step);
  return sums;
}

ExecutionSums ExecutionWindow::Lifetime() const {
  ExecutionSums sums = Recent();
  sums.Merge(before_);
  return sums;
}

}  // namespace weft

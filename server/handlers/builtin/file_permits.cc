#include "handlers/builtin/file_permits.h"

#include <algorithm>

namespace weft {
namespace {

// A task without a permit looks again this often: often beside what a file takes when so many are
// open, rarely beside what the looks cost.
constexpr int64_t kPermitRetryNs = 2'000'000;

}  // namespace

bool FilePermitHold::Await() {
  if (permits_ == nullptr) return true;
  is_held_ = permits_->TryTake();
  if (!is_held_) permits_->CountWait();
  while (!is_held_) {
    if (context_.ShouldStop() || context_.SleepFor(kPermitRetryNs) != WakeReason::kElapsed) {
      return false;
    }
    is_held_ = permits_->TryTake();
  }
  return true;
}

void FilePermits::Collect(MetricWriter& writer) const {
  const int64_t taken = std::min(taken_.load(std::memory_order_relaxed), most_);
  writer.WriteGauge({"weft_handlers_file_tasks", "Tasks that have files or sockets open."}, {},
                    static_cast<double>(taken));
  writer.WriteGauge({"weft_handlers_file_tasks_max",
                     "Bound of weft_handlers_file_tasks: what the limit of open files leaves."},
                    {}, static_cast<double>(most_));
  writer.WriteCounter({"weft_handlers_file_waits_total",
                       "Tasks that had to wait, because so many had files or sockets open."},
                      {}, static_cast<double>(waits_.load(std::memory_order_relaxed)));
}

}  // namespace weft

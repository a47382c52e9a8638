#include "handlers/builtin/file_permits.h"

#include <algorithm>

namespace weft {

void FilePermits::Collect(MetricWriter& writer) const {
  const int64_t taken = std::min(taken_.load(std::memory_order_relaxed), most_);
  writer.WriteGauge({"weft_handlers_file_tasks", "Tasks that have files open."}, {},
                    static_cast<double>(taken));
  writer.WriteGauge({"weft_handlers_file_tasks_max",
                     "Bound of weft_handlers_file_tasks: what the limit of open files leaves."},
                    {}, static_cast<double>(most_));
  writer.WriteCounter({"weft_handlers_file_waits_total",
                       "File tasks that had to wait, because so many had files open."},
                      {}, static_cast<double>(waits_.load(std::memory_order_relaxed)));
}

}  // namespace weft

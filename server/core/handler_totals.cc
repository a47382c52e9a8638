#include "core/handler_totals.h"

#include <algorithm>

namespace weft {

void HandlerTotals::Merge(const HandlerTotals& other) {
  queue.Merge(other.queue);
  execution.Merge(other.execution);
  executed += other.executed;
  failed += other.failed;
}

HandlerTotals HandlerTotals::Since(const HandlerTotals& earlier) const {
  HandlerTotals since;
  since.queue = queue.Since(earlier.queue);
  since.execution = execution.Since(earlier.execution);
  since.executed = executed - earlier.executed;
  since.failed = failed - earlier.failed;
  return since;
}

HandlerTotals SumHandler(std::span<const CoreStats* const> cores, size_t handler) {
  HandlerTotals totals;
  for (const CoreStats* const core : cores) {
    const CoreStats::PerHandler& row = core->histograms[handler];
    // Before the executions, which they are a part of.
    totals.failed += row.failed.value();
    totals.executed += row.untimed.value();
    for (const LatencyHistograms& level : row.levels) {
      totals.queue.Merge(level.queue.Snapshot());
      totals.execution.Merge(level.execution.Snapshot());
    }
  }
  totals.executed += totals.execution.count;
  // A core counts a failure a moment before its execution.
  totals.failed = std::min(totals.failed, totals.executed);
  return totals;
}

}  // namespace weft

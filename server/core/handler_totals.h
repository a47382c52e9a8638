#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "core/stats.h"
#include "metrics/histogram.h"

namespace weft {

// What the tasks of one handler did, over some cores and all levels, at one moment. A plain value,
// about 4 KiB.
struct HandlerTotals {
  HistogramSnapshot queue;  // Both empty while timing is off.
  HistogramSnapshot execution;
  uint64_t executed = 0;
  uint64_t failed = 0;  // The part of executed that did not succeed.

  void Merge(const HandlerTotals& other);
  // What happened after `earlier`, an older value of the same handler or handlers.
  HandlerTotals Since(const HandlerTotals& earlier) const;
};

// Any thread. handler: a TaskEntry::index.
HandlerTotals SumHandler(std::span<const CoreStats* const> cores, size_t handler);

}  // namespace weft

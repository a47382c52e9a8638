#pragma once

#include <cstdint>

#include "executor/task_context.h"

namespace weft {

// Hears of handlers that hold a core beyond executor.stall_threshold_ms; the daemon names them in
// its log. Door thread only.
class StallObserver {
 public:
  virtual ~StallObserver() = default;
  // Once a hold, while it lasts. cpu: the core's CPU number; held_ns: so far.
  virtual void OnStall(int cpu, const TaskEntry& entry, int64_t held_ns) = 0;
};

}  // namespace weft

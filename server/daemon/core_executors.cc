#include "daemon/core_executors.h"

namespace weft {

CoreExecutors::CoreExecutors(ExecutorKind kind, size_t cores) {
  if (kind == ExecutorKind::kCore) return;
  for (size_t core = 0; core < cores; ++core) {
    if (kind == ExecutorKind::kFallback) {
      // Handlers have the core's clock, so it needs none of its own.
      all_.push_back(&fallbacks_.emplace_back());
    } else {
      // A core has it run one task after another.
      all_.push_back(&asios_.emplace_back(AsioOptions{.runs = AsioRuns::kPolled, .tasks_max = 1}));
    }
  }
}

}  // namespace weft

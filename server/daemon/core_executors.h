#pragma once

#include <cstddef>
#include <deque>
#include <vector>

#include "executor/asio_executor.h"
#include "executor/executor.h"
#include "executor/fallback_executor.h"
#include "executor/options.h"

namespace weft {

// The executors of executor.kind, one for each core, whose thread alone polls it; none for kCore,
// where a core runs handlers itself. Outlives the cores.
class CoreExecutors {
 public:
  CoreExecutors(ExecutorKind kind, size_t cores);

  const std::vector<Executor*>& all() const { return all_; }

 private:
  std::deque<FallbackExecutor> fallbacks_;
  std::deque<AsioExecutor> asios_;
  std::vector<Executor*> all_;
};

}  // namespace weft

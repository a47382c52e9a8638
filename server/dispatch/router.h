#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "dispatch/core_load.h"
#include "task/priority.h"

namespace weft {

// Picks the home core of a task that named none: the one with the least work ahead of it, among
// those that have room for it; of equals the next in turn. Owned by the Dispatcher. Door thread
// only.
class Router {
 public:
  explicit Router(uint32_t max_queue_depth) : max_queue_depth_(max_queue_depth) {}

  // The index of the chosen core; loads holds at least one. When no core has room it is still the
  // one with the least ahead, and admission then names the bound.
  size_t Choose(std::span<const CoreLoad> loads, Priority priority);

 private:
  uint32_t max_queue_depth_;
  size_t next_ = 0;  // Where the search starts, so that ties go round.
};

}  // namespace weft

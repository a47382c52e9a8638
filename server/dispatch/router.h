#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "dispatch/core_load.h"
#include "sys/clock.h"
#include "task/priority.h"

namespace weft {

// The core of all tasks with that key, below core_count: the same for the same key and number of
// cores, always. Keys are spread evenly, also those that differ in one character. Any thread.
size_t AffinityCore(std::string_view key, size_t core_count);

// Picks the home core of a task that named none: the one on which it is expected to start first,
// among those that have room for it; of equals the one with the fewest tasks ahead, and then the
// next in turn. Owned by the Dispatcher. Door thread only.
class Router {
 public:
  explicit Router(uint32_t max_queue_depth) : max_queue_depth_(max_queue_depth) {}

  // The index of the chosen core; loads, of the active cores, holds at least one. When no core has
  // room it is still the one with the least ahead, and admission then names the bound.
  size_t Choose(std::span<const CoreLoad> loads, Priority priority, sys::Ticks now);

 private:
  uint32_t max_queue_depth_;
  size_t next_ = 0;  // Where the search starts, so that ties go round.
};

}  // namespace weft

#include "dispatch/router.h"

#include <cassert>

namespace weft {

size_t Router::Choose(std::span<const CoreLoad> loads, Priority priority) {
  assert(!loads.empty());
  if (loads.size() == 1) return 0;
  if (next_ >= loads.size()) next_ = 0;
  size_t best = next_;
  uint64_t best_ahead = UINT64_MAX;
  bool best_has_room = false;
  for (size_t step = 0; step < loads.size(); ++step) {
    const size_t index = next_ + step < loads.size() ? next_ + step : next_ + step - loads.size();
    const CoreLoad& load = loads[index];
    const bool has_room = !load.slots_full && load.Queued(priority) < max_queue_depth_;
    if (best_has_room && !has_room) continue;
    const uint64_t ahead = load.Ahead(priority);
    if (has_room == best_has_room && ahead >= best_ahead) continue;
    best = index;
    best_ahead = ahead;
    best_has_room = has_room;
  }
  next_ = best + 1;
  return best;
}

}  // namespace weft

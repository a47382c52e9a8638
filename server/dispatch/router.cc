#include "dispatch/router.h"

#include <cassert>

namespace weft {

// FNV-1a; the mixing afterwards lets every byte reach the upper bits, which choose the core.
size_t AffinityCore(std::string_view key, size_t core_count) {
  uint64_t hash = 0xcbf29ce484222325;
  for (const char byte : key) hash = (hash ^ static_cast<uint8_t>(byte)) * 0x100000001b3;
  hash = (hash ^ (hash >> 33)) * 0xff51afd7ed558ccd;
  hash ^= hash >> 33;
  return static_cast<size_t>(((hash >> 32) * core_count) >> 32);
}

size_t Router::Choose(std::span<const CoreLoad> loads, Priority priority, sys::Ticks now) {
  assert(!loads.empty());
  if (loads.size() == 1) return 0;
  if (next_ >= loads.size()) next_ = 0;
  size_t best = next_;
  uint64_t best_work = UINT64_MAX;
  uint64_t best_ahead = UINT64_MAX;
  bool best_has_room = false;
  for (size_t step = 0; step < loads.size(); ++step) {
    const size_t index = next_ + step < loads.size() ? next_ + step : next_ + step - loads.size();
    const CoreLoad& load = loads[index];
    const bool has_room = !load.slots_full && load.Queued(priority) < max_queue_depth_;
    if (best_has_room && !has_room) continue;
    const uint64_t work = load.WorkAhead(priority, now);
    if (has_room == best_has_room && work > best_work) continue;
    const uint64_t ahead = load.Ahead(priority);
    if (has_room == best_has_room && work == best_work && ahead >= best_ahead) continue;
    best = index;
    best_work = work;
    best_ahead = ahead;
    best_has_room = has_room;
  }
  next_ = best + 1;
  return best;
}

}  // namespace weft

#include "daemon/watchdog.h"

namespace weft {

std::optional<size_t> Watchdog::Look(std::span<const LifeSign> threads) {
  std::optional<size_t> stuck;
  for (size_t i = 0; i < threads.size(); ++i) {
    const LifeSign& sign = threads[i];
    if (i == seen_.size()) seen_.push_back({.beats = sign.beats, .silent_looks = -1});
    Seen& seen = seen_[i];
    const bool silent = sign.beats == seen.beats && !sign.resting && !sign.held;
    seen.silent_looks = silent ? seen.silent_looks + 1 : 0;
    seen.beats = sign.beats;
    if (seen.silent_looks >= patience_looks_ && !stuck) stuck = i;
  }
  return stuck;
}

}  // namespace weft

#pragma once

#include <cstdint>

#include "core/stall_detector.h"

namespace weft {

// A handler that has held its thread for too long, as it was found.
struct Stall {
  uint32_t core = 0;      // Index of the core.
  int cpu = 0;            // That core's CPU number.
  int thread_id = 0;      // Of the thread, as the system numbers it.
  RunningHandler holder;  // Never without an entry.
  int64_t held_ns = 0;    // So far.
  int64_t threshold_ns = 0;
};

// Hears of handlers that hold a core beyond executor.stall_threshold_ms; the daemon names them in
// its log. Door thread only.
class StallObserver {
 public:
  virtual ~StallObserver() = default;
  // Once a hold, while it lasts.
  virtual void OnStall(const Stall& stall) = 0;
};

}  // namespace weft

#pragma once

#include <cstddef>

#include "core/stall_detector.h"
#include "dispatch/stall_observer.h"
#include "sys/clock.h"

namespace weft {

// When the Door looks for handlers that hold a core, and who hears of them. Owned by the
// Dispatcher. Door thread only.
struct StallWatch {
  StallWatch(size_t cores, sys::Ticks threshold)
      : detector(cores, threshold), look_ticks(threshold / 4) {}

  StallDetector detector;
  StallObserver* observer = nullptr;
  sys::Ticks look_ticks;  // Between two looks; 0: never.
  sys::Ticks next_look = sys::kTicksForever;
};

}  // namespace weft

#pragma once

#include <cstdint>

#include "dispatch/active_cores.h"
#include "sys/clock.h"

namespace weft {

// The cores that take new tasks, and when the Door looks whether there should be more or fewer.
// Owned by the Dispatcher. Door thread only.
struct LoadWatch {
  LoadWatch(uint32_t cores, uint32_t least, sys::Ticks every)
      : active(cores, least), look_ticks(every) {}

  ActiveCores active;
  const sys::Ticks look_ticks;  // Between two looks.
  sys::Ticks looked_at = 0;     // Last.
  ActiveCores::Load seen;       // Then.
};

}  // namespace weft

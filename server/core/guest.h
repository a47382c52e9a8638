#pragma once

#include "sys/clock.h"

namespace weft {

// What else a core's thread does when nobody else is to do it: see dispatch/lent_door.h. It wakes
// by the core's doorbell. The core's thread only.
class CoreGuest {
 public:
  // Between two turns. True if it did anything.
  virtual bool Round() = 0;

  // Why a core that has nothing to do would rather rest by itself: only its own sleep ends on time.
  struct Wish {
    bool waits_in_ring = false;
    sys::Ticks until = sys::kTicksForever;  // Its next timer.
    // Whether there is work after all, looked at once everybody who brings some will ring.
    bool (*has_work)(void* core) = nullptr;
    void* core = nullptr;
  };
  // Spins or sleeps for both. False: it is not here, or leaves, and the core rests by itself.
  virtual bool Rest(const Wish& wish) = 0;

 protected:
  ~CoreGuest() = default;
};

}  // namespace weft

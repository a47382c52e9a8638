#pragma once

#include <atomic>

#include "sys/parking.h"

namespace weft {

// How a core tells the Door, once per sleep, that its outbox is no longer empty. Owned by the Door,
// outlives the cores.
template <template <class> class Atomic = std::atomic>
struct BasicDoorbell {
  sys::Parking<Atomic> parking;
  void (*ring)(void* argument) = nullptr;  // Any thread; must not block.
  void* argument = nullptr;

  // Any thread, after publishing. Rings only a Door that has gone to sleep, once.
  void RingIfParked() {
    if (parking.TakeParked() && ring != nullptr) ring(argument);
  }
};

using Doorbell = BasicDoorbell<>;

}  // namespace weft

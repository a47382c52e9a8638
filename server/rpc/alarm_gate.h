#pragma once

#include <atomic>

namespace weft {

// The memory orders of an AlarmGate, named so that tests/model can weaken one at a time and show
// that the alarm is then touched by two at once.
struct AlarmGateOrders {
  static constexpr std::memory_order kEnter = std::memory_order_acquire;
  static constexpr std::memory_order kLeave = std::memory_order_release;
};

// Lets one ring of an alarm be under way at a time, since an alarm may not be armed again before
// its event was taken.
//
// Protocol. Who is to ring enters, and whoever gets in arms the alarm. Whoever takes the alarm's
// event leaves for it (kLeave, pairs with the kEnter of the next to get in, so that the alarm is
// free again), before it announces that it parks once more (sys/parking.h). A ringer that does not
// get in is answered by the event on its way: that ends the very wait it meant to end, and what it
// has published is ordered by the parking word, not by the gate.
template <template <class> class Atomic = std::atomic, class Orders = AlarmGateOrders>
class AlarmGate {
 public:
  // Any thread. True: the caller arms the alarm.
  bool Enter() { return !is_armed_.exchange(true, Orders::kEnter); }
  // Door thread only, when it has taken the alarm's event and before its next Announce.
  void Leave() { is_armed_.exchange(false, Orders::kLeave); }

 private:
  Atomic<bool> is_armed_{false};
};

}  // namespace weft

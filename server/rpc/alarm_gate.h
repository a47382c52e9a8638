#pragma once

#include <atomic>

namespace weft {

// The memory orders of an AlarmGate, named so that tests/model can weaken one at a time and show
// that the alarm is then touched by two at once.
struct AlarmGateOrders {
  static constexpr std::memory_order kEnter = std::memory_order_acq_rel;
  static constexpr std::memory_order kLeave = std::memory_order_acq_rel;
};

// Lets one ring of an alarm be under way at a time, since an alarm may not be armed again before
// its event was taken.
//
// Protocol. Who is to ring enters, and whoever gets in arms the alarm. Whoever takes the alarm's
// event leaves for it (kLeave, pairs with the kEnter of the next to get in, so that the alarm is
// free again), and only then looks for work once more. A ringer that does not get in is answered by
// the event on its way, or by that look: what it published before its kEnter, the kLeave acquires.
//
// So both are acquire and release, although the Door leaves before it announces that it parks, and
// a ringer enters after it has taken that (sys/parking.h). The model shows that the parking word
// then suffices, but leaves out load buffering, which C++ permits and aarch64 does: an enter could
// be seen ahead of the leave before the very announcement that its ringer took.
template <template <class> class Atomic = std::atomic, class Orders = AlarmGateOrders>
class AlarmGate {
 public:
  // Any thread. True: the caller arms the alarm.
  bool Enter() { return !is_armed_.exchange(true, Orders::kEnter); }
  // Door thread only, when it has taken the alarm's event and before it looks for work.
  void Leave() { is_armed_.exchange(false, Orders::kLeave); }

 private:
  Atomic<bool> is_armed_{false};
};

}  // namespace weft

#pragma once

#include <atomic>
#include <cstdint>

namespace weft {

// The memory orders of an AlarmGate, named so that tests/model can weaken one at a time and show
// that the alarm is then touched by two at once, or when it may not be any more.
struct AlarmGateOrders {
  static constexpr std::memory_order kEnter = std::memory_order_acq_rel;
  static constexpr std::memory_order kLeave = std::memory_order_acq_rel;
  static constexpr std::memory_order kOpen = std::memory_order_release;
  static constexpr std::memory_order kArrive = std::memory_order_acquire;
  static constexpr std::memory_order kDepart = std::memory_order_release;
  static constexpr std::memory_order kQuiet = std::memory_order_acquire;
};

// Lets one ring of an alarm be under way at a time, since an alarm may not be armed again before
// its event was taken; and none before it is opened or after it is closed and quiet.
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
//
// Closing. Who is to ring arrives first and departs in the end. One word counts who is there and
// tells whether the gate is closed, and changes by read-modify-writes only: so who arrives sees it
// open (kArrive, pairs with kOpen: what the alarm needs is there) or keeps off; and who arrived
// before it was closed is waited for, for the word says quiet only once the last has departed
// (kDepart, pairs with kQuiet: nobody touches the alarm after that).
template <template <class> class Atomic = std::atomic, class Orders = AlarmGateOrders>
class AlarmGate {
 public:
  // Door thread only, once, when all that arming takes is there.
  void Open() { ringers_.fetch_sub(kClosed, Orders::kOpen); }
  // Door thread only, once. The alarm may be armed until IsQuiet, which soon is so.
  void Close() { ringers_.fetch_add(kClosed, std::memory_order_relaxed); }
  bool IsQuiet() const { return ringers_.load(Orders::kQuiet) == kClosed; }

  // Any thread. True: the caller may enter. It departs either way.
  bool Arrive() { return ringers_.fetch_add(1, Orders::kArrive) < kClosed; }
  void Depart() { ringers_.fetch_sub(1, Orders::kDepart); }
  // Between Arrive and Depart. True: the caller arms the alarm.
  bool Enter() { return !is_armed_.exchange(true, Orders::kEnter); }
  // Door thread only, when it has taken the alarm's event and before it looks for work.
  void Leave() { is_armed_.exchange(false, Orders::kLeave); }

 private:
  static constexpr uint32_t kClosed = uint32_t{1} << 31;

  Atomic<bool> is_armed_{false};
  Atomic<uint32_t> ringers_{kClosed};
};

}  // namespace weft

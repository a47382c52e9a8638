#pragma once

#include <array>
#include <atomic>
#include <cstddef>

#include "dispatch/door_errand.h"

namespace weft {

// The memory orders of a DoorMail, named so that tests/model can weaken one at a time and show that
// an errand is then lost or torn.
struct DoorMailOrders {
  static constexpr std::memory_order kPut = std::memory_order_acq_rel;
  static constexpr std::memory_order kTake = std::memory_order_acq_rel;
};

// The errands that wait for the Door, at most kMax.
//
// Protocol. A slot goes from null to an errand by the compare-exchange of whoever puts it there
// (kPut) and back to null by the exchange of the Door (kTake), which then runs it: what is released
// with the errand is acquired with it. Close stores closed_, then empties the slots; Put fills a
// slot, then loads closed_. A slot changes by read-modify-writes only: if Put's comes first, Close
// finds the errand; if Close's comes first, Put acquires what Close released before it, sees that
// the mail is closed, and takes the errand back, unless it has been run.
template <template <class> class Atomic = std::atomic, class Orders = DoorMailOrders>
class BasicDoorMail {
 public:
  static constexpr size_t kMax = 4;

  // Any thread. False when kMax errands wait or the mail is closed: this one is never run.
  bool Put(DoorErrand& errand) {
    for (Atomic<DoorErrand*>& slot : slots_) {
      DoorErrand* expected = nullptr;
      if (!slot.compare_exchange_strong(expected, &errand, Orders::kPut,
                                        std::memory_order_relaxed)) {
        continue;
      }
      if (!closed_.load(std::memory_order_relaxed)) return true;
      expected = &errand;
      return !slot.compare_exchange_strong(expected, nullptr, std::memory_order_relaxed,
                                           std::memory_order_relaxed);
    }
    return false;
  }

  // Door thread only. A hint of what RunAll would find; after parking.Announce it is for sure.
  bool empty() const {
    for (const Atomic<DoorErrand*>& slot : slots_) {
      if (slot.load(std::memory_order_relaxed) != nullptr) return false;
    }
    return true;
  }
  // Door thread only. Runs all that wait; returns how many.
  size_t RunAll() { return empty() ? 0 : Empty(); }
  // Door thread only. Runs what waits and takes no more.
  void Close() {
    closed_.store(true, std::memory_order_relaxed);
    Empty();
  }

 private:
  size_t Empty() {
    size_t count = 0;
    for (Atomic<DoorErrand*>& slot : slots_) {
      DoorErrand* const errand = slot.exchange(nullptr, Orders::kTake);
      if (errand == nullptr) continue;
      errand->Run();
      ++count;
    }
    return count;
  }

  std::array<Atomic<DoorErrand*>, kMax> slots_{};
  Atomic<bool> closed_{false};
};

using DoorMail = BasicDoorMail<>;

}  // namespace weft

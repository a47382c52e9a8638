#pragma once

#include <atomic>
#include <cstdint>

namespace weft::sys {

// The memory orders of Parking, named so that tests/model can weaken one at a time and show that
// the protocol then loses a wake-up.
struct ParkingOrders {
  static constexpr std::memory_order kAnnounce = std::memory_order_acquire;
  static constexpr std::memory_order kWithdraw = std::memory_order_acquire;
  static constexpr std::memory_order kTake = std::memory_order_release;
};

// Going to sleep without losing a wake-up, for one sleeper and any number of wakers.
//
// Protocol. word_ is kAwake or kParked (or kParkedInRing, see below) and changes by
// read-modify-writes only, so all changes are in one order and none breaks the release sequence of
// an earlier one. The sleeper announces (exchange to kParked), THEN looks at every source of work
// once more, and only if all are empty sleeps while word_ is kParked. A waker publishes its work,
// THEN takes (exchange to kAwake), and wakes the sleeper only if it took kParked: at most one wake
// a sleep. If the take comes before the announce (or the withdraw), the acquire of the latter reads
// from the release of the take, and the work is visible to the look that follows. If the announce
// comes first, the take reads kParked and wakes. There is no fence, which ThreadSanitizer could not
// follow.
//
// A sleeper that waits for the kernel, too, cannot wait on word_. It announces kParkedInRing and
// sleeps until an event that counts (an eventfd) is not zero, or the kernel has something. The word
// itself tells the waker which sleep to end, so there is no second variable to order. The event
// lasts: a waker that took kParkedInRing and is late ends the next such sleep early, which costs a
// look, and no sleep can miss it, because only what ends a sleep in the ring takes events away.
template <template <class> class Atomic = std::atomic, class Orders = ParkingOrders>
class Parking {
 public:
  static constexpr uint32_t kAwake = 0;
  static constexpr uint32_t kParked = 1;
  static constexpr uint32_t kParkedInRing = 2;

  // Sleeper only. Afterwards look at every source again, then sleep while word() is kParked, or
  // until the event.
  void Announce(uint32_t how = kParked) { word_.exchange(how, Orders::kAnnounce); }

  // Sleeper only: after a sleep, or instead of one. Afterwards look at every source.
  void Withdraw() { word_.exchange(kAwake, Orders::kWithdraw); }

  // Any thread, after publishing work. kParked, kParkedInRing: the caller must end that sleep.
  uint32_t Take() { return word_.exchange(kAwake, Orders::kTake); }
  // For sleepers that only ever announce kParked. True: the caller must wake the sleeper.
  bool TakeParked() { return Take() == kParked; }

  // Any thread. A hint that costs a shared load; only Take decides.
  bool LooksParked() const { return word_.load(std::memory_order_relaxed) != kAwake; }

  // What the sleeper's wait looks at, for a futex.
  Atomic<uint32_t>& word() { return word_; }

 private:
  alignas(64) Atomic<uint32_t> word_{kAwake};
};

}  // namespace weft::sys

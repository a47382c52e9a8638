#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <mutex>

// Where those who wait for one side of a channel are found by the other, which may be on any
// thread.
//
// Protocol. That of sys/parking.h, with the waiter itself in place of the word that it is parked.
// Who waits sits down, THEN looks once more, and only then sleeps until it is notified. Who has
// published something, THEN wakes: takes a waiter from its seat and notifies it. Both change one
// word by read-modify-writes, so all changes are in one order: if the wake comes first, sitting
// down acquires what was released with it, and the look sees what was published; if it comes
// second, it finds the waiter. A waiter that leaves and is not in its seat any more is about to be
// notified, and stays until it was.
namespace weft {

// The memory orders of both, named so that tests/model can weaken one at a time.
struct SeatOrders {
  static constexpr std::memory_order kSit = std::memory_order_acq_rel;
  static constexpr std::memory_order kWake = std::memory_order_acq_rel;
};

// For one waiter at a time.
template <class Waiter, template <class> class Atomic = std::atomic, class Orders = SeatOrders>
class Seat {
 public:
  static constexpr bool kIsForMany = false;

  // Who waits only. False: another one sits there.
  bool Sit(Waiter& waiter) {
    Waiter* nobody = nullptr;
    return seat_.compare_exchange_strong(nobody, &waiter, Orders::kSit, std::memory_order_relaxed);
  }
  // Who waits only. False: it is about to be notified, or was.
  bool Leave(Waiter& waiter) {
    Waiter* self = &waiter;
    return seat_.compare_exchange_strong(self, nullptr, std::memory_order_relaxed,
                                         std::memory_order_relaxed);
  }
  // Any thread, after publishing.
  void WakeOne() {
    Waiter* const waiter = seat_.exchange(nullptr, Orders::kWake);
    if (waiter != nullptr) waiter->Notify();
  }
  void WakeAll() { WakeOne(); }

 private:
  Atomic<Waiter*> seat_{nullptr};
};

// For as many as there are, the longest first; Waiter has what links it: next, previous, is_seated.
// The word that is changed is the count of those who sit; which they are is kept under a lock that
// is held for a few stores, and taken only if somebody sits.
template <class Waiter, template <class> class Atomic = std::atomic, class Orders = SeatOrders,
          class Lock = std::mutex>
class SeatRow {
 public:
  static constexpr bool kIsForMany = true;

  bool Sit(Waiter& waiter) {
    const std::lock_guard lock(lock_);
    waiter.previous = last_;
    waiter.next = nullptr;
    (last_ == nullptr ? first_ : last_->next) = &waiter;
    last_ = &waiter;
    waiter.is_seated = true;
    count_.fetch_add(1, Orders::kSit);
    return true;
  }
  bool Leave(Waiter& waiter) {
    const std::lock_guard lock(lock_);
    if (!waiter.is_seated) return false;
    Remove(waiter);
    return true;
  }
  void WakeOne() {
    if (count_.fetch_add(0, Orders::kWake) > 0) WakeFirst();
  }
  void WakeAll() {
    while (WakeFirst()) {
    }
  }

 private:
  // Whoever is out of the list is notified outside of the lock: it stays until then.
  bool WakeFirst() {
    Waiter* waiter = nullptr;
    {
      const std::lock_guard lock(lock_);
      waiter = first_;
      if (waiter != nullptr) Remove(*waiter);
    }
    if (waiter != nullptr) waiter->Notify();
    return waiter != nullptr;
  }

  void Remove(Waiter& waiter) {
    (waiter.previous == nullptr ? first_ : waiter.previous->next) = waiter.next;
    (waiter.next == nullptr ? last_ : waiter.next->previous) = waiter.previous;
    waiter.is_seated = false;
    count_.fetch_sub(1, std::memory_order_relaxed);
  }

  Atomic<uint32_t> count_{0};
  Lock lock_;
  Waiter* first_ = nullptr;
  Waiter* last_ = nullptr;
};

}  // namespace weft

#pragma once

#include <atomic>

namespace weft::sys {

// The memory orders of a FinishedList, named so that tests/model can weaken one at a time and show
// that an operation is then torn.
struct FinishedListOrders {
  static constexpr std::memory_order kPush = std::memory_order_release;
  static constexpr std::memory_order kTake = std::memory_order_acquire;
};

// What threads have finished, on its way back to the one owner. Linked through the operations' own
// `next`, so that a push never fails.
//
// Protocol. A thread links its operation to the newest it sees and puts it in that one's place, if
// it still is the newest (kPush); the owner takes them all at once (kTake). The word changes by
// read-modify-writes only, so the one take acquires what every push before it released. An
// operation that was taken may be pushed again while another thread still compares with it: that
// one then links to it rightly, for it looks at nothing of the operation but where it is. Whoever
// pushed wakes the owner only afterwards, as sys/parking.h demands.
template <class T, template <class> class Atomic = std::atomic, class Orders = FinishedListOrders>
class FinishedList {
 public:
  // Any thread that has the operation. The owner may have it from here on.
  void Push(T* operation) {
    T* newest = newest_.load(std::memory_order_relaxed);
    do {
      operation->next = newest;
    } while (!newest_.compare_exchange_weak(newest, operation, Orders::kPush,
                                            std::memory_order_relaxed));
  }

  // Owner only. A hint of what TakeAll would find; after Announce it is for sure.
  bool empty() const { return newest_.load(std::memory_order_relaxed) == nullptr; }

  // Owner only. All that was pushed, linked from the oldest to the newest; or null.
  T* TakeAll() {
    T* newest = newest_.exchange(nullptr, Orders::kTake);
    T* oldest = nullptr;
    while (newest != nullptr) {
      T* const older = newest->next;
      newest->next = oldest;
      oldest = newest;
      newest = older;
    }
    return oldest;
  }

 private:
  Atomic<T*> newest_{nullptr};
};

}  // namespace weft::sys

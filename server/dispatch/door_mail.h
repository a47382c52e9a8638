#pragma once

#include <array>
#include <atomic>
#include <cstddef>

namespace weft {

// Something that another thread has the Door do between two of its rounds. Stays where it is from
// being put into the mail until it was run.
class DoorErrand {
 public:
  // Door thread only. Must not block.
  virtual void Run() = 0;

 protected:
  DoorErrand() = default;
  ~DoorErrand() = default;
  DoorErrand(const DoorErrand&) = delete;
  DoorErrand& operator=(const DoorErrand&) = delete;
};

// The errands that wait for the Door, at most kMax.
//
// Protocol. A slot goes from null to an errand by the compare-exchange of whoever puts it there and
// back to null by the exchange of the Door, which then runs it; the release of the former pairs
// with the acquire of the latter. Close stores closed_, then empties the slots; Put fills a slot,
// then loads closed_. These four are sequentially consistent, so either Close finds the errand, or
// Put sees that it is closed and takes the errand back, unless it has been run.
class DoorMail {
 public:
  static constexpr size_t kMax = 4;

  // Any thread. False when kMax errands wait or the mail is closed: this one is never run.
  bool Put(DoorErrand& errand) {
    for (std::atomic<DoorErrand*>& slot : slots_) {
      DoorErrand* expected = nullptr;
      if (!slot.compare_exchange_strong(expected, &errand)) continue;
      if (!closed_.load()) return true;
      expected = &errand;
      return !slot.compare_exchange_strong(expected, nullptr);
    }
    return false;
  }

  // Door thread only.
  bool empty() const {
    for (const std::atomic<DoorErrand*>& slot : slots_) {
      if (slot.load(std::memory_order_acquire) != nullptr) return false;
    }
    return true;
  }
  // Door thread only. Runs all that wait; returns how many.
  size_t RunAll() { return empty() ? 0 : Empty(); }
  // Door thread only. Runs what waits and takes no more.
  void Close() {
    closed_.store(true);
    Empty();
  }

 private:
  size_t Empty() {
    size_t count = 0;
    for (std::atomic<DoorErrand*>& slot : slots_) {
      DoorErrand* const errand = slot.exchange(nullptr);
      if (errand == nullptr) continue;
      errand->Run();
      ++count;
    }
    return count;
  }

  std::array<std::atomic<DoorErrand*>, kMax> slots_{};
  std::atomic<bool> closed_{false};
};

}  // namespace weft

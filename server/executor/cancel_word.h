#pragma once

#include <atomic>
#include <cstdint>

#include "task/cancel_reason.h"
#include "task/task_id.h"

namespace weft {

// Whether, and why, the task in some place is asked to stop. The word names the task it is for by
// its serial: so it never reaches the next task of that place, and a submission, which would have
// to fetch the word's cache line to clear it, leaves it alone. Protocol: one thread sets, any
// reads; relaxed, pairs with nothing.
template <template <class> class Atomic = std::atomic>
class BasicCancelWord {
 public:
  constexpr BasicCancelWord() = default;
  constexpr BasicCancelWord(TaskId id, CancelReason reason)
      : word_(KeyOf(id) | static_cast<uint64_t>(reason)) {}

  void Set(TaskId id, CancelReason reason) {
    word_.store(KeyOf(id) | static_cast<uint64_t>(reason), std::memory_order_relaxed);
  }

  // kNone also when it is for another task.
  CancelReason ReasonFor(TaskId id) const {
    const uint64_t reason = word_.load(std::memory_order_relaxed) ^ KeyOf(id);
    return reason <= kReasonMask ? static_cast<CancelReason>(reason) : CancelReason::kNone;
  }
  bool IsSetFor(TaskId id) const {
    // One comparison: kNone, which is 0, becomes the largest number.
    return (word_.load(std::memory_order_relaxed) ^ KeyOf(id)) - 1 < kReasonMask;
  }

 private:
  static constexpr int kReasonBits = 64 - TaskId::kSerialBits;
  static constexpr uint64_t kReasonMask = (uint64_t{1} << kReasonBits) - 1;

  static constexpr uint64_t KeyOf(TaskId id) { return id.value() << kReasonBits; }

  Atomic<uint64_t> word_{0};
};

using CancelWord = BasicCancelWord<>;

}  // namespace weft

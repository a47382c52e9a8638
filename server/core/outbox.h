#pragma once

#include <atomic>
#include <bit>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "core/message.h"

namespace weft {

// The memory orders of the Outbox, named so that tests/model can weaken one at a time and show that
// an entry is then torn.
struct OutboxOrders {
  static constexpr std::memory_order kPublish = std::memory_order_release;
  static constexpr std::memory_order kConsume = std::memory_order_acquire;
  static constexpr std::memory_order kRecycle = std::memory_order_release;
  static constexpr std::memory_order kClaim = std::memory_order_acquire;
};

// Bounded queue of completions from one core to the Door. Owned by the core.
//
// Protocol. Position p lives in slot p mod capacity and is published by its slot's sequence
// becoming p + 1 (kPublish, after the entry; pairs with the Door's kConsume). Entry and sequence
// share a cache line, so one transfer carries both. The Door tells in head_ what it has taken
// (kRecycle, after its reads; pairs with the core's kClaim); the core reads it only when its copy
// says full. When full, the core starts no more until the Door has drained.
template <class Item = Completion, template <class> class Atomic = std::atomic,
          class Orders = OutboxOrders>
class Outbox {
 public:
  // capacity: a power of two, 2 or more.
  explicit Outbox(size_t capacity) : mask_(capacity - 1), slots_(new Slot[capacity]) {
    assert(capacity >= 2 && std::has_single_bit(capacity));
  }

  // Core thread only. Whether count more entries fit.
  bool HasRoom(size_t count) {
    if (tail_ + count - head_seen_ <= mask_ + 1) return true;
    head_seen_ = head_.load(Orders::kClaim);
    return tail_ + count - head_seen_ <= mask_ + 1;
  }

  // Core thread only. How many of `wanted` more entries fit.
  size_t Room(size_t wanted) {
    if (HasRoom(wanted)) return wanted;
    return static_cast<size_t>(mask_ + 1 - (tail_ - head_seen_));
  }

  // Core thread only, after HasRoom. The next entry, to be written in place, then published. It
  // holds what is left of an older one.
  Item& Next() { return slots_[tail_ & mask_].item; }
  void Publish() {
    Slot& slot = slots_[tail_ & mask_];
    slot.sequence.store(++tail_, Orders::kPublish);
  }
  void Push(const Item& item) {
    Next() = item;
    Publish();
  }

  // Door thread only. Hands up to `most` entries to take(const Item&), oldest first; returns how
  // many. Their places are the core's again only afterwards.
  template <class Take>
  size_t Drain(size_t most, Take&& take) {
    size_t count = 0;
    for (; count < most; ++count) {
      const Slot& slot = slots_[(head_copy_ + count) & mask_];
      if (slot.sequence.load(Orders::kConsume) != head_copy_ + count + 1) break;
      take(slot.item);
    }
    if (count > 0) head_.store(head_copy_ += count, Orders::kRecycle);
    return count;
  }
  // The same into out.
  size_t Drain(std::span<Item> out) {
    return Drain(out.size(), [to = out.begin()](const Item& item) mutable { *to++ = item; });
  }

  // Door thread only.
  bool empty() const {
    return slots_[head_copy_ & mask_].sequence.load(Orders::kConsume) != head_copy_ + 1;
  }
  size_t capacity() const { return mask_ + 1; }
  // What it lies in. Before Start only.
  std::span<const std::byte> memory() const {
    return std::as_bytes(std::span(slots_.get(), capacity()));
  }

 private:
  struct alignas(64) Slot {
    Item item;
    Atomic<uint64_t> sequence{0};
  };

  const size_t mask_;
  std::unique_ptr<Slot[]> slots_;
  // Not beside the two above, which the Door reads at each look.
  alignas(64) uint64_t tail_ = 0;  // Core's.
  uint64_t head_seen_ = 0;         // Core's.
  alignas(64) Atomic<uint64_t> head_{0};
  uint64_t head_copy_ = 0;  // Door's.
};

static_assert(sizeof(Completion) + sizeof(uint64_t) == 64, "one cache line a completion");

}  // namespace weft

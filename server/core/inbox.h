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

// The memory orders of the Inbox, named so that tests/model can weaken one at a time and show that
// a message is then lost or torn.
struct InboxOrders {
  static constexpr std::memory_order kPublish = std::memory_order_release;
  static constexpr std::memory_order kConsume = std::memory_order_acquire;
  static constexpr std::memory_order kRecycle = std::memory_order_release;
  static constexpr std::memory_order kClaim = std::memory_order_acquire;
};

// Bounded queue of many producers into one core. Owned by the core.
//
// Protocol. Position p lives in slot p mod capacity; a slot's sequence says what may happen to it:
// p: free for the producer that claims p; p + 1: published, for the consumer; the consumer sets
// p + capacity when it has taken it. A producer claims n positions at once: it loads the sequence
// of the LAST of them (kClaim, pairs with kRecycle: the consumer's reads of the old message are
// done), and as the consumer frees in order, all before it are free too; then it moves tail_ by
// compare-and-swap. It writes each message and publishes it (kPublish pairs with kConsume). The
// message and its sequence share a cache line, so one transfer carries both.
template <class Item = Message, template <class> class Atomic = std::atomic,
          class Orders = InboxOrders>
class Inbox {
 public:
  // capacity: a power of two, 2 or more.
  explicit Inbox(size_t capacity) : mask_(capacity - 1), slots_(new Slot[capacity]) {
    assert(capacity >= 2 && std::has_single_bit(capacity));
    for (size_t i = 0; i < capacity; ++i) {
      slots_[i].sequence.store(i, std::memory_order_relaxed);
    }
  }

  // Any thread. Puts in as many of items, in order and without gaps, as it finds room for; returns
  // how many. 0 means full.
  size_t Push(std::span<const Item> items) {
    if (items.empty()) return 0;
    uint64_t position = tail_.load(std::memory_order_relaxed);
    size_t count = 0;
    do {
      count = RoomAt(position, items.size());
      if (count == 0) {
        // Another producer may have moved on while we looked; then the answer is not "full".
        const uint64_t seen = tail_.load(std::memory_order_relaxed);
        if (seen == position) return 0;
        position = seen;
        continue;
      }
    } while (count == 0 ||
             !tail_.compare_exchange_weak(position, position + count, std::memory_order_relaxed,
                                          std::memory_order_relaxed));
    for (size_t i = 0; i < count; ++i) {
      Slot& slot = slots_[(position + i) & mask_];
      slot.item = items[i];
      slot.sequence.store(position + i + 1, Orders::kPublish);
    }
    return count;
  }

  // Core thread only. The oldest message, or null; stays valid until Pop.
  const Item* Front() const {
    const Slot& slot = slots_[head_ & mask_];
    if (slot.sequence.load(Orders::kConsume) != head_ + 1) return nullptr;
    return &slot.item;
  }

  // Core thread only. Gives back the slot of Front().
  void Pop() {
    Slot& slot = slots_[head_ & mask_];
    slot.sequence.store(head_ + mask_ + 1, Orders::kRecycle);
    ++head_;
  }

  // Core thread only.
  bool empty() const { return Front() == nullptr; }
  size_t capacity() const { return mask_ + 1; }

 private:
  struct alignas(64) Slot {
    Atomic<uint64_t> sequence{0};
    Item item;
  };

  // The largest of wanted, wanted / 2, ... 1 that fits from position on; 0 if none does.
  size_t RoomAt(uint64_t position, size_t wanted) const {
    size_t count = wanted < mask_ + 1 ? wanted : mask_ + 1;
    for (; count > 0; count /= 2) {
      const uint64_t last = position + count - 1;
      if (slots_[last & mask_].sequence.load(Orders::kClaim) == last) return count;
    }
    return 0;
  }

  const size_t mask_;
  std::unique_ptr<Slot[]> slots_;
  alignas(64) Atomic<uint64_t> tail_{0};
  alignas(64) uint64_t head_ = 0;
};

static_assert(sizeof(Message) + sizeof(uint64_t) == 64, "one cache line a message");

}  // namespace weft

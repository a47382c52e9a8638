#pragma once

#include <atomic>
#include <bit>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "core/message.h"
#include "sys/prefetch.h"

namespace weft {

// The memory orders of the Inbox, named so that tests/model can weaken one at a time and show that
// a message is then lost or torn.
struct InboxOrders {
  static constexpr std::memory_order kPublish = std::memory_order_release;
  static constexpr std::memory_order kConsume = std::memory_order_acquire;
  static constexpr std::memory_order kRecycle = std::memory_order_release;
  static constexpr std::memory_order kClaim = std::memory_order_acquire;
  static constexpr std::memory_order kShare = std::memory_order_release;
  static constexpr std::memory_order kLearn = std::memory_order_acquire;
};

// Bounded queue of many producers into one core. Owned by the core.
//
// Protocol. Position p lives in slot p mod capacity and is published by its slot's sequence
// becoming p + 1 (kPublish, after the message; pairs with kConsume). The message and its sequence
// share a cache line, which the consumer only reads: one transfer carries both, and a producer
// fetches nothing before it writes. The consumer tells in head_ what it has taken (kRecycle, after
// its reads; pairs with kClaim). Producers share a copy of that, room_until_ (kShare, kLearn), and
// read head_ only when the copy says full. A producer claims n positions at once, by moving tail_
// with a compare-and-swap: head_ and tail_ only grow, so room that was there stays.
template <class Item = Message, template <class> class Atomic = std::atomic,
          class Orders = InboxOrders>
class Inbox {
 public:
  // capacity: a power of two, 2 or more.
  explicit Inbox(size_t capacity)
      : mask_(capacity - 1), slots_(new Slot[capacity]), room_until_(capacity) {
    assert(capacity >= 2 && std::has_single_bit(capacity));
  }

  // Any thread. Puts in as many of items, in order and without gaps, as there is room for; returns
  // how many. 0 means full.
  size_t Push(std::span<const Item> items) {
    uint64_t position = tail_.load(std::memory_order_relaxed);
    size_t count = 0;
    do {
      count = RoomAt(position, items.size());
      if (count == 0) return 0;
    } while (!tail_.compare_exchange_weak(position, position + count, std::memory_order_relaxed,
                                          std::memory_order_relaxed));
    for (size_t i = 0; i < count; ++i) {
      Slot& slot = slots_[(position + i) & mask_];
      slot.item = items[i];
      slot.sequence.store(position + i + 1, Orders::kPublish);
    }
    sys::PrefetchForWrite(&slots_[(position + count + kWriteAhead) & mask_]);
    return count;
  }

  // Core thread only. The oldest message, or null; stays valid until Pop.
  const Item* Front() const {
    const Slot& slot = slots_[head_copy_ & mask_];
    if (slot.sequence.load(Orders::kConsume) != head_copy_ + 1) return nullptr;
    return &slot.item;
  }

  // Core thread only. Gives back the slot of Front().
  void Pop() { head_.store(++head_copy_, Orders::kRecycle); }

  // Core thread only.
  bool empty() const { return Front() == nullptr; }
  size_t capacity() const { return mask_ + 1; }
  // What it lies in. Before Start only.
  std::span<const std::byte> memory() const {
    return std::as_bytes(std::span(slots_.get(), capacity()));
  }

 private:
  // Not the very next: the core looks at that one again and again.
  static constexpr uint64_t kWriteAhead = 4;

  struct alignas(64) Slot {
    Atomic<uint64_t> sequence{0};
    Item item;
  };

  // How many of `wanted` fit from position on. A position that is old by now is told too much; the
  // compare-and-swap then fails.
  size_t RoomAt(uint64_t position, size_t wanted) {
    const uint64_t most = mask_ + 1;
    uint64_t end = position + (wanted < most ? wanted : most);
    uint64_t until = room_until_.load(Orders::kLearn);
    if (end > until) {
      until = head_.load(Orders::kClaim) + most;
      room_until_.store(until, Orders::kShare);
      if (end > until) end = until;
    }
    return end > position ? static_cast<size_t>(end - position) : 0;
  }

  const size_t mask_;
  std::unique_ptr<Slot[]> slots_;
  alignas(64) Atomic<uint64_t> tail_{0};
  Atomic<uint64_t> room_until_;
  alignas(64) Atomic<uint64_t> head_{0};
  uint64_t head_copy_ = 0;  // Core's.
};

static_assert(sizeof(Message) + sizeof(uint64_t) == 64, "one cache line a message");

}  // namespace weft

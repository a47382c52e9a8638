#pragma once

#include <atomic>
#include <bit>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <type_traits>
#include <utility>

#include "async/wait_result.h"

namespace weft {

// The memory orders of a ChannelRing, named so that tests/model can weaken one at a time and show
// that an item is then lost or torn.
struct ChannelRingOrders {
  static constexpr std::memory_order kPublish = std::memory_order_release;
  static constexpr std::memory_order kConsume = std::memory_order_acquire;
  static constexpr std::memory_order kRecycle = std::memory_order_release;
  static constexpr std::memory_order kClaim = std::memory_order_acquire;
  static constexpr std::memory_order kShare = std::memory_order_release;
  static constexpr std::memory_order kLearn = std::memory_order_acquire;
  static constexpr std::memory_order kClose = std::memory_order_release;
  static constexpr std::memory_order kHear = std::memory_order_acquire;
};

// Bounded queue of any senders to one receiver that can be closed: what was pushed by then is
// popped, and nothing is pushed afterwards. Nobody waits here.
//
// Protocol. As of core/inbox.h: position p lives in slot p mod capacity and is published by its
// slot's sequence becoming p + 1 (kPublish, after the item; pairs with kConsume); the receiver
// tells in head_ what it has taken (kRecycle; pairs with kClaim), and senders share a copy of that
// (kShare, kLearn). A position is claimed by moving tail_, whose highest bit says that the ring is
// closed: no claim succeeds from then on, so that the position beside the bit is the last. Whoever
// closed it says so in closed_, too (kClose; pairs with kHear), which the receiver of an empty ring
// reads instead of the senders' line; the last position is known to it then.
template <class T, template <class> class Atomic = std::atomic, class Orders = ChannelRingOrders>
class ChannelRing {
  static_assert(std::is_nothrow_move_assignable_v<T> && std::is_default_constructible_v<T>);

 public:
  // capacity: a power of two.
  explicit ChannelRing(size_t capacity)
      : mask_(capacity - 1), slots_(new Slot[capacity]), room_until_(capacity) {
    assert(std::has_single_bit(capacity));
  }

  // Any thread. The item is moved from with kDone only.
  TryResult Push(T&& item) {
    uint64_t tail = tail_.load(std::memory_order_relaxed);
    do {
      if ((tail & kClosedBit) != 0) return TryResult::kClosed;
      if (!HasRoomAt(tail)) return TryResult::kWouldWait;
    } while (!tail_.compare_exchange_weak(tail, tail + 1, std::memory_order_relaxed,
                                          std::memory_order_relaxed));
    Slot& slot = slots_[tail & mask_];
    slot.item = std::move(item);
    slot.sequence.store(tail + 1, Orders::kPublish);
    return TryResult::kDone;
  }

  // Receiver only. The oldest. kWouldWait also while the sender of the oldest is not through.
  TryResult Pop(T* item) {
    Slot& slot = slots_[head_copy_ & mask_];
    if (slot.sequence.load(Orders::kConsume) != head_copy_ + 1) {
      return IsAtEnd() ? TryResult::kClosed : TryResult::kWouldWait;
    }
    *item = std::move(slot.item);
    head_.store(++head_copy_, Orders::kRecycle);
    return TryResult::kDone;
  }

  // Any thread. Harmless when it was closed before.
  void Close() {
    tail_.fetch_or(kClosedBit, std::memory_order_relaxed);
    closed_.store(1, Orders::kClose);
  }

  // Any thread; whether a Push would say kWouldWait now. Takes no old copy for an answer.
  bool IsFull() const {
    // In this order: the tail then is one that this head was behind.
    const uint64_t head = head_.load(Orders::kClaim);
    const uint64_t tail = tail_.load(std::memory_order_relaxed);
    return (tail & kClosedBit) == 0 && tail - head > mask_;
  }
  // Receiver only; the same of Pop.
  bool IsEmpty() const {
    const Slot& slot = slots_[head_copy_ & mask_];
    return slot.sequence.load(Orders::kConsume) != head_copy_ + 1 && !IsAtEnd();
  }
  // Any thread.
  bool is_closed() const { return closed_.load(Orders::kHear) != 0; }
  size_t capacity() const { return mask_ + 1; }

 private:
  static constexpr uint64_t kClosedBit = uint64_t{1} << 63;

  struct alignas(64) Slot {
    Atomic<uint64_t> sequence{0};
    T item{};
  };

  // A position that is old by now is told too much; the compare-and-swap then fails.
  bool HasRoomAt(uint64_t position) {
    if (position < room_until_.load(Orders::kLearn)) return true;
    const uint64_t until = head_.load(Orders::kClaim) + mask_ + 1;
    room_until_.store(until, Orders::kShare);
    return position < until;
  }

  bool IsAtEnd() const {
    return is_closed() && (tail_.load(std::memory_order_relaxed) & ~kClosedBit) == head_copy_;
  }

  const size_t mask_;
  std::unique_ptr<Slot[]> slots_;
  Atomic<uint32_t> closed_{0};
  alignas(64) Atomic<uint64_t> tail_{0};
  Atomic<uint64_t> room_until_;
  alignas(64) Atomic<uint64_t> head_{0};
  uint64_t head_copy_ = 0;  // Receiver's.
};

static_assert(sizeof(ChannelRing<uint64_t>) == 3 * 64, "each side writes a line of its own");

}  // namespace weft

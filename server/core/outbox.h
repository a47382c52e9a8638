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
// Protocol. tail_ is written by the core (kPublish, after the entry; pairs with the Door's kConsume
// in Drain and empty), head_ by the Door (kRecycle, after its copies; pairs with the core's kClaim
// in HasRoom). Each side keeps a copy of the other's index and reads the real one only when the
// copy says full or empty. When full, the core starts no more until the Door has drained.
template <class Item = Completion, template <class> class Atomic = std::atomic,
          class Orders = OutboxOrders>
class Outbox {
 public:
  // capacity: a power of two, 2 or more.
  explicit Outbox(size_t capacity) : mask_(capacity - 1), items_(new Item[capacity]) {
    assert(capacity >= 2 && std::has_single_bit(capacity));
  }

  // Core thread only. Whether count more entries fit.
  bool HasRoom(size_t count) {
    if (tail_copy_ + count - head_seen_ <= mask_ + 1) return true;
    head_seen_ = head_.load(Orders::kClaim);
    return tail_copy_ + count - head_seen_ <= mask_ + 1;
  }

  // Core thread only, after HasRoom.
  void Push(const Item& item) {
    assert(tail_copy_ - head_.load(std::memory_order_relaxed) <= mask_);
    items_[tail_copy_ & mask_] = item;
    tail_.store(++tail_copy_, Orders::kPublish);
  }

  // Door thread only. Takes up to out.size() entries, oldest first; returns how many.
  size_t Drain(std::span<Item> out) {
    const uint64_t head = head_.load(std::memory_order_relaxed);
    const uint64_t ready = tail_.load(Orders::kConsume) - head;
    const size_t count = ready < out.size() ? static_cast<size_t>(ready) : out.size();
    for (size_t i = 0; i < count; ++i) out[i] = items_[(head + i) & mask_];
    if (count > 0) head_.store(head + count, Orders::kRecycle);
    return count;
  }

  // Door thread only.
  bool empty() const {
    return tail_.load(Orders::kConsume) == head_.load(std::memory_order_relaxed);
  }
  size_t capacity() const { return mask_ + 1; }

 private:
  const size_t mask_;
  std::unique_ptr<Item[]> items_;
  alignas(64) Atomic<uint64_t> tail_{0};
  uint64_t tail_copy_ = 0;  // Core's.
  uint64_t head_seen_ = 0;  // Core's.
  alignas(64) Atomic<uint64_t> head_{0};
};

}  // namespace weft

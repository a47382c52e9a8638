#pragma once

#include <algorithm>
#include <atomic>
#include <bit>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "async/wait_result.h"

namespace weft {

// The memory orders of a ByteRing, named so that tests/model can weaken one at a time and show that
// a byte is then torn.
struct ByteRingOrders {
  static constexpr std::memory_order kPublish = std::memory_order_release;
  static constexpr std::memory_order kConsume = std::memory_order_acquire;
  static constexpr std::memory_order kRecycle = std::memory_order_release;
  static constexpr std::memory_order kClaim = std::memory_order_acquire;
};

// Bounded stream of bytes from one writer to one reader that can be closed: what was written by
// then is read, and nothing is written afterwards. Nobody waits here.
//
// Protocol. Byte p lies at p mod capacity. The writer copies what fits and then moves tail_
// (kPublish; pairs with kConsume), whose highest bit says that the stream is closed: the move fails
// then, and what was copied is not part of the stream. The reader copies and then tells in head_
// what it has taken (kRecycle; pairs with kClaim). Each reads the other's word only when its copy
// of it does not suffice. Closing changes tail_ by a read-modify-write, so who sees the bit sees
// all that was published.
template <class Byte = std::byte, template <class> class Atomic = std::atomic,
          class Orders = ByteRingOrders>
class ByteRing {
 public:
  // capacity: a power of two.
  explicit ByteRing(size_t capacity) : mask_(capacity - 1), bytes_(new Byte[capacity]()) {
    assert(std::has_single_bit(capacity));
  }

  // Writer only. Takes as many as fit, at least one, or none of none; how many is in count, 0
  // unless kDone.
  TryResult Write(std::span<const Byte> bytes, size_t* count) {
    *count = 0;
    uint64_t tail = tail_.load(std::memory_order_relaxed);
    if ((tail & kClosedBit) != 0) return TryResult::kClosed;
    if (bytes.empty()) return TryResult::kDone;
    if (RoomAt(tail) < bytes.size()) head_seen_ = head_.load(Orders::kClaim);
    const size_t fitting = std::min(bytes.size(), RoomAt(tail));
    if (fitting == 0) return TryResult::kWouldWait;
    const size_t at_end = std::min(fitting, capacity() - PlaceOf(tail));
    std::copy_n(bytes.data(), at_end, bytes_.get() + PlaceOf(tail));
    std::copy_n(bytes.data() + at_end, fitting - at_end, bytes_.get());
    if (!tail_.compare_exchange_strong(tail, tail + fitting, Orders::kPublish,
                                       std::memory_order_relaxed)) {
      return TryResult::kClosed;
    }
    *count = fitting;
    return TryResult::kDone;
  }

  // Reader only. Gives as many as there are and fit, at least one, or none of none.
  TryResult Read(std::span<Byte> bytes, size_t* count) {
    *count = 0;
    if (bytes.empty()) return TryResult::kDone;
    if (Left() < bytes.size()) tail_seen_ = tail_.load(Orders::kConsume);
    const size_t given = std::min(bytes.size(), Left());
    if (given == 0) {
      return (tail_seen_ & kClosedBit) != 0 ? TryResult::kClosed : TryResult::kWouldWait;
    }
    const size_t at_end = std::min(given, capacity() - PlaceOf(head_copy_));
    std::copy_n(bytes_.get() + PlaceOf(head_copy_), at_end, bytes.data());
    std::copy_n(bytes_.get(), given - at_end, bytes.data() + at_end);
    head_copy_ += given;
    head_.store(head_copy_, Orders::kRecycle);
    *count = given;
    return TryResult::kDone;
  }

  // Any thread. Harmless when it was closed before.
  void Close() { tail_.fetch_or(kClosedBit, std::memory_order_relaxed); }
  bool is_closed() const { return (tail_.load(Orders::kConsume) & kClosedBit) != 0; }

  // Writer only; whether a Write would say kWouldWait now. And of the reader and Read.
  bool IsFull() const {
    const uint64_t tail = tail_.load(std::memory_order_relaxed);
    return (tail & kClosedBit) == 0 && tail - head_.load(Orders::kClaim) > mask_;
  }
  bool IsEmpty() const { return tail_.load(Orders::kConsume) == head_copy_; }
  size_t capacity() const { return mask_ + 1; }

 private:
  static constexpr uint64_t kClosedBit = uint64_t{1} << 63;

  size_t PlaceOf(uint64_t position) const { return static_cast<size_t>(position & mask_); }
  size_t RoomAt(uint64_t tail) const { return capacity() - static_cast<size_t>(tail - head_seen_); }
  size_t Left() const { return static_cast<size_t>((tail_seen_ & ~kClosedBit) - head_copy_); }

  const size_t mask_;
  const std::unique_ptr<Byte[]> bytes_;
  alignas(64) Atomic<uint64_t> tail_{0};
  uint64_t head_seen_ = 0;  // Writer's.
  alignas(64) Atomic<uint64_t> head_{0};
  uint64_t head_copy_ = 0;  // Reader's, as is what follows.
  uint64_t tail_seen_ = 0;
};

}  // namespace weft

#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>

#include "async/channel_ends.h"
#include "async/channel_ring.h"
#include "async/remote_waiter.h"
#include "async/seat.h"
#include "async/wait_at.h"
#include "executor/task_context.h"
#include "executor/task_host.h"

namespace weft {

// Who waits for a channel between threads: a task, or a thread that runs none.
class ChannelWaiter {
 public:
  // Null: the calling thread.
  explicit ChannelWaiter(TaskContext* context) {
    if (context == nullptr) {
      waiter_.emplace();
    } else {
      waiter_.emplace(*context);
    }
  }
  // As of RemoteWaiter.
  void Notify() { waiter_->Notify(); }
  WaitResult Wait(int64_t until_ns) { return waiter_->Wait(until_ns); }
  void AwaitNotify() { waiter_->AwaitNotify(); }

  // Of a SeatRow, guarded by its lock.
  ChannelWaiter* next = nullptr;
  ChannelWaiter* previous = nullptr;
  bool is_seated = false;

 private:
  std::optional<RemoteWaiter> waiter_;
};

// What spsc_channel.h and mpsc_channel.h are made of: a ring, and seats for those who wait at
// either side. Bounded; allocated when it is made. Goes when nobody is within its functions any
// more, which its ends see to (async/channel_ends.h).
//
// What a send told as kDone is received, also when somebody closes the channel in that moment,
// unless the receiver goes. T has a default and moves without throwing; what was moved from stays
// in its place until the next item comes there.
//
// SenderSeats: a Seat or a SeatRow.
template <class T, class SenderSeats>
class RingChannel {
 public:
  using Item = T;
  static constexpr bool kHasManySenders = SenderSeats::kIsForMany;
  static constexpr size_t kCapacityMax = size_t{1} << 24;

  // capacity: rounded up to a power of two, 2 to kCapacityMax.
  explicit RingChannel(size_t capacity)
      : ring_(std::bit_ceil(std::clamp<size_t>(capacity, 2, kCapacityMax))) {}
  RingChannel(const RingChannel&) = delete;
  RingChannel& operator=(const RingChannel&) = delete;

  // Senders. The item is moved from when it was sent, and only then. kWouldWait: it is full.
  TryResult TrySend(T&& item) {
    const TryResult tried = ring_.Push(std::move(item));
    if (tried == TryResult::kDone) receiver_.WakeOne();
    return tried;
  }
  // Suspends the task while it is full. until_ns: on NowNs's clock.
  WaitResult Send(TaskContext& context, T&& item, int64_t until_ns = kNoEnd) {
    return SendFrom(&context, std::move(item), until_ns);
  }
  // Blocks a thread that runs no tasks, elsewhere kElsewhere. until_ns: of
  // RemoteWaiter::ThreadNowNs.
  WaitResult BlockingSend(T&& item, int64_t until_ns = kNoEnd) {
    if (TaskHost::Here() != nullptr) return WaitResult::kElsewhere;
    return SendFrom(nullptr, std::move(item), until_ns);
  }

  // The receiver. The oldest. kWouldWait: it is empty. kClosed: and nothing comes any more.
  TryResult TryReceive(T* item) {
    const TryResult tried = ring_.Pop(item);
    if (tried == TryResult::kDone) senders_.WakeOne();
    return tried;
  }
  WaitResult Receive(TaskContext& context, T* item, int64_t until_ns = kNoEnd) {
    return ReceiveFor(&context, item, until_ns);
  }
  WaitResult BlockingReceive(T* item, int64_t until_ns = kNoEnd) {
    if (TaskHost::Here() != nullptr) return WaitResult::kElsewhere;
    return ReceiveFor(nullptr, item, until_ns);
  }

  // Any thread. Nothing is sent from here on, also of those that wait to; what was sent is still
  // received.
  void Close() {
    ring_.Close();
    receiver_.WakeAll();
    senders_.WakeAll();
  }
  // The receiver. The same, and what was sent is dropped: at once, or with the channel what a
  // sender is just about to publish.
  void Discard() {
    Close();
    T dropped{};
    while (ring_.Pop(&dropped) == TryResult::kDone) dropped = T{};
  }
  // What the last sender, and the receiver, does when it goes.
  void LoseSenders(const std::shared_ptr<void>& /*keep*/) { Close(); }
  void LoseReceiver(const std::shared_ptr<void>& /*keep*/) { Discard(); }

  bool is_closed() const { return ring_.is_closed(); }
  size_t capacity() const { return ring_.capacity(); }

 private:
  WaitResult SendFrom(TaskContext* context, T&& item, int64_t until_ns) {
    return WaitAt<ChannelWaiter>(
        senders_, context, until_ns, [&] { return TrySend(std::move(item)); },
        [&] { return ring_.IsFull(); });
  }
  WaitResult ReceiveFor(TaskContext* context, T* item, int64_t until_ns) {
    return WaitAt<ChannelWaiter>(
        receiver_, context, until_ns, [&] { return TryReceive(item); },
        [&] { return ring_.IsEmpty(); });
  }

  ChannelRing<T> ring_;
  // Each written by the other side at each item: on lines of that side.
  alignas(64) Seat<ChannelWaiter> receiver_;
  alignas(64) SenderSeats senders_;
};

}  // namespace weft

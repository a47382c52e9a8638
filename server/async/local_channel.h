#pragma once

#include <algorithm>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <type_traits>
#include <utility>

#include "async/channel_ends.h"
#include "async/frame_home.h"
#include "async/waiter.h"
#include "executor/mail.h"
#include "executor/task_host.h"

namespace weft {

// Values on their way between tasks of one host, in the order they were sent. Belongs to that host
// and outlives those that wait for it; full, senders wait, and empty, receivers do. Those that wait
// are served in the order they came: a value goes from hand to hand, so that nobody overtakes them,
// and it is handed over also to who is asked to stop in the same turn. Host's thread only; waiting
// elsewhere is refused with kElsewhere.
//
// T has a default, which a place of the channel holds at first, and moves without throwing; what
// was moved from stays in its place until the next value comes there.
template <class T>
class LocalChannel {
  static_assert(std::is_nothrow_move_assignable_v<T> && std::is_default_constructible_v<T>);

 public:
  using Item = T;
  static constexpr bool kHasManySenders = true;
  static constexpr size_t kCapacityMax = size_t{1} << 24;

  // capacity: of values that nobody waits for, 1 to kCapacityMax, brought there when it is not.
  // Allocated here.
  LocalChannel(TaskHost& host, size_t capacity)
      : host_(host),
        home_(HomeOf(host)),
        capacity_(std::clamp<size_t>(capacity, 1, kCapacityMax)),
        items_(new T[capacity_]()) {}
  LocalChannel(const LocalChannel&) = delete;
  LocalChannel& operator=(const LocalChannel&) = delete;

  // The item is moved from when it was sent, and only then.
  TryResult TrySend(T&& item) {
    if (!host_.IsHere()) return TryResult::kElsewhere;
    if (is_closed_) return TryResult::kClosed;
    if (Waiter* const receiver = receivers_.first()) {
      *static_cast<T*>(receiver->place) = std::move(item);
      receiver->Wake();
      return TryResult::kDone;
    }
    if (size_ == capacity_) return TryResult::kWouldWait;
    PushBack(std::move(item));
    return TryResult::kDone;
  }
  // Suspends while it is full.
  WaitResult Send(TaskContext& context, T&& item, int64_t until_ns = kNoEnd) {
    if (!IsTaskOf(host_, context)) return WaitResult::kElsewhere;
    const TryResult tried = TrySend(std::move(item));
    if (tried != TryResult::kWouldWait) return WaitResultOf(tried);
    // NOLINTNEXTLINE(bugprone-use-after-move): it was not sent.
    return WaitIn(senders_, context, &item, until_ns);
  }

  // The oldest.
  TryResult TryReceive(T* item) {
    if (!host_.IsHere()) return TryResult::kElsewhere;
    if (size_ == 0) return is_closed_ ? TryResult::kClosed : TryResult::kWouldWait;
    *item = std::move(items_[first_]);
    first_ = After(first_, 1);
    --size_;
    if (Waiter* const sender = senders_.first()) {
      PushBack(std::move(*static_cast<T*>(sender->place)));
      sender->Wake();
    }
    return TryResult::kDone;
  }
  // Suspends while it is empty. kClosed: and nothing will be sent any more.
  WaitResult Receive(TaskContext& context, T* item, int64_t until_ns = kNoEnd) {
    if (!IsTaskOf(host_, context)) return WaitResult::kElsewhere;
    const TryResult tried = TryReceive(item);
    if (tried != TryResult::kWouldWait) return WaitResultOf(tried);
    return WaitIn(receivers_, context, item, until_ns);
  }

  // Nothing is sent from here on, also of those that wait to; what was sent is still received.
  // Harmless when it was closed before.
  void Close() {
    assert(host_.IsHere());
    is_closed_ = true;
    GiveUp(senders_);
    GiveUp(receivers_);
  }
  // The same, and what was sent is dropped.
  void Discard() {
    Close();
    for (; size_ > 0; --size_) {
      items_[first_] = T();
      first_ = After(first_, 1);
    }
  }

  // Any thread. What the last sender, or the receiver, does when it goes; `keep` holds the channel
  // until it is done.
  void LoseSenders(std::shared_ptr<void> keep) { Lose(&LocalChannel::Close, lost_[0], keep); }
  void LoseReceiver(std::shared_ptr<void> keep) { Lose(&LocalChannel::Discard, lost_[1], keep); }

  bool is_closed() const { return is_closed_; }
  size_t size() const { return size_; }
  size_t capacity() const { return capacity_; }

 private:
  using Act = void (LocalChannel::*)();
  // An act on its way to the host.
  struct Loss : Mail {
    LocalChannel* channel = nullptr;
    Act act = nullptr;
    std::shared_ptr<void> keep;
  };

  static std::shared_ptr<FrameHome> HomeOf(TaskHost& host) {
    FrameHome* const home = host.frames();
    return home == nullptr ? nullptr : home->shared_from_this();
  }
  // When the host has closed, nobody is left who waits: those in the lists are gone with their
  // stacks.
  void Lose(Act act, Loss& loss, const std::shared_ptr<void>& keep) {
    if (home_ == nullptr || (TaskHost::Here() != nullptr && home_->IsHere())) {
      return (this->*act)();
    }
    loss.channel = this;
    loss.act = act;
    loss.keep = keep;
    loss.open = [](Mail& mail) {
      auto& opened = static_cast<Loss&>(mail);
      const std::shared_ptr<void> kept = std::move(opened.keep);
      (opened.channel->*opened.act)();
    };
    if (!home_->Deliver(loss)) loss.keep.reset();
  }

  // What is at the waiter's place was handed over, or taken; without a place the wait is in vain.
  static WaitResult WaitIn(WaitList& list, TaskContext& context, T* item, int64_t until_ns) {
    Waiter waiter(context);
    waiter.place = item;
    list.PushBack(waiter);
    const WaitResult result = waiter.Wait(until_ns);
    return waiter.place == nullptr && result == WaitResult::kDone ? WaitResult::kClosed : result;
  }
  static void GiveUp(WaitList& list) {
    while (Waiter* const waiter = list.first()) {
      waiter->place = nullptr;
      waiter->Wake();
    }
  }

  size_t After(size_t place, size_t count) const {
    const size_t next = place + count;
    return next < capacity_ ? next : next - capacity_;
  }
  void PushBack(T&& item) {
    items_[After(first_, size_)] = std::move(item);
    ++size_;
  }

  TaskHost& host_;
  const std::shared_ptr<FrameHome> home_;
  const size_t capacity_;
  std::unique_ptr<T[]> items_;
  size_t first_ = 0;
  size_t size_ = 0;
  bool is_closed_ = false;
  // Of the one there is nobody unless it is full, of the other unless it is empty.
  WaitList senders_;
  WaitList receivers_;
  Loss lost_[2];
};

template <class T>
using LocalSender = SendingEnd<LocalChannel<T>>;
template <class T>
using LocalReceiver = ReceivingEnd<LocalChannel<T>>;

// A channel that is owned by its ends. An end that goes on another thread than the host's, as when
// a spawn from there is refused, disconnects on the host's all the same.
template <class T>
ChannelEnds<LocalChannel<T>> OpenLocalChannel(TaskHost& host, size_t capacity) {
  return OpenChannel<LocalChannel<T>>(host, capacity);
}

}  // namespace weft

#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>

#include "async/wait_result.h"
#include "executor/task_context.h"

namespace weft {

// A channel and how many of its sending ends there are.
template <class Channel>
struct OwnedChannel {
  template <class... Arguments>
  explicit OwnedChannel(Arguments&&... arguments)
      : channel(std::forward<Arguments>(arguments)...) {}

  Channel channel;
  std::atomic<size_t> senders{1};
};

// Where a channel is sent to, and one of its owners. When the last goes, on any thread, the channel
// is closed: who receives takes what is left and then hears of it. A copy is one more sender, where
// the channel may have many. An end that was moved from may only go, or be assigned to.
template <class Channel>
class [[nodiscard]] SendingEnd {
 public:
  using Item = typename Channel::Item;

  // Of the channel's only sender so far.
  explicit SendingEnd(std::shared_ptr<OwnedChannel<Channel>> owned) : owned_(std::move(owned)) {}
  SendingEnd(const SendingEnd& other) requires Channel::kHasManySenders : owned_(other.owned_) {
    if (owned_ != nullptr) owned_->senders.fetch_add(1, std::memory_order_relaxed);
  }
  SendingEnd(SendingEnd&& other) noexcept : owned_(std::move(other.owned_)) {}
  SendingEnd& operator=(SendingEnd other) noexcept {
    owned_.swap(other.owned_);
    return *this;
  }
  ~SendingEnd() {
    // The last sees what the others sent.
    if (owned_ == nullptr || owned_->senders.fetch_sub(1, std::memory_order_acq_rel) > 1) return;
    owned_->channel.LoseSenders(owned_);
  }

  // As of the channel.
  TryResult TrySend(Item&& item) { return channel().TrySend(std::move(item)); }
  WaitResult Send(TaskContext& context, Item&& item, int64_t until_ns = kNoEnd) {
    return channel().Send(context, std::move(item), until_ns);
  }
  WaitResult BlockingSend(Item&& item, int64_t until_ns = kNoEnd) {
    return channel().BlockingSend(std::move(item), until_ns);
  }
  Channel& channel() const { return owned_->channel; }

 private:
  std::shared_ptr<OwnedChannel<Channel>> owned_;
};

// Where a channel is received from, and one of its owners. When it goes, on any thread, senders
// hear that the channel is closed, and what is left is dropped.
template <class Channel>
class [[nodiscard]] ReceivingEnd {
 public:
  using Item = typename Channel::Item;

  explicit ReceivingEnd(std::shared_ptr<OwnedChannel<Channel>> owned) : owned_(std::move(owned)) {}
  ReceivingEnd(ReceivingEnd&& other) noexcept : owned_(std::move(other.owned_)) {}
  ReceivingEnd& operator=(ReceivingEnd other) noexcept {
    owned_.swap(other.owned_);
    return *this;
  }
  ~ReceivingEnd() {
    if (owned_ != nullptr) owned_->channel.LoseReceiver(owned_);
  }

  // As of the channel.
  TryResult TryReceive(Item* item) { return channel().TryReceive(item); }
  WaitResult Receive(TaskContext& context, Item* item, int64_t until_ns = kNoEnd) {
    return channel().Receive(context, item, until_ns);
  }
  WaitResult BlockingReceive(Item* item, int64_t until_ns = kNoEnd) {
    return channel().BlockingReceive(item, until_ns);
  }
  Channel& channel() const { return owned_->channel; }

 private:
  std::shared_ptr<OwnedChannel<Channel>> owned_;
};

template <class Channel>
struct ChannelEnds {
  SendingEnd<Channel> sender;
  ReceivingEnd<Channel> receiver;
};

// arguments: of the channel's constructor.
template <class Channel, class... Arguments>
ChannelEnds<Channel> OpenChannel(Arguments&&... arguments) {
  auto owned = std::make_shared<OwnedChannel<Channel>>(std::forward<Arguments>(arguments)...);
  return {SendingEnd<Channel>(owned), ReceivingEnd<Channel>(owned)};
}

}  // namespace weft

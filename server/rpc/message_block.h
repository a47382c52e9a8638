#pragma once

#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

#include "dispatch/payload.h"

namespace weft {

template <class Message>
class BlockPool;

// A received message, parsed or as its bytes, that stays until no task needs its payloads any more,
// then goes back to its pool. Door thread only.
template <class Message>
class MessageBlock final : public PayloadBlock {
 public:
  explicit MessageBlock(BlockPool<Message>& pool) : pool_(pool) {}

  // bytes of the message that is in use now, so that the pool knows what memory it keeps.
  void CountBytes(size_t bytes) { bytes_seen_ += bytes; }

  Message message;

 private:
  friend class BlockPool<Message>;
  void OnReleased() override { pool_.Return(*this); }

  BlockPool<Message>& pool_;
  size_t bytes_seen_ = 0;  // By all messages since the memory was last given back.
};

// Messages to be used again with the memory they have. Outlives its blocks: whoever owns it ends
// after the dispatcher has released them. Door thread only.
template <class Message>
class BlockPool {
 public:
  // One that is held once, by the caller.
  MessageBlock<Message>& Take() {
    if (free_.empty()) {
      blocks_.push_back(std::make_unique<MessageBlock<Message>>(*this));
      free_.push_back(blocks_.back().get());
    }
    MessageBlock<Message>* const block = free_.back();
    free_.pop_back();
    block->Hold();
    return *block;
  }

 private:
  friend class MessageBlock<Message>;
  // Strings never shrink when reused, so a message's memory is at most what it has seen in all.
  // Starting anew after that many bytes bounds it, and costs small messages next to nothing. Only
  // so many free ones keep theirs.
  static constexpr size_t kKeptBytesMax = 256 * 1024;
  static constexpr size_t kWarmMax = 256;

  void Return(MessageBlock<Message>& block) {
    if (block.bytes_seen_ > kKeptBytesMax || free_.size() >= kWarmMax) {
      using std::swap;
      Message fresh;
      swap(fresh, block.message);
      block.bytes_seen_ = 0;
    }
    free_.push_back(&block);
  }

  std::vector<std::unique_ptr<MessageBlock<Message>>> blocks_;
  std::vector<MessageBlock<Message>*> free_;
};

}  // namespace weft

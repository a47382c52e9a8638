#pragma once

#include <cstdint>

#include "sys/io_pool.h"
#include "sys/page_cache.h"
#include "sys/ring.h"

namespace weft::sys {

// A ring over threads that block in the core's stead. What a read can have at once, out of the
// system's cache, it copies itself, as io_uring does: waking a thread takes longer.
class ThreadRing final : public Ring {
 public:
  // pool outlives the ring.
  ThreadRing(IoPool& pool, uint32_t entries) : seat_(pool), entries_(entries) {}

  void Attach(RingWaker waker) override { seat_.Attach(waker); }
  void Start(IoOperation* operation) override;
  void Cancel(IoOperation* operation) override;
  void Submit() override { seat_.Submit(); }
  IoOperation* Take() override;
  bool HasCompletions() const override { return taken_ != nullptr || seat_.has_finished(); }
  bool has_wait() const override { return false; }
  void Wait(int64_t /*timeout_ns*/) override {}
  void Wake() override {}
  void Shutdown() override { seat_.Release(); }
  uint32_t capacity() const override { return entries_; }
  uint64_t enters() const override { return 0; }

 private:
  bool EndsAtOnce(IoOperation* operation);
  void GiveBack(IoOperation* operation);

  PoolSeat seat_;
  PageCache cache_;
  const uint32_t entries_;
  IoOperation* taken_ = nullptr;  // Oldest first.
};

}  // namespace weft::sys

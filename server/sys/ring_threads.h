#pragma once

#include <cstdint>

#include "sys/descriptor_watch.h"
#include "sys/io_pool.h"
#include "sys/name_resolver.h"
#include "sys/page_cache.h"
#include "sys/ring.h"

namespace weft::sys {

// A ring over threads that block in the core's stead. What a read can have at once, out of the
// system's cache, it copies itself, as io_uring does: waking a thread takes longer. What waits for
// others it attempts itself, too, and again each time that the watch says so, so that an idle
// connection takes no thread.
class ThreadRing final : public Ring {
 public:
  // All outlive the ring.
  ThreadRing(IoPool& pool, DescriptorWatch& watch, NameResolver& resolver, uint32_t entries)
      : seat_(pool), watch_(watch), resolver_(resolver), entries_(entries) {}

  void Attach(RingWaker waker) override { seat_.Attach(waker); }
  void Start(IoOperation* operation) override;
  void Cancel(IoOperation* operation) override;
  void Submit() override { seat_.Submit(); }
  IoOperation* Take() override;
  bool HasCompletions() const override {
    return !ended_.empty() || taken_ != nullptr || seat_.has_finished();
  }
  bool has_wait() const override { return false; }
  void Wait(int64_t /*timeout_ns*/) override {}
  void Wake() override {}
  void Shutdown() override;
  uint32_t capacity() const override { return entries_; }
  uint64_t enters() const override { return 0; }

 private:
  bool EndsAtOnce(IoOperation* operation);
  bool Attempt(IoOperation* operation);
  bool Withdraw(IoOperation* operation);

  PoolSeat seat_;
  DescriptorWatch& watch_;
  NameResolver& resolver_;
  PageCache cache_;
  const uint32_t entries_;
  IoList ended_;                  // Without a thread.
  IoOperation* taken_ = nullptr;  // From the threads, oldest first.
};

}  // namespace weft::sys

#pragma once

#include <cstdint>

#include "sys/finished_list.h"
#include "sys/io_pool.h"
#include "sys/page_cache.h"
#include "sys/ring.h"

namespace weft::sys {

// A ring over threads that block in the core's stead. What a read can have at once, out of the
// system's cache, it copies itself, as io_uring does: waking a thread takes longer. On the way back
// a thread pushes the finished operation on finished_, THEN calls the waker. So a completion
// reaches a core as a message in its inbox does, and sys/parking.h tells why none is slept through.
class ThreadRing final : public Ring {
 public:
  // pool outlives the ring.
  ThreadRing(IoPool& pool, uint32_t entries) : pool_(pool), entries_(entries) {}

  void Attach(RingWaker waker) override { waker_ = waker; }
  void Start(IoOperation* operation) override;
  void Cancel(IoOperation* operation) override;
  void Submit() override;
  IoOperation* Take() override;
  bool HasCompletions() const override { return taken_ != nullptr || !finished_.empty(); }
  bool has_wait() const override { return false; }
  void Wait(int64_t /*timeout_ns*/) override {}
  void Wake() override {}
  void Shutdown() override;
  uint32_t capacity() const override { return entries_; }
  uint64_t enters() const override { return 0; }

  // A thread of the pool. The operation is finished.
  void Complete(IoOperation* operation);

 private:
  friend class IoPool;

  bool EndsAtOnce(IoOperation* operation);
  void GiveBack(IoOperation* operation);

  IoPool& pool_;
  PageCache cache_;
  const uint32_t entries_;
  RingWaker waker_;
  IoList started_;                // Since the last Submit.
  IoOperation* taken_ = nullptr;  // Oldest first.
  FinishedList<IoOperation> finished_;
  size_t busy_ = 0;  // The pool's, under its mutex: threads at work for this ring.
};

}  // namespace weft::sys

#pragma once

#include <condition_variable>
#include <cstddef>
#include <memory>
#include <mutex>
#include <vector>

#include "absl/status/statusor.h"
#include "sys/finished_list.h"
#include "sys/io_levels.h"
#include "sys/io_operation.h"
#include "sys/ring.h"
#include "sys/thread.h"

namespace weft::sys {

class PoolSeat;

// Threads that do file I/O in the cores' stead, shared by all: all of it where there is no
// io_uring, hints where there is. What waits is served by level, see IoLevels, and each is done
// under its level's I/O priority. Holds no more than the rings' capacities together, for each ring
// bounds its own. Any thread. Outlives its seats; destruction joins the threads.
class IoPool {
 public:
  // cpus: where the threads run; empty: as the calling thread.
  static absl::StatusOr<std::unique_ptr<IoPool>> Start(size_t threads,
                                                       const std::vector<int>& cpus);
  ~IoPool();
  IoPool(const IoPool&) = delete;
  IoPool& operator=(const IoPool&) = delete;

  size_t threads() const { return threads_.size(); }

 private:
  friend class PoolSeat;

  IoPool() = default;
  void Run();
  void Push(PoolSeat* seat, IoList* operations);
  bool Withdraw(IoOperation* operation);
  void Release(PoolSeat* seat);

  std::mutex mutex_;
  std::condition_variable work_;
  std::condition_variable quiet_;
  IoLevels queue_;
  bool stop_ = false;
  std::vector<Thread> threads_;
};

// A ring's place at the pool. On the way back a thread pushes the finished operation on finished_,
// THEN calls the waker. So a completion reaches a core as a message in its inbox does, and
// sys/parking.h tells why none is slept through. The ring's thread only.
class PoolSeat {
 public:
  // pool outlives the seat.
  explicit PoolSeat(IoPool& pool) : pool_(pool) {}

  // First call. waker outlives the seat.
  void Attach(RingWaker waker) { waker_ = waker; }
  // Takes an operation over; it goes to the threads at the next Submit.
  void Start(IoOperation* operation) { started_.Append(operation); }
  void Submit() {
    if (!started_.empty()) pool_.Push(this, &started_);
  }
  // True when the operation, which was submitted, had not begun and now never will.
  bool Withdraw(IoOperation* operation) { return pool_.Withdraw(operation); }
  // A hint of whether TakeAll would give anything; after sys/parking.h's Announce it is for sure.
  bool has_finished() const { return !finished_.empty(); }
  // What was finished, linked from the oldest to the newest; or null.
  IoOperation* TakeAll() { return finished_.TakeAll(); }
  // Forgets what waits, then blocks until no thread is busy with an operation of this seat, or with
  // telling of one. Last call.
  void Release() { pool_.Release(this); }

  // A thread that has the operation, of the pool or of what else finishes operations of this ring.
  void Complete(IoOperation* operation) {
    finished_.Push(operation);
    if (waker_.wake != nullptr) waker_.wake(waker_.argument);
  }

 private:
  friend class IoPool;

  IoPool& pool_;
  RingWaker waker_;
  IoList started_;  // Since the last Submit.
  FinishedList<IoOperation> finished_;
  size_t busy_ = 0;  // The pool's, under its mutex: threads at work for this seat.
};

}  // namespace weft::sys

#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "async/remote_waiter.h"
#include "async/seat.h"
#include "async/wait_result.h"
#include "executor/executor.h"
#include "executor/task_context.h"

namespace weft {

// Where a body of the seam is while a task polls it, which is what its wakers name. Used for one
// body after another, and never freed before its host: a waker that comes late finds another number
// there, or at worst has the next body polled for nothing.
//
// Protocol. That of async/seat.h. What is published is is_woken_, and with it whatever was done
// before the wake (release). A poll begins by an exchange of it (acquire): a wake is either seen by
// that poll or is left for the wait that follows.
class BodyPlace {
 public:
  // The task that has the place only, all but the waker itself.
  BodyWaker waker() { return {&Wake, this, number_.load(std::memory_order_relaxed)}; }
  void BeginPoll() { is_woken_.exchange(false, std::memory_order_acquire); }
  // Since the poll began.
  bool is_woken() const { return is_woken_.load(std::memory_order_relaxed); }
  // Until it is woken: kDone.
  WaitResult Wait(TaskContext& context, int64_t until_ns);
  // The body has ended: its wakers wake nobody any more.
  void Leave() { number_.fetch_add(1, std::memory_order_relaxed); }

 private:
  // Any thread.
  static void Wake(void* place, uint64_t number);

  std::atomic<uint64_t> number_{1};  // Of the body that is here. A hint, see above.
  std::atomic<bool> is_woken_{false};
  Seat<RemoteWaiter> seat_;
};

// All places of one host, as many as it once had bodies at a time. Any thread.
class BodyPlaces {
 public:
  // Allocates when none is free.
  BodyPlace& Take();
  void GiveBack(BodyPlace& place);

 private:
  std::mutex mutex_;
  // Guarded by the mutex.
  std::vector<std::unique_ptr<BodyPlace>> all_;
  std::vector<BodyPlace*> free_;
};

}  // namespace weft

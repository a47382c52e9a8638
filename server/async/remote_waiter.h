#pragma once

#include <atomic>
#include <cstdint>
#include <memory>

#include "async/wait_result.h"
#include "executor/mail.h"
#include "executor/task_context.h"
#include "executor/task_host.h"

namespace weft {

class FrameHome;

// A task, or a thread that runs none, that waits for what may happen on any thread. Lives on the
// stack of who waits. One thread notifies, once; who waits may not go before that, unless it can
// keep the other from it.
//
// Protocol. notified_ goes from 0 to 1 (release) as the last that is done with the waiter but for
// ending a sleep on its address; who waits goes on when it reads 1 (acquire). For a task it is set
// on its host's thread, by mail when the notifier is elsewhere, so that the task is parked there or
// has not looked yet.
class RemoteWaiter : private Mail {
 public:
  explicit RemoteWaiter(TaskContext& context);
  // For the calling thread.
  RemoteWaiter() = default;

  // Any thread.
  void Notify();

  // Who waits only. kDone when it was notified. until_ns: on the clock of TaskContext::NowNs; of a
  // thread on that of ThreadNowNs. Otherwise the notifier may still come: withdraw, and when that
  // is too late, AwaitNotify.
  WaitResult Wait(int64_t until_ns);
  // The notifier is about to notify. Not cut short.
  void AwaitNotify();

  // CLOCK_MONOTONIC.
  static int64_t ThreadNowNs();

 private:
  bool is_notified() const { return notified_.load(std::memory_order_acquire) != 0; }
  void WakeTask();
  WaitResult WaitAsTask(int64_t until_ns);
  WaitResult WaitAsThread(int64_t until_ns);

  TaskContext* const context_ = nullptr;  // Null: a thread.
  TaskHost* const host_ = nullptr;
  // Through which the host is reached from elsewhere: a notifier may be the last to hear that who
  // waited has gone on, and its host with it.
  std::shared_ptr<FrameHome> home_;
  std::atomic<uint32_t> notified_{0};
};

}  // namespace weft

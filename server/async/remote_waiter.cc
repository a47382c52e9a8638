#include "async/remote_waiter.h"

#include <time.h>

#include "async/frame_home.h"
#include "sys/futex.h"

namespace weft {
namespace {

// How long a wait takes that is not to be suspended in, before it looks again.
constexpr int64_t kRefusedWaitNs = 50'000;

}  // namespace

int64_t RemoteWaiter::ThreadNowNs() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

RemoteWaiter::RemoteWaiter(TaskContext& context) : context_(&context), host_(&context.host()) {
  open = [](Mail& mail) { static_cast<RemoteWaiter&>(mail).WakeTask(); };
  if (FrameHome* const home = host_->frames()) home_ = home->shared_from_this();
}

// Nothing of the waiter is touched once it has been delivered. A host that has closed, and may be
// gone, has no task that could go on.
void RemoteWaiter::Notify() {
  const std::shared_ptr<FrameHome> home = home_;
  if (context_ == nullptr) {
    notified_.store(1, std::memory_order_release);
    sys::FutexWake(notified_);
  } else if (home == nullptr ? host_->IsHere() : home->IsHere()) {
    WakeTask();
  } else if (home != nullptr) {
    home->Deliver(*this);
  } else {
    host_->Deliver(*this);
  }
}

// The context outlives this call: it goes on the host's thread, behind us.
void RemoteWaiter::WakeTask() {
  TaskContext& context = *context_;
  notified_.store(1, std::memory_order_release);
  context.Unpark();
}

WaitResult RemoteWaiter::Wait(int64_t until_ns) {
  return context_ == nullptr ? WaitAsThread(until_ns) : WaitAsTask(until_ns);
}

WaitResult RemoteWaiter::WaitAsTask(int64_t until_ns) {
  while (!is_notified()) {
    const WakeReason reason = context_->Park(until_ns);
    if (reason == WakeReason::kWoken) continue;
    return is_notified() ? WaitResult::kDone : WaitResultOf(reason);
  }
  return WaitResult::kDone;
}

WaitResult RemoteWaiter::WaitAsThread(int64_t until_ns) {
  while (!is_notified()) {
    int64_t left_ns = -1;
    if (until_ns != kNoEnd) {
      left_ns = until_ns - ThreadNowNs();
      if (left_ns <= 0) return WaitResult::kElapsed;
    }
    sys::FutexWait(notified_, 0, left_ns);
  }
  return WaitResult::kDone;
}

void RemoteWaiter::AwaitNotify() {
  if (context_ == nullptr) {
    WaitAsThread(kNoEnd);
    return;
  }
  const bool was_shielded = context_->SetShielded(true);
  while (!is_notified()) {
    // Where it may not wait, being one that never suspends, or the host is stopping.
    if (context_->Park(kNoEnd) == WakeReason::kWoken) continue;
    if (host_->IsHere()) host_->OpenMail();
    sys::FutexWait(notified_, 0, kRefusedWaitNs);
  }
  context_->SetShielded(was_shielded);
}

}  // namespace weft

#include "async/task_tracker.h"

#include <mutex>

#include "async/remote_waiter.h"
#include "executor/task_host.h"

namespace weft {
namespace {

struct Drainer {
  RemoteWaiter& waiter;
  Drainer* next = nullptr;
};

}  // namespace

struct TaskTracker::State {
  WaitResult Drain(RemoteWaiter& waiter, int64_t until_ns);
  // Whether it was there; else it is about to be notified.
  bool Withdraw(Drainer& drainer);

  std::mutex mutex;
  uint64_t count = 0;
  Drainer* drainers = nullptr;
};

WaitResult TaskTracker::State::Drain(RemoteWaiter& waiter, int64_t until_ns) {
  Drainer drainer{waiter};
  {
    const std::lock_guard lock(mutex);
    if (count == 0) return WaitResult::kDone;
    drainer.next = std::exchange(drainers, &drainer);
  }
  const WaitResult result = waiter.Wait(until_ns);
  // Also when it was notified: who did so may still be on its way out of the list.
  if (Withdraw(drainer) || result == WaitResult::kDone) return result;
  waiter.AwaitNotify();
  return WaitResult::kDone;
}

bool TaskTracker::State::Withdraw(Drainer& drainer) {
  const std::lock_guard lock(mutex);
  for (Drainer** link = &drainers; *link != nullptr; link = &(*link)->next) {
    if (*link != &drainer) continue;
    *link = drainer.next;
    return true;
  }
  return false;
}

TaskTracker::TaskTracker() : state_(std::make_shared<State>()) {}

TaskTracker::Tracked::Tracked(std::shared_ptr<State> state) : state_(std::move(state)) {
  const std::lock_guard lock(state_->mutex);
  ++state_->count;
}

TaskTracker::Tracked::~Tracked() {
  if (state_ == nullptr) return;
  const std::lock_guard lock(state_->mutex);
  if (--state_->count > 0) return;
  while (state_->drainers != nullptr) {
    Drainer* const drainer = state_->drainers;
    state_->drainers = drainer->next;
    drainer->waiter.Notify();
  }
}

uint64_t TaskTracker::count() const {
  const std::lock_guard lock(state_->mutex);
  return state_->count;
}

WaitResult TaskTracker::Drain(TaskContext& context, int64_t until_ns) const {
  RemoteWaiter waiter(context);
  return state_->Drain(waiter, until_ns);
}

WaitResult TaskTracker::BlockingDrain(int64_t until_ns) const {
  if (TaskHost::Here() != nullptr) return WaitResult::kElsewhere;
  RemoteWaiter waiter;
  return state_->Drain(waiter, until_ns);
}

}  // namespace weft

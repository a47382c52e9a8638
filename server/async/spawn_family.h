#pragma once

#include <type_traits>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "async/cancellation.h"
#include "async/frame.h"
#include "async/join_handle.h"
#include "async/spawn.h"
#include "async/sync.h"
#include "async/task_tracker.h"
#include "executor/task_host.h"
#include "task/priority.h"

// Spawning with something that goes along with the task: a tracker, a cancellation, a permit. On
// cores and on the blocking pool alike; refusals as in async/spawn.h.
namespace weft {

namespace spawn_internal {

// Aborts a task when its token is cancelled, while it lives.
class CancelLink final : public CancellationToken::Listener {
 public:
  CancelLink(CancellationToken token, TaskFrame& frame)
      : token_(std::move(token)), frame_(frame), may_begin_(token_.Listen(*this)) {}
  ~CancelLink() { token_.Leave(*this); }

  bool may_begin() const { return may_begin_; }
  void OnCancel() override { frame_.Abort(); }

 private:
  const CancellationToken token_;
  TaskFrame& frame_;
  const bool may_begin_;
};

// A callable and what goes along with it.
template <class F>
struct Cancellable {
  CancellationToken token;
  F callable;
  decltype(auto) operator()(TaskContext& context) { return CallOf(callable, context); }
};
template <class F>
CancelLink LinkOf(Cancellable<F>& cancellable, TaskFrame& frame) {
  return CancelLink(cancellable.token, frame);
}

}  // namespace spawn_internal

// Counts in the tracker until the callable has returned and is gone.
template <class F>
auto SpawnTracked(TaskHost& host, const TaskTracker& tracker, F callable,
                  TaskLevels levels = Priority::kNormal) {
  return Spawn(
      host,
      [tracked = tracker.Track(), callable = std::move(callable)](TaskContext& context) mutable {
        return spawn_internal::CallOf(callable, context);
      },
      levels);
}

// Is aborted when the token is cancelled: see TaskHandle::Abort.
template <class F>
auto SpawnCancellable(TaskHost& host, CancellationToken token, F callable,
                      TaskLevels levels = Priority::kNormal) {
  return Spawn(host, spawn_internal::Cancellable<F>{std::move(token), std::move(callable)}, levels);
}

// Both.
template <class F>
auto SpawnCancellableTracked(TaskHost& host, CancellationToken token, const TaskTracker& tracker,
                             F callable, TaskLevels levels = Priority::kNormal) {
  auto tracked = [tracked = tracker.Track(),
                  callable = std::move(callable)](TaskContext& context) mutable {
    return spawn_internal::CallOf(callable, context);
  };
  return SpawnCancellable(host, std::move(token), std::move(tracked), levels);
}

// Waits for a permit of the semaphore first, which is given back when the callable has returned: so
// no more of them are under way than it has permits. Cancelled, DeadlineExceeded or
// FailedPrecondition when the wait ends otherwise.
template <class F>
auto SpawnBounded(TaskContext& context, Semaphore& semaphore, TaskHost& host, F callable,
                  TaskLevels levels = Priority::kNormal)
    -> absl::StatusOr<JoinHandle<spawn_internal::ValueOf<F>>> {
  const WaitResult result = semaphore.Acquire(context);
  if (result == WaitResult::kCancelled) return absl::CancelledError("asked to stop");
  if (result == WaitResult::kDeadline) return absl::DeadlineExceededError("the deadline passed");
  if (result != WaitResult::kDone) {
    return absl::FailedPreconditionError(semaphore.most() == 0
                                             ? "the semaphore never has a permit"
                                             : "the semaphore belongs to another host");
  }
  return Spawn(
      host,
      [permit = Permit(semaphore), callable = std::move(callable)](TaskContext& inner) mutable {
        return spawn_internal::CallOf(callable, inner);
      },
      levels);
}

// Has a callable run as a task and blocks the calling thread until it has its value.
// FailedPrecondition within a task, and on the thread that turns the host itself.
template <class F>
auto BlockOn(TaskHost& host, F callable) ->
    typename JoinHandle<spawn_internal::ValueOf<F>>::Result {
  if (TaskHost::IsTurning() || host.IsHere()) {
    return absl::FailedPreconditionError("a thread that runs tasks must not block on one");
  }
  auto handle = Spawn(host, std::move(callable));
  if (!handle.ok()) return handle.status();
  return handle->BlockingJoin();
}

}  // namespace weft

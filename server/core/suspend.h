#pragma once

#include <algorithm>
#include <cerrno>

#include "core/context.h"
#include "core/core.h"

// How a task leaves its core for a while and comes back: to wait for a time, for a file operation,
// or only to let others go first. Part of core.cc's translation unit.
namespace weft {

// What every way to suspend begins with, on the task's own runner.
template <class Env>
WEFT_HOT void Core<Env>::Suspend(LiveTask* task) {
  Boundary();
  if (task->runner == nullptr) {
    task->suspended = 0;
    current_runner_->lost_before_ns = off_core_.lost_ns();
  }
  task->runner = current_runner_;
  task->suspended_at = clock();
  task->state.store(TaskState::kSuspended, std::memory_order_relaxed);
  stats_.suspensions.Add(1);
}

// What every way to suspend ends with: others run until the task goes on.
template <class Env>
WEFT_HOT void Core<Env>::LetOthersRun(LiveTask* task) {
  LiveTask* const next = NextTask(Asker::kOther);
  if (next != task) return GoTo(*task->runner->fiber, next);
  Resume(task);
}

// A suspended task is about to go on.
template <class Env>
WEFT_HOT void Core<Env>::Resume(LiveTask* task) {
  task->suspended += clock() - task->suspended_at;
  task->state.store(TaskState::kRunning, std::memory_order_relaxed);
  running_entry_.store(task->entry, std::memory_order_release);
}

// On the task's own runner: only lets others go first. When none is ready, the turn is asked
// whether it is over: one that goes on by yields is to let in what has come meanwhile.
template <class Env>
WakeReason Core<Env>::GiveWay(LiveTask* task, const Context& context) {
  Suspend(task);
  bool is_late = false;
  if (task->deadline != kNoDeadline) [[unlikely]] {
    // With timing off the clock stands between its readings.
    if (!options_.timing_metrics) SetClock(env_.Now());
    is_late = !context.is_shielded() && task->deadline <= clock();
  }
  task->ready_since = clock();
  if (!ready_->HasReady()) turn_.look_again = clock();
  ready_->Push(task);
  LetOthersRun(task);
  return is_late ? WakeReason::kDeadline : WakeReason::kElapsed;
}

// The same, and not before a time, or until it is unparked.
template <class Env>
WakeReason Core<Env>::Park(LiveTask* task, sys::Ticks until, bool with_deadline) {
  Suspend(task);
  ++suspended_count_;
  task->place = TaskPlace::kNowhere;
  const sys::Ticks due = with_deadline ? std::min(until, task->deadline) : until;
  if (due != sys::kTicksForever) timers_->Arm(task, due);
  LetOthersRun(task);
  return task->wake;
}

// When an operation's own limit passes.
template <class Env>
sys::Ticks LimitOf(const sys::IoOperation& operation, Env& env) {
  if (operation.time_limit_ns == 0) return kNoDeadline;
  const sys::Ticks now = env.Now();
  const sys::Ticks limit = env.anchor().NsToTicks(operation.time_limit_ns);
  return limit < sys::kTicksForever - now ? now + limit : sys::kTicksForever - 1;
}

// The same until an operation is done. The deadline, or the operation's own limit, only asks to cut
// it short.
template <class Env>
int64_t Core<Env>::ParkForIo(LiveTask* task, sys::IoOperation* operation) {
  Suspend(task);
  ++suspended_count_;
  task->place = TaskPlace::kInIo;
  task->runner->operation = operation;
  operation->owner = task;
  operation->is_late = false;
  io_.Start(operation, task->io_priority);
  const sys::Ticks deadline = operation->ignores_stop ? kNoDeadline : task->deadline;
  const sys::Ticks until = std::min(deadline, LimitOf(*operation, env_));
  if (until != kNoDeadline && !operation->runs_to_end) timers_->Arm(task, until);
  LetOthersRun(task);
  return operation->is_late && operation->result == -ECANCELED ? -ETIME : operation->result;
}

}  // namespace weft

#pragma once

#include <algorithm>
#include <exception>
#include <string>

#include "core/context.h"
#include "core/core.h"

// How a core runs one task after another: the second half of Core, kept apart from the turn. Part
// of core.cc's translation unit.
namespace weft {

// The next task to run in this turn, or null: nothing is ready, the budget is spent, the Door has
// to drain first, or the turn is over.
template <class Env>
LiveTask* Core<Env>::NextTask() {
  while (budget_left_ > 0) {
    if (!outbox_->HasRoom(1)) {
      stats_.outbox_waits.Add(1);
      return nullptr;
    }
    if (clock_ >= look_again_ && TurnIsOver()) return nullptr;
    const bool stack_spare = !runners_.empty() || current_runner_ != nullptr;
    LiveTask* const task = ready_->Pop(clock_, stack_spare);
    if (task == nullptr) return nullptr;
    --budget_left_;
    if (task->runner != nullptr) return task;
    if (task->deadline <= clock_ || task->cancel.load(std::memory_order_relaxed) != 0) {
      EndUnstarted(task, StopEnding(*task));
      continue;
    }
    if (task->entry->paused.is_set()) [[unlikely]] {
      ready_->Hold(task);
      continue;
    }
    if (stack_spare || task->entry->never_suspends) return task;
    stats_.stack_waits.Add(1);
    ready_->SetAside(task);
  }
  return nullptr;
}

// At a boundary from look_again_ on: the budget is one of time and spent, or messages, timers or
// completions wait and the turn has gone on for kLookAgainNs: among them may be what goes first.
template <class Env>
bool Core<Env>::TurnIsOver() const {
  return clock_ >= turn_end_ || !inbox_->empty() || next_timer() <= clock_ || io_.HasCompletions();
}

// On the thread's own stack. A task that never suspends costs a call; the others run on a runner,
// which goes on with what follows until a task suspends or cannot run on it.
template <class Env>
void Core<Env>::Dispatch(LiveTask* task) {
  while (task != nullptr) {
    if (task->runner != nullptr) {
      task->suspended += clock_ - task->suspended_at;
      task->state.store(TaskState::kRunning, std::memory_order_relaxed);
      running_since_.store(clock_, std::memory_order_relaxed);
      running_entry_.store(task->entry, std::memory_order_release);
      SwitchToRunner(task->runner);
    } else if (task->entry->never_suspends) {
      Execute(task);
    } else {
      Runner* const runner = runners_.Take();
      runner->task = task;
      runner->kept = false;
      SwitchToRunner(runner);
    }
    task = handed_back_;
    handed_back_ = nullptr;
  }
}

template <class Env>
void Core<Env>::SwitchToRunner(Runner* runner) {
  current_runner_ = runner;
  thread_fiber_->SwitchTo(*runner->fiber);
  current_runner_ = nullptr;
}

// The life of a runner: run, take the next, and go back when a task has kept this stack or the next
// one is not for it.
template <class Env>
void Core<Env>::RunnerMain(void* argument) {
  Runner* const runner = static_cast<Runner*>(argument);
  Core* const core = static_cast<Core*>(runner->core);
  for (;;) {
    LiveTask* task = runner->task;
    while (task != nullptr) {
      core->Execute(task);
      // A runner whose task suspended was taken out of the order of the turn: it retires.
      task = runner->kept ? nullptr : core->NextTask();
      if (task != nullptr && task->runner != nullptr) {
        core->handed_back_ = task;
        task = nullptr;
      }
    }
    runner->task = nullptr;
    core->runners_.Put(runner);
    runner->fiber->SwitchTo(*core->thread_fiber_);
  }
}

// One task from start to end, on the stack that is current. Returns late, on the same stack, when
// the task suspends.
template <class Env>
void Core<Env>::Execute(LiveTask* task) {
  Runner* const runner = task->entry->never_suspends ? nullptr : current_runner_;
  timers_->Disarm(task);
  task->runner = runner;
  if (runner != nullptr) runner->task = task;
  task->started.store(clock_, std::memory_order_relaxed);
  task->state.store(TaskState::kRunning, std::memory_order_relaxed);
  stats_.started[static_cast<size_t>(task->priority)].Add(1);
  running_since_.store(clock_, std::memory_order_relaxed);
  running_entry_.store(task->entry, std::memory_order_release);
  Cold& cold = cold_[task->slot];
  cold.output.clear();
  Context context(this, task, &cold, runner != nullptr);
  TaskOutcome outcome;
  try {
    outcome = task->entry->run(task->entry->state, context);
  } catch (const std::exception& error) {
    outcome = context.Fail(TaskErrorCode::kHandlerException, error.what());
  } catch (...) {
    outcome = context.Fail(TaskErrorCode::kHandlerException,
                           "the handler threw something that is not a std::exception");
  }
  Boundary();
  running_entry_.store(nullptr, std::memory_order_release);
  EndStarted(task, Settle(*task, context, outcome));
}

// The one reading of the clock between two tasks. The turn's own reading was ordered after the
// messages, and time does not go back behind it, so a start is never before its submission.
template <class Env>
void Core<Env>::Boundary() {
  clock_ = std::max(clock_, env_.NowUnordered());
}

// What every way to suspend begins with, on the task's own runner.
template <class Env>
void Core<Env>::Suspend(LiveTask* task) {
  Boundary();
  task->runner->kept = true;
  task->suspended_at = clock_;
  task->state.store(TaskState::kSuspended, std::memory_order_relaxed);
  running_entry_.store(nullptr, std::memory_order_release);
  stats_.suspensions.Add(1);
  ++suspended_count_;
  task->place = TaskPlace::kNowhere;
}

// On the task's own runner: suspends until a time. until 0: only lets others go first.
template <class Env>
WakeReason Core<Env>::Park(LiveTask* task, sys::Ticks until) {
  Suspend(task);
  if (until == 0) {
    Unpark(task, task->deadline <= clock_ ? WakeReason::kDeadline : WakeReason::kElapsed);
  } else {
    timers_->Arm(task, std::min(until, task->deadline));
  }
  task->runner->fiber->SwitchTo(*thread_fiber_);
  return task->wake;
}

// The same until a file operation is done. The deadline only asks to cut the operation short.
template <class Env>
int64_t Core<Env>::ParkForIo(LiveTask* task, sys::IoOperation* operation) {
  Suspend(task);
  task->place = TaskPlace::kInIo;
  task->runner->operation = operation;
  operation->owner = task;
  io_.Start(operation, task->io_priority);
  const bool has_deadline = task->deadline != kNoDeadline && !operation->runs_to_end;
  if (has_deadline) timers_->Arm(task, task->deadline);
  task->runner->fiber->SwitchTo(*thread_fiber_);
  return operation->result;
}

}  // namespace weft

#pragma once

#include <algorithm>
#include <exception>
#include <utility>

#include "core/context.h"
#include "core/core.h"

// How a core runs one task after another: the second half of Core, kept apart from the turn. Part
// of core.cc's translation unit.

// Belongs into the loop that runs one task after another: calls between its parts cost a third of
// spawn_run_teardown_timed_b64 (bench/micro/core_bench).
#define WEFT_HOT [[gnu::always_inline]] inline

namespace weft {

// The next task to run in this turn, or null: nothing is ready, the budget is spent, the Door has
// to drain first, or the turn is over. asker: whether a fresh one is to run on the stack that asks.
// What most tasks need is here, in the loop that runs them; the rest is NextTaskWithCare's.
template <class Env>
WEFT_HOT LiveTask* Core<Env>::NextTask(Asker asker) {
  LiveTask* task = nullptr;
  if (ready_->given() != turn_.given_until && clock() < turn_.look_again) [[likely]] {
    task = ready_->PopPlain();
    if (task != nullptr) [[likely]] {
      if (task->runner != nullptr || MayStart(*task, asker)) return task;
    }
  }
  return NextTaskWithCare(task, asker);
}

// Whether a fresh task that was popped may start as it is.
template <class Env>
WEFT_HOT bool Core<Env>::MayStart(const LiveTask& task, Asker asker) {
  // With timing off the clock stands between its readings.
  if (!options_.timing_metrics && task.deadline != kNoDeadline) SetClock(env_.Now());
  return task.deadline > clock() && !cancels_[task.slot].IsSetFor(task.id) &&
         !task.entry->paused.is_set() && (HasSpareStack(asker) || task.entry->never_suspends);
}

// popped: has been taken out of the queue already and must not start; or null.
template <class Env>
LiveTask* Core<Env>::NextTaskWithCare(LiveTask* popped, Asker asker) {
  for (;; popped = nullptr) {
    LiveTask* task = popped;
    if (task == nullptr) {
      if (!RefillBudget()) return nullptr;
      if (clock() >= turn_.look_again && TurnIsOver()) return nullptr;
      task = ready_->Pop(clock(), HasSpareStack(asker));
      if (task == nullptr) return nullptr;
      if (task->runner != nullptr || MayStart(*task, asker)) return task;
    }
    if (task->deadline <= clock() || cancels_[task->slot].IsSetFor(task->id)) {
      EndUnstarted(task, StopEnding(*task, cancels_[task->slot].ReasonFor(task->id)));
    } else if (task->entry->paused.is_set()) {
      ready_->Hold(task);
    } else if (MayStart(*task, asker)) {
      return task;  // Its handler was resumed between the two looks.
    } else {
      stats_.stack_waits.Add(1);
      ready_->SetAside(task);
    }
  }
}

// A task that is run tells at most one end, so it is given out only with room for that: given_until
// goes as far as there is room, budget_beyond keeps the rest.
template <class Env>
bool Core<Env>::RefillBudget() {
  if (ready_->given() != turn_.given_until) return true;
  if (turn_.budget_beyond == 0) return false;
  const auto room = static_cast<uint32_t>(outbox_->Room(turn_.budget_beyond));
  turn_.given_until += room;
  turn_.budget_beyond -= room;
  if (room > 0) return true;
  stats_.outbox_waits.Add(1);
  return false;
}

template <class Env>
WEFT_HOT bool Core<Env>::HasNews() const {
  return !inbox_->empty() || !host_side_.mail.empty() || io_.HasCompletions();
}

// At a boundary from turn_.look_again on: the budget is one of time and spent, or messages, timers
// or completions wait and the turn has gone on for kLookAgainNs: among them may be what goes first.
template <class Env>
bool Core<Env>::TurnIsOver() {
  if (off_core_.IsTooOld(clock())) {
    SetClock(std::max(clock(), env_.Now()));  // Up to here it is no task's time.
    MeasureOffCore(clock());
  }
  // What a guest has to bring is seen by its rounds only.
  return clock() >= turn_.end || HasNews() || guest_ != nullptr || next_timer() <= clock();
}

// On the thread's own stack. A task that never suspends costs a call; the others run on a runner.
// Comes back when the turn gives nothing more: no other is ready, or none may run in it.
template <class Env>
void Core<Env>::Dispatch(LiveTask* task) {
  while (task != nullptr) {
    if (task->needs_no_stack()) {
      Execute(task);
      if (!ready_->CanPop(HasSpareStack(Asker::kOther))) return;  // Cold code takes time, too.
      task = NextTask(Asker::kOther);
    } else {
      GoTo(*thread_fiber_, task);
      task = std::exchange(handed_back_, nullptr);
    }
  }
}

// Leaves the fiber that runs for the one on which `next` is to run or to go on, without a detour by
// the thread's own stack; for that when next is null or runs there. Returns when something comes
// back to `from`.
template <class Env>
WEFT_HOT void Core<Env>::GoTo(Fiber& from, LiveTask* next) {
  if (next == nullptr || next->needs_no_stack()) {
    handed_back_ = next;
    current_runner_ = nullptr;
    from.SwitchTo(*thread_fiber_);
    return;
  }
  Runner* runner = next->runner;
  if (runner != nullptr) {
    Resume(next);
  } else {
    runner = runners_.Take();
    runner->task = next;
  }
  current_runner_ = runner;
  from.SwitchTo(*runner->fiber);
}

// The life of a runner: run, take the next, and retire when that is to go on elsewhere.
template <class Env>
void Core<Env>::RunnerMain(void* argument) {
  Runner* const runner = static_cast<Runner*>(argument);
  Core* const core = static_cast<Core*>(runner->core);
  for (;;) {
    LiveTask* task = runner->task;
    do {
      core->Execute(task);
      task = core->NextTask(Asker::kFreeRunner);
    } while (task != nullptr && task->runner == nullptr);
    runner->task = nullptr;
    core->runners_.Put(runner);
    core->GoTo(*runner->fiber, task);
  }
}

// One task from start to end, on the stack that is current. Returns late, on the same stack, when
// the task suspends.
template <class Env>
WEFT_HOT void Core<Env>::Execute(LiveTask* task) {
  timers_->Disarm(task);
  task->started.store(clock(), std::memory_order_relaxed);
  task->state.store(TaskState::kRunning, std::memory_order_release);
  if (IsDoors(*task)) stats_.started[static_cast<size_t>(task->priority)].Add(1);
  running_entry_.store(task->entry, std::memory_order_release);
  Context context(task, cancels_[task->slot]);
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
  if (outcome == TaskOutcome::kSucceeded && context.told_nothing()) [[likely]] {
    EndStarted(task, {});
  } else {
    EndTelling(task, context, outcome);
  }
}

// The one reading of the clock between two tasks. The turn's own reading was ordered after the
// messages, and time does not go back behind it, so a start is never before its submission. With
// timing off only some boundaries are read, for age and the length of a turn.
template <class Env>
WEFT_HOT void Core<Env>::Boundary() {
  if (options_.timing_metrics) {
    SetClock(std::max(clock(), env_.NowUnordered()));
  } else if (pace_.IsDue()) {
    ReadClockAtPace();
  }
}

template <class Env>
[[gnu::noinline]] void Core<Env>::ReadClockAtPace() {
  const sys::Ticks now = std::max(clock(), env_.NowUnordered());
  pace_.Set(now - clock(), look_again_ticks_);
  SetClock(now);
}

}  // namespace weft

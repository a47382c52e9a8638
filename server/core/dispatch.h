#pragma once

#include <algorithm>
#include <cassert>
#include <exception>
#include <string_view>

#include "core/context.h"
#include "core/core.h"
#include "task/limits.h"

// How a core runs one task after another: the second half of Core, kept apart from the turn. Part
// of core.cc's translation unit.
namespace weft {

// Outputs up to this size keep their memory in the slot for the next task.
inline constexpr size_t kKeptOutputBytes = 1024;

// The next task to run in this turn, or null: nothing is ready, the budget is spent, or the Door
// has to drain first.
template <class Env>
LiveTask* Core<Env>::NextTask() {
  while (budget_left_ > 0) {
    if (!outbox_->HasRoom(1)) {
      stats_.outbox_waits.Add(1);
      return nullptr;
    }
    const bool stack_spare = spare_runners_ != nullptr || current_runner_ != nullptr;
    LiveTask* const task = ready_->Pop(clock_, stack_spare);
    if (task == nullptr) return nullptr;
    --budget_left_;
    if (task->runner != nullptr) return task;
    if (task->deadline <= clock_) {
      EndUnstarted(task, StopEnding(*task));
      continue;
    }
    if (stack_spare || task->entry->never_suspends) return task;
    stats_.stack_waits.Add(1);
    ready_->SetAside(task);
  }
  return nullptr;
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
      Runner* const runner = spare_runners_;
      spare_runners_ = runner->next_spare;
      stats_.stacks_in_use.Set(stats_.stacks_in_use.value() + 1);
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
  thread_fiber_->SwitchTo(runner->fiber);
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
    runner->next_spare = core->spare_runners_;
    core->spare_runners_ = runner;
    core->stats_.stacks_in_use.Set(core->stats_.stacks_in_use.value() - 1);
    runner->fiber.SwitchTo(*core->thread_fiber_);
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
  if (cold.output.capacity() > kKeptOutputBytes) cold.output = std::string();
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
  if (options_.timing_metrics) clock_ = std::max(clock_, env_.NowUnordered());
}

template <class Env>
typename Core<Env>::Ending Core<Env>::Settle(const LiveTask& task, const Context& context,
                                             TaskOutcome outcome) {
  Cold& cold = cold_[task.slot];
  Ending ending;
  if (context.misused()) [[unlikely]] {
    stats_.misuse.Add(1);
    cold.error_message = "the handler is registered as never_suspends and tried to suspend";
    return {TaskState::kFailed, TaskErrorCode::kHandlerFailed, {}};
  }
  switch (outcome) {
    case TaskOutcome::kSucceeded:
      ending.output = context.is_alias() ? context.alias() : std::string_view(cold.output);
      if (ending.output.size() <= options_.max_output_bytes) [[likely]]
        return ending;
      cold.error_message = "the output is larger than limits.max_payload_bytes";
      return {TaskState::kFailed, TaskErrorCode::kOutputTooLarge, {}};
    case TaskOutcome::kFailed:
      return {TaskState::kFailed, context.error_code(), {}};
    case TaskOutcome::kStopped:
      break;
  }
  return StopEnding(task);
}

// How a task ends that obeyed, or that never started: by the reason it was given.
template <class Env>
typename Core<Env>::Ending Core<Env>::StopEnding(const LiveTask& task) {
  std::string& message = cold_[task.slot].error_message;
  switch (static_cast<CancelReason>(task.cancel.load(std::memory_order_relaxed))) {
    case CancelReason::kClient:
      message = "cancelled by CancelTask";
      return {TaskState::kCancelled, TaskErrorCode::kCancelledByClient, {}};
    case CancelReason::kDisconnected:
      message = "the client that waited for it went away";
      return {TaskState::kCancelled, TaskErrorCode::kClientDisconnected, {}};
    case CancelReason::kShutdown:
      message = "the daemon's drain limit passed";
      return {TaskState::kCancelled, TaskErrorCode::kShuttingDown, {}};
    case CancelReason::kDeadline:
    case CancelReason::kNone:
      break;
  }
  if (task.deadline != kNoDeadline && task.deadline <= env_.Now()) {
    message = "its timeout passed";
    return {TaskState::kExpired, TaskErrorCode::kDeadlineExceeded, {}};
  }
  message = "the handler stopped although nobody asked it to";
  return {TaskState::kFailed, TaskErrorCode::kHandlerFailed, {}};
}

template <class Env>
void Core<Env>::EndStarted(LiveTask* task, const Ending& ending) {
  stats_.executed.Add(1);
  if (ending.state != TaskState::kSucceeded) stats_.execution_failures.Add(1);
  if (options_.timing_metrics) {
    const sys::Ticks started = task->started.load(std::memory_order_relaxed);
    const int64_t execution_ns = env_.anchor().TicksToNs(clock_ - started);
    const int64_t queue_ns =
        env_.anchor().TicksToNs(std::max<sys::Ticks>(started - task->submitted, 0));
    stats_.CountExecution(task->entry->index, task->priority, queue_ns, execution_ns);
  }
  Tell(*task, ending, true);
  FreeSlot(task);
}

// A task that is linked and never started: cancelled, or expired.
template <class Env>
void Core<Env>::EndUnstarted(LiveTask* task, const Ending& ending) {
  if (task->place != TaskPlace::kNowhere) ready_->Remove(task);
  timers_->Disarm(task);
  stats_.unstarted[static_cast<size_t>(task->priority)].Add(1);
  Tell(*task, ending, false);
  FreeSlot(task);
}

// After the push the slot belongs to the Door, so all else is settled before.
template <class Env>
void Core<Env>::Tell(LiveTask& task, const Ending& ending, bool was_started) {
  assert(MayFollow(task.state.load(std::memory_order_relaxed), ending.state));
  task.state.store(ending.state, std::memory_order_relaxed);
  task.runner = nullptr;
  stats_.ended[static_cast<size_t>(ending.state)].Add(1);
  if (task.slot >= options_.door_slots()) return;  // The core's own: nobody is told.
  Completion completion;
  completion.id = task.id;
  completion.slot = task.slot;
  completion.state = ending.state;
  completion.error_code = ending.error_code;
  completion.was_started = was_started;
  if (options_.timing_metrics) {
    completion.started = was_started ? task.started.load(std::memory_order_relaxed) : 0;
    completion.completed = clock_;
    completion.suspended = task.suspended;
  }
  completion.output = ending.output.data();
  completion.output_bytes = static_cast<uint32_t>(ending.output.size());
  if (ending.error_code != TaskErrorCode::kNone) {
    const std::string& message = cold_[task.slot].error_message;
    completion.error_message = message.data();
    completion.error_message_bytes = static_cast<uint16_t>(message.size());
  }
  outbox_->Push(completion);
  untold_ = true;
}

template <class Env>
void Core<Env>::FreeSlot(LiveTask* task) {
  --live_;
  if (task->slot >= options_.door_slots()) {
    task->next = local_free_;
    local_free_ = task;
  }
  RingIfDoorSleeps();
}

// A look that costs a shared load. The turn's end makes sure.
template <class Env>
void Core<Env>::RingIfDoorSleeps() {
  if (untold_ && doorbell_.parking.LooksParked()) doorbell_.RingIfParked();
}

// On the task's own runner: the one way to suspend. until 0: only lets others go first.
template <class Env>
WakeReason Core<Env>::Park(LiveTask* task, sys::Ticks until) {
  Boundary();
  Runner* const runner = task->runner;
  runner->kept = true;
  task->suspended_at = clock_;
  task->state.store(TaskState::kSuspended, std::memory_order_relaxed);
  running_entry_.store(nullptr, std::memory_order_release);
  stats_.suspensions.Add(1);
  ++suspended_count_;
  task->place = TaskPlace::kNowhere;
  if (until == 0) {
    Unpark(task, task->deadline <= clock_ ? WakeReason::kDeadline : WakeReason::kElapsed);
  } else {
    timers_->Arm(task, std::min(until, task->deadline));
  }
  runner->fiber.SwitchTo(*thread_fiber_);
  return task->wake;
}

}  // namespace weft

#pragma once

#include <algorithm>
#include <cassert>
#include <cstdint>
#include <string>
#include <string_view>

#include "core/context.h"
#include "core/core.h"

// How a task ends on its core: what state it reaches, what is counted, what the Door is told. Part
// of core.cc's translation unit.
namespace weft {

inline bool HasLargeOutput(const TaskEnd& ending, const TaskCold& cold) {
  return ending.has_output && cold.output.capacity() > kKeptOutputBytes;
}

// A task that was started and has an output, or did not succeed. A call: with it in the loop that
// runs tasks, those that only succeed would take longer.
template <class Env>
[[gnu::noinline]] void Core<Env>::EndTelling(LiveTask* task, const Context& context,
                                             TaskOutcome outcome) {
  const TaskEnd ending = Settle(*task, context, outcome);
  // Nothing was executed.
  if (context.is_in_vain()) return End(task, ending, {TaskStart::kInVain});
  EndStarted(task, ending);
}

template <class Env>
TaskEnd Core<Env>::Settle(const LiveTask& task, const Context& context, TaskOutcome outcome) {
  if (outcome != TaskOutcome::kSucceeded || context.misused()) [[unlikely]] {
    return SettleFailure(task, context, outcome);
  }
  TaskEnd ending;
  ending.has_output = context.has_output();
  if (context.is_alias()) {
    ending.text = context.alias();
  } else if (context.has_output()) {
    ending.text = cold_[task.slot].output;
  }
  if (ending.text.size() <= options_.max_output_bytes) [[likely]]
    return ending;
  return {TaskState::kFailed, TaskErrorCode::kOutputTooLarge,
          "the output is larger than limits.max_payload_bytes", context.has_output()};
}

template <class Env>
TaskEnd Core<Env>::SettleFailure(const LiveTask& task, const Context& context,
                                 TaskOutcome outcome) {
  TaskEnd ending = {TaskState::kFailed, context.error_code()};
  // Without a code, what is there is of a task before.
  if (ending.error_code != TaskErrorCode::kNone) ending.text = cold_[task.slot].error_message;
  if (context.misused()) {
    stats_.misuse.Add(1);
    ending.text = "the handler is registered as never_suspends and tried to suspend";
    ending.error_code = TaskErrorCode::kHandlerFailed;
  } else if (outcome == TaskOutcome::kStopped) {
    ending = StopEnding(task, context.cancel_reason());
  }
  ending.has_output = context.has_output();
  return ending;
}

// How a task ends that obeyed, or that never started: by the reason it was given.
template <class Env>
TaskEnd Core<Env>::StopEnding(const LiveTask& task, CancelReason reason) {
  switch (reason) {
    case CancelReason::kClient:
      return {TaskState::kCancelled, TaskErrorCode::kCancelledByClient, "cancelled by CancelTask"};
    case CancelReason::kDisconnected:
      return {TaskState::kCancelled, TaskErrorCode::kClientDisconnected,
              "the client that waited for it went away"};
    case CancelReason::kShutdown:
      return {TaskState::kCancelled, TaskErrorCode::kShuttingDown,
              "the daemon's drain limit passed"};
    case CancelReason::kDeadline:
    case CancelReason::kNone:
      break;
  }
  // The handler may have seen the deadline pass a moment after the last reading.
  const sys::Ticks now = task.deadline == kNoDeadline ? clock() : env_.Now();
  if (task.deadline <= now) {
    SetClock(std::max(clock(), now));
    return {TaskState::kExpired, TaskErrorCode::kDeadlineExceeded, "its timeout passed"};
  }
  return {TaskState::kFailed, TaskErrorCode::kHandlerFailed,
          "the handler stopped although nobody asked it to"};
}

template <class Env>
WEFT_HOT void Core<Env>::EndStarted(LiveTask* task, const TaskEnd& ending) {
  if (ending.state != TaskState::kSucceeded) stats_.histograms[task->entry->index].failed.Add(1);
  TimeShare off_core;
  if (options_.timing_metrics) {
    const sys::Ticks started = task->started.load(std::memory_order_relaxed);
    const sys::Ticks queued = std::max<sys::Ticks>(started - task->submitted, 0);
    const uint64_t ran_ns = env_.anchor().DurationNs(static_cast<uint64_t>(clock() - started));
    if (stats_.CountExecution(task->entry->index, task->priority,
                              env_.anchor().DurationNs(static_cast<uint64_t>(queued)), ran_ns)) {
      off_core = LookAtLong(*task, ran_ns);
    }
  } else {
    stats_.histograms[task->entry->index].untimed.Add(1);
  }
  End(task, ending, {TaskStart::kBegan, off_core});
}

// What a task that may have run for far too long is told about its time: what its core has lost
// since the last reading before it started. That reading is still the last one when the task first
// leaves the core, be it to suspend or for good: nobody reads in the midst of a handler.
template <class Env>
[[gnu::noinline]] TimeShare Core<Env>::LookAtLong(const LiveTask& task, uint64_t ran_ns) {
  if (!stats_.TookFarLonger(task.entry->index, task.priority, ran_ns)) return {};
  stats_.long_runs.Add(1);
  const bool was_suspended = task.runner != nullptr;
  int64_t off_core_ns = 0;
  if (options_.is_pool()) {
    off_core_ns = current_runner_->off_core_ns;
  } else {
    const int64_t before_ns = was_suspended ? task.runner->lost_before_ns : off_core_.lost_ns();
    MeasureOffCore(clock());
    off_core_ns = off_core_.lost_ns() - before_ns;
  }
  const int64_t suspended_ns = was_suspended ? env_.anchor().TicksToNs(task.suspended) : 0;
  const int64_t longest = static_cast<int64_t>(ran_ns) - suspended_ns;
  off_core_ns = std::min(off_core_ns, std::max<int64_t>(longest, 0));
  stats_.long_off_core_ns.Add(static_cast<uint64_t>(off_core_ns));
  return TimeShare::Of(off_core_ns, static_cast<int64_t>(ran_ns));
}

// A task that is no longer linked and never started: cancelled, or expired.
template <class Env>
void Core<Env>::EndUnstarted(LiveTask* task, const TaskEnd& ending) {
  timers_->Disarm(task);
  task->started.store(0, std::memory_order_relaxed);
  Counter& unstarted = IsDoors(*task) ? stats_.unstarted[static_cast<size_t>(task->priority)]
                                      : stats_.spawned_unstarted;
  unstarted.Add(1);
  End(task, ending, {TaskStart::kNone});
}

template <class Env>
WEFT_HOT void Core<Env>::End(LiveTask* task, const TaskEnd& ending, TaskRun run) {
  assert(MayFollow(task->state.load(std::memory_order_relaxed), ending.state));
  task->state.store(ending.state, std::memory_order_relaxed);
  stats_.ended[static_cast<size_t>(ending.state)].Add(1);
  const bool was_suspended = task->runner != nullptr;
  if (was_suspended) task->runner = nullptr;
  if (IsDoors(*task)) return Tell(*task, ending, run, was_suspended);
  // The core's own: nobody is told.
  stats_.spawned_ended.Add(1);
  if (HasLargeOutput(ending, cold_[task->slot])) FreeOutput(task->slot);
  own_.Free(task, task->slot < first_local_slot_);
}

// With the push the slot becomes the Door's.
template <class Env>
WEFT_HOT void Core<Env>::Tell(const LiveTask& task, const TaskEnd& ending, TaskRun run,
                              bool was_suspended) {
  Completion& completion = outbox_->Next();
  completion.id = task.id;
  completion.slot = task.slot;
  completion.kind = CompletionKind::kEnded;
  completion.state = ending.state;
  completion.error_code = ending.error_code;
  completion.start = run.start;
  completion.has_large_output = HasLargeOutput(ending, cold_[task.slot]);
  completion.off_core = run.off_core;
  const bool is_timed = options_.timing_metrics;
  const bool has_begun = run.start == TaskStart::kBegan;
  const sys::Ticks started = has_begun ? task.started.load(std::memory_order_relaxed) : 0;
  completion.started = is_timed ? started : 0;
  completion.completed = is_timed ? clock() : 0;
  completion.suspended = is_timed && was_suspended ? task.suspended : 0;
  completion.text = ending.text.data();
  completion.text_bytes = static_cast<uint32_t>(ending.text.size());
  outbox_->Publish();
  untold_ = true;
  // A look that costs a shared load. The turn's end makes sure.
  if (doorbell_.parking.LooksParked()) doorbell_.RingIfParked();
}

}  // namespace weft

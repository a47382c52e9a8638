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
  if (context.is_in_vain()) return End(task, ending, TaskStart::kInVain);
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
    ending = StopEnding(task);
  }
  ending.has_output = context.has_output();
  return ending;
}

// How a task ends that obeyed, or that never started: by the reason it was given.
template <class Env>
TaskEnd Core<Env>::StopEnding(const LiveTask& task) {
  switch (cancels_[task.slot].ReasonFor(task.id)) {
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
  if (options_.timing_metrics) {
    const sys::Ticks started = task->started.load(std::memory_order_relaxed);
    const sys::Ticks queued = std::max<sys::Ticks>(started - task->submitted, 0);
    stats_.CountExecution(task->entry->index, task->priority,
                          env_.anchor().DurationNs(static_cast<uint64_t>(queued)),
                          env_.anchor().DurationNs(static_cast<uint64_t>(clock() - started)));
  } else {
    stats_.histograms[task->entry->index].untimed.Add(1);
  }
  End(task, ending, TaskStart::kBegan);
}

// A task that is no longer linked and never started: cancelled, or expired.
template <class Env>
void Core<Env>::EndUnstarted(LiveTask* task, const TaskEnd& ending) {
  timers_->Disarm(task);
  task->started.store(0, std::memory_order_relaxed);
  stats_.unstarted[static_cast<size_t>(task->priority)].Add(1);
  End(task, ending, TaskStart::kNone);
}

template <class Env>
WEFT_HOT void Core<Env>::End(LiveTask* task, const TaskEnd& ending, TaskStart start) {
  assert(MayFollow(task->state.load(std::memory_order_relaxed), ending.state));
  task->state.store(ending.state, std::memory_order_relaxed);
  stats_.ended[static_cast<size_t>(ending.state)].Add(1);
  const bool was_suspended = task->runner != nullptr;
  if (was_suspended) task->runner = nullptr;
  if (task->slot < first_local_slot_) {
    Tell(*task, ending, start, was_suspended);
    return;
  }
  // The core's own: nobody is told.
  if (HasLargeOutput(ending, cold_[task->slot])) std::string().swap(cold_[task->slot].output);
  task->next = local_free_;
  local_free_ = task;
}

// With the push the slot becomes the Door's.
template <class Env>
WEFT_HOT void Core<Env>::Tell(const LiveTask& task, const TaskEnd& ending, TaskStart start,
                              bool was_suspended) {
  Completion& completion = outbox_->Next();
  completion.id = task.id;
  completion.slot = task.slot;
  completion.kind = CompletionKind::kEnded;
  completion.state = ending.state;
  completion.error_code = ending.error_code;
  completion.start = start;
  completion.has_large_output = HasLargeOutput(ending, cold_[task.slot]);
  const bool is_timed = options_.timing_metrics;
  const bool has_begun = start == TaskStart::kBegan;
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

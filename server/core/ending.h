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

template <class Env>
WEFT_HOT TaskEnd Core<Env>::Settle(const LiveTask& task, const Context& context,
                                   TaskOutcome outcome) {
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
  const sys::Ticks now = task.deadline == kNoDeadline ? clock_ : env_.Now();
  if (task.deadline <= now) {
    clock_ = std::max(clock_, now);
    return {TaskState::kExpired, TaskErrorCode::kDeadlineExceeded, "its timeout passed"};
  }
  return {TaskState::kFailed, TaskErrorCode::kHandlerFailed,
          "the handler stopped although nobody asked it to"};
}

template <class Env>
WEFT_HOT void Core<Env>::EndStarted(LiveTask* task, const TaskEnd& ending) {
  stats_.executed.Add(1);
  if (ending.state != TaskState::kSucceeded) {
    stats_.execution_failures.Add(1);
    stats_.histograms[task->entry->index].failed.Add(1);
  }
  if (options_.timing_metrics) {
    const sys::Ticks started = task->started.load(std::memory_order_relaxed);
    const sys::Ticks queued = std::max<sys::Ticks>(started - task->submitted, 0);
    stats_.CountExecution(task->entry->index, task->priority,
                          env_.anchor().DurationNs(static_cast<uint64_t>(queued)),
                          env_.anchor().DurationNs(static_cast<uint64_t>(clock_ - started)));
  } else {
    stats_.histograms[task->entry->index].untimed.Add(1);
  }
  Tell(*task, ending, true);
  FreeSlot(task);
}

// A task that is linked and never started: cancelled, or expired.
template <class Env>
void Core<Env>::EndUnstarted(LiveTask* task, const TaskEnd& ending) {
  if (task->place != TaskPlace::kNowhere) ready_->Remove(task);
  timers_->Disarm(task);
  stats_.unstarted[static_cast<size_t>(task->priority)].Add(1);
  Tell(*task, ending, false);
  FreeSlot(task);
}

// After the push the slot belongs to the Door, so all else is settled before.
template <class Env>
WEFT_HOT void Core<Env>::Tell(LiveTask& task, const TaskEnd& ending, bool was_started) {
  assert(MayFollow(task.state.load(std::memory_order_relaxed), ending.state));
  task.state.store(ending.state, std::memory_order_relaxed);
  task.runner = nullptr;
  stats_.ended[static_cast<size_t>(ending.state)].Add(1);
  const bool has_large_output =
      ending.has_output && cold_[task.slot].output.capacity() > kKeptOutputBytes;
  if (task.slot >= first_local_slot_) {  // The core's own: nobody is told.
    if (has_large_output) std::string().swap(cold_[task.slot].output);
    return;
  }
  Completion& completion = outbox_->Next();
  completion.id = task.id;
  completion.slot = task.slot;
  completion.kind = CompletionKind::kEnded;
  completion.state = ending.state;
  completion.error_code = ending.error_code;
  completion.was_started = was_started;
  completion.has_large_output = has_large_output;
  const bool is_timed = options_.timing_metrics;
  const sys::Ticks started = was_started ? task.started.load(std::memory_order_relaxed) : 0;
  completion.started = is_timed ? started : 0;
  completion.completed = is_timed ? clock_ : 0;
  completion.suspended = is_timed ? task.suspended : 0;
  completion.text = ending.text.data();
  completion.text_bytes = static_cast<uint32_t>(ending.text.size());
  outbox_->Publish();
  untold_ = true;
}

template <class Env>
WEFT_HOT void Core<Env>::FreeSlot(LiveTask* task) {
  --live_;
  if (task->slot >= first_local_slot_) {
    task->next = local_free_;
    local_free_ = task;
  }
  // A look that costs a shared load. The turn's end makes sure.
  if (untold_ && doorbell_.parking.LooksParked()) doorbell_.RingIfParked();
}

}  // namespace weft

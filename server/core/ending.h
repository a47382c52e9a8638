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
  // The handler may have seen the deadline pass a moment after the last reading.
  const sys::Ticks now = task.deadline == kNoDeadline ? clock_ : env_.Now();
  if (task.deadline <= now) {
    clock_ = std::max(clock_, now);
    message = "its timeout passed";
    return {TaskState::kExpired, TaskErrorCode::kDeadlineExceeded, {}};
  }
  message = "the handler stopped although nobody asked it to";
  return {TaskState::kFailed, TaskErrorCode::kHandlerFailed, {}};
}

template <class Env>
void Core<Env>::EndStarted(LiveTask* task, const Ending& ending) {
  stats_.executed.Add(1);
  if (ending.state != TaskState::kSucceeded) {
    stats_.execution_failures.Add(1);
    stats_.histograms[task->entry->index].failed.Add(1);
  }
  if (options_.timing_metrics) {
    const sys::Ticks started = task->started.load(std::memory_order_relaxed);
    const int64_t execution_ns = env_.anchor().TicksToNs(clock_ - started);
    const int64_t queue_ns =
        env_.anchor().TicksToNs(std::max<sys::Ticks>(started - task->submitted, 0));
    stats_.CountExecution(task->entry->index, task->priority, queue_ns, execution_ns);
  } else {
    stats_.histograms[task->entry->index].untimed.Add(1);
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
  std::string& output = cold_[task.slot].output;
  const bool has_large_output = output.capacity() > kKeptOutputBytes;
  if (task.slot >= options_.door_slots()) {  // The core's own: nobody is told.
    if (has_large_output) std::string().swap(output);
    return;
  }
  Completion completion;
  completion.id = task.id;
  completion.slot = task.slot;
  completion.state = ending.state;
  completion.error_code = ending.error_code;
  completion.was_started = was_started;
  completion.has_large_output = has_large_output;
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

}  // namespace weft

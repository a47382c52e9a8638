#pragma once

#include <cassert>
#include <string_view>

#include "core/core.h"

// What comes in: tasks of the Door and of others, cancels, timers, finished file operations. Part
// of core.cc's translation unit.
namespace weft {

// What a cancel did whose task had ended when its message was taken: the flag is seen before the
// message, so the task may have ended by this very cancel.
inline CancelOutcome EndedOutcome(const LiveTask& task, TaskState state) {
  if (state != TaskState::kCancelled) return CancelOutcome::kAlreadyEnded;
  return task.started.load(std::memory_order_relaxed) == 0 ? CancelOutcome::kCancelledQueued
                                                           : CancelOutcome::kRequestedRunning;
}

template <class Env>
void Core<Env>::TakeSubmit(const Message& message) {
  LiveTask* const task = &tasks_[message.slot];
  assert(message.slot < first_remote_slot_);
  assert(task->runner == nullptr);
  task->id = message.id;
  task->entry = message.entry;
  task->payload = message.payload;
  task->payload_bytes = message.payload_bytes;
  task->deadline = message.deadline;
  task->submitted = message.submitted;
  task->priority = message.priority;
  task->io_priority = message.io_priority;
  task->ready_since = message.submitted;
  if (task->deadline != kNoDeadline) timers_->Arm(task, task->deadline);
  stats_.submitted.Add(1);
  MakeReady(task);
}

// Another thread's; it claimed the slot. Each way in fills the slot itself: one function for all
// cost 4 % of throughput_batch32 (bench/micro/core_bench).
template <class Env>
void Core<Env>::TakeSpawn(const Message& message) {
  LiveTask* const task = own_.TakeClaimed();
  task->entry = message.entry;
  task->payload = message.payload;
  task->payload_bytes = message.payload_bytes;
  task->submitted = message.submitted;
  task->ready_since = message.submitted;
  task->priority = message.priority;
  task->io_priority = message.io_priority;
  stats_.spawned.Add(1);
  MakeReady(task);
}

template <class Env>
void Core<Env>::MakeReady(LiveTask* task) {
  task->state.store(TaskState::kQueued, std::memory_order_relaxed);
  ready_->Push(task);
}

template <class Env>
void Core<Env>::TakeCancel(const Message& message) {
  LiveTask* const task = &tasks_[message.slot];
  Completion answer;
  answer.id = message.id;
  answer.slot = message.slot;
  answer.kind = CompletionKind::kCancelTaken;
  answer.state = task->state.load(std::memory_order_relaxed);
  if (task->id != message.id) {
    answer.cancel_outcome = CancelOutcome::kAlreadyEnded;
  } else if (IsTerminal(answer.state)) {
    answer.cancel_outcome = EndedOutcome(*task, answer.state);
  } else if (answer.state == TaskState::kQueued) {
    answer.cancel_outcome = CancelOutcome::kCancelledQueued;
    SetClock(env_.Now());  // The last turn's reading may be older than the submission.
    ready_->Remove(task);
    EndUnstarted(task, StopEnding(*task, cancels_[task->slot].ReasonFor(task->id)));
  } else {
    answer.cancel_outcome = CancelOutcome::kRequestedRunning;
    if (answer.state == TaskState::kSuspended) CutShort(task, WakeReason::kCancelled);
    if (task->place == TaskPlace::kOnThread) blocking_->WakeSleepers(env_);
  }
  outbox_->Push(answer);
  untold_ = true;
}

template <class Env>
bool Core<Env>::FireTimers() {
  size_t count = 0;
  for (; count < TurnIntake::kMostTimers && outbox_->HasRoom(1); ++count) {
    LiveTask* const task = timers_->PopDue(clock());
    if (task == nullptr) break;
    const TaskState state = task->state.load(std::memory_order_relaxed);
    if (state == TaskState::kQueued) {
      ready_->Remove(task);
      EndUnstarted(task, StopEnding(*task, cancels_[task->slot].ReasonFor(task->id)));
    } else {
      CutShort(task, task->deadline <= clock() ? WakeReason::kDeadline : WakeReason::kElapsed);
    }
  }
  return count > 0;
}

// A full outbox does not matter: nothing ends here.
template <class Env>
bool Core<Env>::TakeIo() {
  size_t count = 0;
  for (; count < TurnIntake::kMostIo && io_.busy(); ++count) {
    sys::IoOperation* const operation = io_.Take();
    if (operation == nullptr) break;
    auto* const task = static_cast<LiveTask*>(operation->owner);
    task->place = TaskPlace::kNowhere;
    Unpark(task, WakeReason::kElapsed);
  }
  // Before any of their tasks goes on, and so before it can have ended.
  if (count > 0) io_.Publish();
  return count > 0;
}

// A task that waits for an operation goes on when that is done, cancelled or not: until then the
// kernel may write to its stack.
template <class Env>
void Core<Env>::CutShort(LiveTask* task, WakeReason reason) {
  if (task->place != TaskPlace::kInIo) {
    Unpark(task, reason);
    return;
  }
  sys::IoOperation* const operation = task->runner->operation;
  if (operation->runs_to_end) return;
  if (operation->ignores_stop) {
    if (reason == WakeReason::kCancelled) return;
    reason = WakeReason::kElapsed;  // What has fired is its limit.
  }
  if (reason == WakeReason::kElapsed && !operation->cancel_asked) operation->is_late = true;
  io_.Cancel(operation);
}

// A parked task goes on when its turn comes. Nothing happens to one that was unparked already.
template <class Env>
void Core<Env>::Unpark(LiveTask* task, WakeReason reason) {
  if (task->place != TaskPlace::kNowhere) return;
  timers_->Disarm(task);
  task->wake = reason;
  task->ready_since = clock();
  ready_->Push(task);
  --suspended_count_;
}

}  // namespace weft

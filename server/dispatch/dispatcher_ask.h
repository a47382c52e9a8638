#pragma once
// What is asked of a task after it was accepted: its state, its result, its cancel. Included by
// dispatcher.cc only.

#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "dispatch/dispatcher.h"

namespace weft {

template <class Env>
FoundTask Dispatcher<Env>::Find(TaskId id) const {
  if (id.core_index() >= sides_.size()) return {};
  const TaskTable::Place place = sides_[id.core_index()]->table.Find(id);
  return {.kind = place.kind, .core = id.core_index(), .index = place.index};
}

template <class Env>
Refusal Dispatcher<Env>::NotFound(TaskId id) {
  Refusal refusal{.reason = RefusalReason::kTaskNotFound,
                  .message = absl::StrCat("there is no task ", id.value(),
                                          ": it never was, or its result is no longer kept "
                                          "(results.max_age_s, max_count, max_bytes)"),
                  .field = "task_id"};
  if (id.core_index() >= sides_.size()) refusal.absent_core = id.core_index();
  return Refuse(std::move(refusal));
}

template <class Env>
std::optional<Refusal> Dispatcher<Env>::CheckAnswer(size_t bytes) {
  auto refusal = admission_.CheckAnswer(bytes, in_flight_bytes_);
  if (!refusal) return std::nullopt;
  return Refuse(*std::move(refusal));
}

template <class Env>
std::optional<Refusal> Dispatcher<Env>::Get(TaskId id, TaskSummary* task) {
  const FoundTask found = Find(id);
  if (found.kind == TaskTable::Kind::kNone) return NotFound(id);
  *task = Summarize(found);
  return CheckAnswer(task->result.output.size());
}

// A slot whose message the core has not taken in still shows what was in it before: a terminal
// state, and a start earlier than this task's submission.
template <class Env>
TaskResult Dispatcher<Env>::Describe(uint32_t core, uint32_t slot) const {
  const Side& side = *sides_[core];
  const DoorTask& task = side.table.task(slot);
  TaskResult result;
  result.id = task.id;
  result.client_tag = task.client_tag;
  result.priority = task.priority;
  result.cpu = static_cast<uint32_t>(side.core.options().cpu);
  result.submitted_at_ns = task.anchor.ToUnixNs(task.submitted);
  const TaskState state = side.core.SlotState(slot);
  const sys::Ticks started = side.core.SlotStarted(slot);
  const bool begun = started >= task.submitted && started != 0;
  if (IsTerminal(state)) {
    // Just ended and not yet drained: the result is told with its end, not before.
    result.state = begun ? TaskState::kRunning : TaskState::kQueued;
  } else {
    result.state = state;
  }
  if (result.state == TaskState::kQueued) return result;
  result.attempts = 1;
  if (begun && options_.timing_metrics) {
    result.started_at_ns = task.anchor.ToUnixNs(started);
    result.queue_latency_ns = result.started_at_ns - result.submitted_at_ns;
  }
  return result;
}

template <class Env>
std::optional<Refusal> Dispatcher<Env>::CheckWait(std::optional<int64_t> wait_ns) {
  if (!wait_ns.has_value() || (*wait_ns >= 0 && *wait_ns <= options_.max_wait_ns)) {
    return std::nullopt;
  }
  return Refuse({.reason = RefusalReason::kInvalidField,
                 .message = absl::StrCat("wait_ns is ", *wait_ns, "; allowed are 0 to ",
                                         options_.max_wait_ns, " (limits.max_wait_s)"),
                 .field = "wait_ns",
                 .bound = "limits.max_wait_s"});
}

template <class Env>
std::optional<Refusal> Dispatcher<Env>::Wait(TaskId id, std::optional<int64_t> wait_ns,
                                             ResultReceiver& receiver) {
  if (auto refusal = CheckWait(wait_ns)) return refusal;
  const FoundTask found = Find(id);
  if (found.kind == TaskTable::Kind::kNone) return NotFound(id);
  if (found.kind == TaskTable::Kind::kKept) {
    const TaskResult result = retention_.View(found.index).result;
    if (auto refusal = CheckAnswer(result.output.size())) return refusal;
    receiver.OnResult(result, /*ended=*/true);
    return std::nullopt;
  }
  if (wait_ns == 0) {
    receiver.OnResult(Describe(found.core, found.index), /*ended=*/false);
    return std::nullopt;
  }
  if (deadlines_.full()) {
    return Refuse({.reason = RefusalReason::kWaitersFull,
                   .message = absl::StrCat(deadlines_.size(),
                                           " calls wait for results already, which is "
                                           "limits.max_waiters"),
                   .bound = "limits.max_waiters",
                   .retry_after_ns = Admission::RetryAfterNs(loads_[found.core].InFlight(),
                                                             loads_[found.core].ended_per_second)});
  }
  const sys::Ticks wait = anchor_.NsToTicks(wait_ns.value_or(options_.max_wait_ns));
  const sys::Ticks now = env_.Now();
  deadlines_.Add(receiver, wait < sys::kTicksForever - now ? now + wait : sys::kTicksForever);
  DoorTask& task = sides_[found.core]->table.task(found.index);
  task.waiters.Push(receiver, task);
  return std::nullopt;
}

template <class Env>
std::optional<Refusal> Dispatcher<Env>::Cancel(TaskId id, CancelReason reason,
                                               CancelReceiver* receiver) {
  const FoundTask found = Find(id);
  if (found.kind == TaskTable::Kind::kNone) return NotFound(id);
  if (found.kind == TaskTable::Kind::kKept) {
    if (receiver != nullptr) {
      receiver->OnCancelled(CancelOutcome::kAlreadyEnded,
                            retention_.View(found.index).result.state);
    }
    return std::nullopt;
  }
  if (receiver != nullptr) {
    DoorTask& task = sides_[found.core]->table.task(found.index);
    task.cancels.Push(*receiver, task);
  }
  PostCancel(found.core, found.index, reason);
  return std::nullopt;
}

// One message a task is out at a time: whoever asks meanwhile is answered by the same.
template <class Env>
void Dispatcher<Env>::PostCancel(uint32_t core, uint32_t slot, CancelReason reason) {
  Side& side = *sides_[core];
  DoorTask& task = side.table.task(slot);
  if (task.cancel_posted) return;
  task.cancel_posted = true;
  side.core.SetCancel(slot, task.id, reason);
  side.staged.push_back(
      {.id = task.id, .slot = slot, .kind = MessageKind::kCancel, .priority = task.priority});
}

template <class Env>
void Dispatcher<Env>::Hold(const TaskEntry& entry) {
  entry.paused.Set(true);
  for (const auto& side : sides_) {
    if (const TaskEntry* const there = side->FindEntryFor(entry)) there->paused.Set(true);
  }
}

// The flag goes first: whoever takes the message sees it, so nothing is held after it was taken.
template <class Env>
void Dispatcher<Env>::Release(const TaskEntry& entry) {
  entry.paused.Set(false);
  for (const auto& side : sides_) {
    const TaskEntry* const held = side->FindEntryFor(entry);
    if (held == nullptr) continue;
    held->paused.Set(false);
    side->staged.push_back({.entry = held, .kind = MessageKind::kRelease});
  }
}

template <class Env>
void Dispatcher<Env>::CancelAll(CancelReason reason) {
  for (uint32_t core = 0; core < sides_.size(); ++core) {
    for (uint32_t slot = 0; slot < sides_[core]->table.slots(); ++slot) {
      if (sides_[core]->table.task(slot).live) PostCancel(core, slot, reason);
    }
  }
}

template <class Env>
void Dispatcher<Env>::Leave(ResultReceiver& receiver) {
  deadlines_.Remove(receiver);
  if (DoorTask* task = WaiterList::TaskOf(receiver)) task->waiters.Remove(receiver);
}

template <class Env>
void Dispatcher<Env>::LeaveCancel(CancelReceiver& receiver) {
  if (DoorTask* task = CancelList::TaskOf(receiver)) task->cancels.Remove(receiver);
}

}  // namespace weft

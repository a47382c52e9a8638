#pragma once

#include <algorithm>

#include "dispatch/dispatcher.h"

// How tasks that are alike are admitted together, and how their ends are told together. Part of
// dispatcher.cc's translation unit.

namespace weft {

// All go to one core. Where several take new tasks each finds its own, for what a task costs may
// lie in its payload.
template <class Env>
bool Dispatcher<Env>::SubmitAlike(const TaskSpec& spec, std::span<AlikeTask> tasks,
                                  PayloadBlock& block, sys::Ticks at) {
  if (load_watch_.active.count() > 1 || !watchers_.empty()) return false;
  Admission::Checked checked;
  if (!admission_.CheckPlain(spec, &checked)) return false;
  const TaskEntry& entry = *checked.entry;
  if (entry.paused.is_set() || entry.pooled.is_set()) [[unlikely]]
    return false;
  size_t bytes = 0;
  for (const AlikeTask& task : tasks) bytes += task.payload.size();
  const Arrival arrival = {at, Route(spec, checked, at), entry.index};
  Side& side = *sides_[arrival.core];
  if (!loads_[arrival.core].HasRoom(spec.priority) ||
      !admission_.HasRoom(spec.priority, tasks.size(), bytes, loads_[arrival.core],
                          in_flight_bytes_) ||
      side.table.free() < tasks.size()) [[unlikely]] {
    return false;
  }
  for (AlikeTask& task : tasks) task.id = Begin(arrival, entry, spec, task, block).id;
  CountBegun(arrival.core, static_cast<uint32_t>(tasks.size()), bytes, block);
  return true;
}

// Takes the end of a task that is plain in every way. False: nothing was done, and it is
// OnCompletion's. Its slot is free at once: whoever hears of the end may submit again only then.
template <class Env>
bool Dispatcher<Env>::Gather(uint32_t core, const Completion& ended) {
  if (core >= core_count_ || !options_.timing_metrics || !watchers_.empty()) return false;
  Side& side = *sides_[core];
  if (!ended.is_plain() || ended.slot >= side.table.slots()) return false;
  DoorTask& task = side.table.task(ended.slot);
  if (task.id != ended.id || !task.is_plain() || ended.started < task.submitted ||
      ended.completed < ended.started || ended.started > task.deadline) {
    return false;
  }
  ResultReceiver* const receiver = task.waiters.only();
  if (receiver == nullptr || receiver->gatherer() == nullptr) return false;
  if (!gathered_.Takes(receiver->gatherer(), task.block, task.priority)) {
    TellGathered(core);
    return Gather(core, ended);  // Whoever heard may have asked something of this one.
  }
  const PlainResult result = {.id = task.id,
                              .client_tag = task.client_tag,
                              .submitted_at_ns = task.anchor.ToUnixNs(task.submitted),
                              .started_at_ns = task.anchor.ToUnixNs(ended.started),
                              .completed_at_ns = task.anchor.ToUnixNs(ended.completed),
                              .output = ended.output()};
  if (side.ledger.has_value() && task.expected_wait >= 0) {
    Learn(task, ended, result.started_at_ns - result.submitted_at_ns);
  }
  task.waiters.Remove(*receiver);
  gathered_.Add(*receiver, *task.block, task.priority, task.payload_bytes, result);
  task.block = nullptr;
  side.table.End(ended.slot);
  side.table.Release(ended.slot);
  return true;
}

template <class Env>
void Dispatcher<Env>::TellGathered(uint32_t core) {
  if (gathered_.count() == 0) return;
  CoreLoad& load = loads_[core];
  stats_.ended[static_cast<size_t>(TaskState::kSucceeded)].Add(gathered_.count());
  load.ended[static_cast<size_t>(gathered_.priority())] += gathered_.count();
  load.slots_full = false;
  window_.Add(gathered_.sums());
  gathered_.Tell(static_cast<uint32_t>(sides_[core]->core.options().cpu));
  in_flight_bytes_ -= gathered_.held_bytes();
  gathered_.Clear();
}

}  // namespace weft

#pragma once
// What is told of many tasks: listings, and events to those who watch. Included by dispatcher.cc
// only.

#include <utility>

#include "dispatch/dispatcher.h"

namespace weft {
namespace dispatch_internal {

inline TaskSummary WithSpec(const DoorTask& task, const TaskResult& result) {
  return {.result = result, .handler = task.entry->name, .labels = task.labels()};
}

}  // namespace dispatch_internal

template <class Env>
std::optional<Refusal> Dispatcher<Env>::CheckFilter(const TaskFilter& filter) {
  auto refusal = admission_.CheckFilter(filter);
  if (!refusal) return std::nullopt;
  return Refuse(*std::move(refusal));
}

template <class Env>
bool Dispatcher<Env>::List(const TaskFilter& filter, ListCursor* cursor, TaskLister& lister) const {
  size_t entries_left = kListEntriesMax;
  size_t tasks_left = kListTasksMax;
  for (; cursor->core < sides_.size(); *cursor = {.core = cursor->core + 1}) {
    const Side& side = *sides_[cursor->core];
    if (filter.cpu.has_value() && *filter.cpu != static_cast<uint32_t>(side.core.options().cpu)) {
      continue;
    }
    if (side.table.remembers_none()) continue;
    if (cursor->done == 0) cursor->start = side.table.newest_position();
    while (cursor->done < side.table.directory_size()) {
      if (entries_left == 0 || tasks_left == 0 || lister.full()) return true;
      --entries_left;
      const TaskTable::Place place = side.table.At(cursor->start - cursor->done++);
      if (place.kind == TaskTable::Kind::kNone) continue;
      --tasks_left;
      const TaskSummary task =
          Summarize({.kind = place.kind, .core = cursor->core, .index = place.index});
      if (filter.Matches(task)) lister.OnTask(task);
    }
  }
  return false;
}

template <class Env>
TaskSummary Dispatcher<Env>::Summarize(const FoundTask& found) const {
  if (found.kind == TaskTable::Kind::kKept) return retention_.View(found.index);
  return dispatch_internal::WithSpec(sides_[found.core]->table.task(found.index),
                                     Describe(found.core, found.index));
}

}  // namespace weft

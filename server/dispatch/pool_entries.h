#pragma once

#include <memory>
#include <vector>

#include "core/core.h"
#include "executor/task_entry.h"
#include "task/limits.h"

namespace weft {

// What the blocking pool is posted in place of handlers' entries, so that its threads run them:
// a twin of each handler that ever had a task there. Owned by the Dispatcher. Door thread only.
template <class Env>
class PoolEntries {
 public:
  PoolEntries() : twins_(kMaxHandlers) {}

  // Stays as long as this.
  const TaskEntry* TwinOf(const TaskEntry& entry) {
    std::unique_ptr<const TaskEntry>& twin = twins_[entry.index];
    if (twin == nullptr) twin = std::make_unique<TaskEntry>(Core<Env>::EntryForThread(entry));
    return twin.get();
  }
  // Null: it never had a task there.
  const TaskEntry* Find(const TaskEntry& entry) const { return twins_[entry.index].get(); }

 private:
  std::vector<std::unique_ptr<const TaskEntry>> twins_;  // By TaskEntry::index.
};

}  // namespace weft

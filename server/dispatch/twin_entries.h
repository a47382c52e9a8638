#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "core/core.h"
#include "executor/executor.h"
#include "executor/handler_body.h"
#include "executor/task_entry.h"
#include "task/limits.h"

namespace weft {

// What a core is posted in place of handlers' entries when it runs handlers by something else: a
// twin of each handler that ever had a task there. Owned by the core's CoreSide. Door thread only.
template <class Env>
class TwinEntries {
 public:
  // For the blocking pool's core: its threads run them.
  TwinEntries() : twins_(kMaxHandlers) {}
  // An executor runs them, which outlives the core, as does its name.
  TwinEntries(Executor& executor, std::string_view name)
      : executor_(&executor), name_(name), twins_(kMaxHandlers) {}

  // Stays as long as this.
  const TaskEntry* TwinOf(const TaskEntry& entry) {
    Twin& twin = twins_[entry.index];
    if (twin.entry == nullptr) Make(entry, &twin);
    return twin.entry;
  }
  // Null: it never had a task there.
  const TaskEntry* Find(const TaskEntry& entry) const { return twins_[entry.index].entry; }
  // The handler's entry that this is the twin of.
  const TaskEntry& OriginalOf(const TaskEntry& twin) const { return *twins_[twin.index].original; }

 private:
  struct Twin {
    const TaskEntry* entry = nullptr;
    const TaskEntry* original = nullptr;
    std::unique_ptr<const TaskEntry> for_thread;
    std::unique_ptr<const ExecutorEntry> for_executor;
  };

  void Make(const TaskEntry& entry, Twin* twin) {
    twin->original = &entry;
    if (executor_ == nullptr) {
      twin->for_thread = std::make_unique<TaskEntry>(Core<Env>::EntryForThread(entry));
      twin->entry = twin->for_thread.get();
    } else {
      twin->for_executor = std::make_unique<ExecutorEntry>(entry, *executor_, name_);
      twin->entry = &twin->for_executor->twin();
    }
  }

  Executor* executor_ = nullptr;  // Null: threads.
  std::string_view name_;
  std::vector<Twin> twins_;  // By TaskEntry::index.
};

}  // namespace weft

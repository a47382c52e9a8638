#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "core/core.h"
#include "core/message.h"
#include "dispatch/task_table.h"
#include "dispatch/twin_entries.h"
#include "dispatch/work_ledger.h"

namespace weft {

// What the id of a task leads to: a slot of that core, or a record in Retention.
struct FoundTask {
  TaskTable::Kind kind = TaskTable::Kind::kNone;
  uint32_t core = 0;
  uint32_t index = 0;
};

// One core as the Door sees it. Owned by the Dispatcher. Door thread only.
template <class Env>
struct CoreSide {
  CoreSide(Core<Env>& core_in, const TaskTable::Options& table_options)
      : core(core_in), table(table_options) {}

  size_t StagedCount() const { return staged.size() - posted; }

  // What the core is posted for a handler.
  const TaskEntry* EntryFor(const TaskEntry& entry) {
    return twins == nullptr ? &entry : twins->TwinOf(entry);
  }
  // What it was posted so far for a handler; null: nothing that could be held there.
  const TaskEntry* FindEntryFor(const TaskEntry& entry) const {
    return twins == nullptr ? &entry : twins->Find(entry);
  }
  // The handler's entry behind one that the core runs.
  const TaskEntry& OriginalOf(const TaskEntry& running) const {
    return twins == nullptr ? running : twins->OriginalOf(running);
  }

  Core<Env>& core;
  TaskTable table;
  std::vector<Message> staged;  // From `posted` on: not yet in the inbox.
  size_t posted = 0;
  std::unique_ptr<TwinEntries<Env>> twins;  // Null: the core runs handlers itself.
  std::optional<WorkLedger> ledger;         // None: nothing is foretold of it.
  uint64_t ended_before = 0;                // At the last MeasureRates.
  uint64_t admitted_before = 0;             // At the last check of the core's own counts.
  uint64_t turns_before = 0;
  uint64_t spawned_ended_before = 0;
  uint64_t busy_ns_before = 0;  // At the last MeasureLoad.
};

}  // namespace weft

#pragma once

#include <string_view>

#include "executor/executor.h"
#include "executor/task_context.h"
#include "executor/task_entry.h"

namespace weft {

// One run of a handler as a body: a single poll, from the handler's begin to its end. The handler
// sees the context it is given but for what would suspend it, of which the seam knows nothing:
// SleepFor and Yield answer kCancelled, file I/O -ENOSYS, and the task then fails with
// TaskErrorCode::kNotSupported, naming the call and the executor, whatever the handler makes of it.
// What the handler throws is a failure of the task with its message, and to the executor a panic.
class HandlerBody final : public TaskBody {
 public:
  // All outlive the body. executor: as executor.kind spells it.
  HandlerBody(const TaskEntry& entry, TaskContext& context, std::string_view executor);
  HandlerBody(const HandlerBody&) = delete;
  HandlerBody& operator=(const HandlerBody&) = delete;

  // Whether the handler has run; then what came of it. After the body has ended.
  bool has_run() const { return has_run_; }
  TaskOutcome outcome() const { return outcome_; }

 private:
  static BodyStep Poll(TaskBody& self, const BodyContext& context);
  BodyStep Run();
  TaskOutcome FailUnsupported(std::string_view what);

  const TaskEntry& entry_;
  TaskContext& context_;
  const std::string_view executor_;
  bool has_run_ = false;
  TaskOutcome outcome_ = TaskOutcome::kFailed;
};

// Has an executor run a handler whenever a core runs a task of it: what a core is given in the
// place of the handler's entry. Core thread only, which is the executor's owner.
class ExecutorEntry {
 public:
  // All outlive this. name: as executor.kind spells it.
  ExecutorEntry(const TaskEntry& entry, Executor& executor, std::string_view name);
  ExecutorEntry(const ExecutorEntry&) = delete;
  ExecutorEntry& operator=(const ExecutorEntry&) = delete;

  // A plain call for the core, as nothing here suspends. Alive as long as this.
  const TaskEntry& twin() const { return twin_; }

 private:
  static TaskOutcome Run(void* state, TaskContext& context);

  const TaskEntry& entry_;
  Executor& executor_;
  const std::string_view name_;
  TaskEntry twin_;
};

}  // namespace weft

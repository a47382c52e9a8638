#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "task/cancel_reason.h"
#include "task/refusal.h"
#include "task/task_result.h"
#include "task/task_spec.h"
#include "task/task_summary.h"
#include "weft/v1/task.pb.h"
#include "weft/v1/task_service.pb.h"

// Tasks between their protobuf form and task/. Pure functions, any thread.

namespace weft {

// Fills *spec with views into message, and, if it has labels, into *labels, which is overwritten
// and may be used again; both must stay until the spec is submitted. Refuses what cannot be said in
// task/ terms: an empty handler, an overlong one, a priority that this version does not know, and
// malformed labels. field_prefix is where message stands in the request ("spec", "specs[3]"), for
// the refusal's field path. Ranges that depend on the configuration are the Dispatcher's to check.
std::optional<Refusal> ReadTaskSpec(const v1::TaskSpec& message, std::string_view field_prefix,
                                    std::string* labels, TaskSpec* spec);

// Overwrites every field of *message. The memory of its strings is kept, so a message used again
// allocates nothing in steady state.
void WriteTaskResult(const TaskResult& result, v1::TaskResult* message);

// The same, without the output.
void WriteTaskSummary(const TaskSummary& task, v1::TaskSummary* message);

void WriteTaskEvent(TaskEventKind kind, const TaskSummary& task, v1::TaskEvent* message);

void WriteCancelled(CancelOutcome outcome, TaskState state, v1::CancelTaskResponse* message);

}  // namespace weft

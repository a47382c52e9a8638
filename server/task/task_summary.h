#pragma once

#include <cstdint>
#include <string_view>

#include "task/task_result.h"

namespace weft {

// A task as it stands, with what was asked for. The views belong to whoever hands it out and hold
// for the call that does.
struct TaskSummary {
  TaskResult result;
  std::string_view handler;
  std::string_view labels;  // See task/labels.h.
};

// What happened to a task.
enum class TaskEventKind : uint8_t { kAccepted, kEnded };

}  // namespace weft

#pragma once

#include <string>
#include <string_view>

#include "task/task_state.h"

namespace weft {

// What a task has beside the two lines of its LiveTask, used when it ends. Core thread only.
struct TaskCold {
  std::string output;
  std::string error_message;
};

// How a task ended. The view is into its TaskCold or its payload, or of a literal.
struct TaskEnd {
  TaskState state = TaskState::kSucceeded;
  TaskErrorCode error_code = TaskErrorCode::kNone;
  std::string_view text;    // Its output; its error message when it has an error code.
  bool has_output = false;  // It asked for its slot's buffer.
};

}  // namespace weft

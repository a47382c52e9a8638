#pragma once

#include <cstdint>

#include "dispatch/receiver.h"
#include "task/task_id.h"

namespace weft {

// Who receives the result, and whether it is kept afterwards.
struct SubmitOptions {
  ResultReceiver* receiver = nullptr;  // Null: nobody waits (SubmitTask).
  bool retain = false;                 // Keep the result for Get and Wait.
};

// What the caller learns of a task that was admitted.
struct Accepted {
  TaskId id;
  int64_t submitted_at_ns = 0;
  uint32_t cpu = 0;
};

}  // namespace weft

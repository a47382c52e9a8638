#pragma once

#include <cstdint>
#include <string_view>

#include "task/priority.h"
#include "task/task_id.h"
#include "task/task_state.h"

namespace weft {

// A task as it stands, or what came of it; the views belong to whoever hands it out and hold for
// the call that does. Times are Unix nanoseconds, 0 for what has not happened; all four latencies
// are differences of the exact times, at least 0 (see proto/weft/v1/task.proto).
struct TaskResult {
  TaskId id;
  uint64_t client_tag = 0;
  TaskState state = TaskState::kQueued;
  TaskErrorCode error_code = TaskErrorCode::kNone;
  Priority priority = Priority::kNormal;
  uint8_t attempts = 0;
  uint32_t cpu = 0;
  std::string_view output;
  std::string_view error_message;
  int64_t submitted_at_ns = 0;
  int64_t started_at_ns = 0;
  int64_t completed_at_ns = 0;
  int64_t queue_latency_ns = 0;
  int64_t execution_latency_ns = 0;
  int64_t suspended_ns = 0;
  int64_t total_latency_ns = 0;
  int64_t off_core_ns = kNotTold;

  static constexpr int64_t kNotTold = -1;
};

}  // namespace weft

#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "task/priority.h"
#include "task/task_id.h"

namespace weft {

// What each of several tasks has of its own, all of which began, were never suspended, lost no time
// that is told of, and succeeded. As in TaskResult, which has the rest for each.
struct PlainResult {
  TaskId id;
  uint64_t client_tag = 0;
  int64_t submitted_at_ns = 0;
  int64_t started_at_ns = 0;
  int64_t completed_at_ns = 0;
  std::string_view output;
};

// And what they have in common.
struct PlainResults {
  std::span<const PlainResult> each;
  size_t output_bytes = 0;  // Of all.
  uint32_t cpu = 0;
  Priority priority = Priority::kNormal;
};

}  // namespace weft
